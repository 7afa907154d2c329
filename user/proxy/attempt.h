/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

/*
 * attempt: gets a request to some server.
 *
 * What may be tried again (RFC 9110 9.2.2; reference/security.md D11): a request of which the
 * server has seen nothing goes to another server, or over another connection, whatever its method;
 * one that was sent and lost before any byte of an answer only if its method is idempotent and all
 * of it is still here, and only once (once more where the connection was an old one). Never twice
 * otherwise.
 */

#include "proxy/exchange.h"

/* The route's middlewares have run: chooses a server and begins. May end. */
void attempt_begin(struct exchange *exchange);
/* The middlewares of pick.service have run: goes on below it. May end. */
void attempt_go_on(struct exchange *exchange);
/* Goes on at that service, as if the choice had come down to it just now. May end. */
void attempt_at(struct exchange *exchange, const struct service *service);
/*
 * The answer was dropped: all of it once more, with another choice, from the level on whose
 * middleware asked for it; at until_ns, or soon. May end.
 */
void attempt_again(struct exchange *exchange, const struct pipeline_level *level,
		   uint64_t until_ns);
/* The answer so far is forgotten, and what middlewares of services within level did, too. */
void attempt_forget(struct exchange *exchange, const struct pipeline_level *level);
/* Done with the server's connection, if there is one. */
void attempt_release(struct exchange *exchange, bool may_reuse);
/* The connection stands. May end. */
void attempt_send(struct exchange *exchange);
/* It could not be made; the upstream is gone already. May end. */
void attempt_dial_failed(struct exchange *exchange, enum fail fail);
/* It was lost before any byte of the answer came. May end. */
void attempt_lost(struct exchange *exchange, bool nothing_sent);
/* How long the server may stay silent from now on. */
void attempt_set_deadline(struct exchange *exchange);

#endif
