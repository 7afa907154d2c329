/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANSWER_H
#define ANSWER_H

/*
 * answer: every final answer on its way to the client, a server's or an own one: through the
 * middlewares that the request has reached, which may hold it, put another in its place or ask for
 * another attempt, and then, with its body's filters, out.
 *
 * An answer's texts stand in the worker's buffers. One that is held is copied to the arena, and
 * what followed its head goes back to the server's link, from where nothing more is read.
 */

#include "proxy/exchange.h"

/* rest: what followed the head; stands in the scratch buffer. May end. */
void answer_server(struct exchange *exchange, struct response *response, struct str rest);
/* body must live as long as the exchange. May end. */
void answer_local(struct exchange *exchange, struct response *response, struct str body,
		  bool may_keep);
/* The answer is held: the beginning of its body is wanted. True: it is there. False: later, or the
 * exchange has ended. */
bool answer_await(struct exchange *exchange, const struct mw_wait_response *wait);
/* The server's connection is ready, or has timed out, while the answer is held. May end. */
void answer_on_upstream(struct exchange *exchange);
/* What is left of a large own body. 0: all is written, -EAGAIN, or an error. */
int answer_write_rest(struct exchange *exchange);

#endif
