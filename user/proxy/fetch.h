/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FETCH_H
#define FETCH_H

/*
 * fetch: a request of the proxy's own to a service, on the worker's loop: a middleware's question
 * to another server (mw/mw_wait.h), or a copy of a request for a mirror.
 *
 * It chooses servers as requests do and uses the same connections. It is bounded in time and
 * memory, follows no redirections, and sends again only what no server has seen, or once what may
 * be sent twice (RFC 9110 9.2.2). Middlewares of the services on the way see the request; one that
 * would have to wait there fails it.
 */

#include "mw/mw_wait.h"
#include "proxy/body_store.h"
#include "proxy/publish.h"
#include "proxy/worker.h"

struct fetch;

/*
 * Asks; done() is called later, once, with the answer in *ask, unless it is cancelled before. for_:
 * the request that it is about: whose client counts. memory: what the answer's body stands in (may
 * be NULL): free() it when that is done with. NULL: it has failed at once, and ask->error says how.
 */
struct fetch *fetch_begin(struct worker *worker, struct snapshot_use *use,
			  const struct request *for_, struct mw_fetch *ask,
			  void (*done)(void *context, void *memory), void *context);
/*
 * Sends a copy of request (borrowed until done()) with that body (NULL: none); the answer is read
 * and dropped, and its status given in *ret_status (0: there was none).
 */
struct fetch *fetch_copy(struct worker *worker, struct snapshot_use *use,
			 const struct request *request, const struct body_store *body,
			 const struct service *service, uint64_t timeout_ns, uint16_t *ret_status,
			 void (*done)(void *context, void *memory), void *context);
/* Nobody is told. NULL is allowed. */
void fetch_cancel(struct fetch *fetch);

#endif
