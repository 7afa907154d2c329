/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

/*
 * attempt: gets a request to some server.
 *
 * What may be tried again (RFC 9110 9.2.2; reference/security.md D11): a request of which the
 * server has seen nothing goes to another server, or over another connection, whatever its method;
 * one that was sent and lost before any byte of an answer only if its method is idempotent and all
 * of it is still here, and only once. Never twice otherwise.
 */

#include "proxy/exchange.h"

/* Chooses a server and begins. May end. */
void attempt_begin(struct exchange *exchange);
/* The connection stands. May end. */
void attempt_send(struct exchange *exchange);
/* It could not be made; the upstream is gone already. May end. */
void attempt_dial_failed(struct exchange *exchange, enum fail fail);
/* It was lost before any byte of the answer came. May end. */
void attempt_lost(struct exchange *exchange, bool nothing_sent);
/* How long the server may stay silent from now on. */
void attempt_set_deadline(struct exchange *exchange);

#endif
