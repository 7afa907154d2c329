/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLOAD_H
#define UPLOAD_H

/*
 * upload: the request's body: on its way to a server, or kept first, so that a middleware can look
 * at it and it can be sent more than once.
 */

#include "proxy/exchange.h"

/*
 * Keeps all of the body; longer than max_bytes (negative: no limit) is too large, and what was read
 * until then goes first when it is forwarded. mem_bytes: as body_store_init(), when it is the first
 * to ask. True: that is known already; false: it has ended, or then() is called later.
 */
bool upload_keep(struct exchange *exchange, int64_t max_bytes, int64_t mem_bytes,
		 void (*then)(struct exchange *exchange));
/* The client's connection is ready and state is EXCHANGE_BODY. May end. */
void upload_on_client(struct exchange *exchange);
/* What is known of the body, for whoever asked with that limit. */
struct pipeline_body upload_body(const struct exchange *exchange, int64_t max_bytes);

/*
 * The body begins its way to a server (anew): request->body and content_length become what the
 * head must say. *ret_first: what can go together with the head; stands in the scratch buffer or
 * elsewhere. FAIL_NONE, or why not.
 */
enum fail upload_start(struct exchange *exchange, struct str *ret_first);
/* Whether the request could be sent once more, as far as its body goes. */
bool upload_is_replayable(const struct exchange *exchange);
/* Whether all of the body was taken from the client: another request may follow. Only after
 * upload_start(), upload_keep() or upload_drop(). */
static inline bool upload_is_read(const struct exchange *exchange)
{
	return h1_body_done(&exchange->up.body);
}
/* Nobody wants the body. What came with the head is dropped; true when that was all of it. */
bool upload_drop(struct exchange *exchange);

#endif
