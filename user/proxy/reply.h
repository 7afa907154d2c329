/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLY_H
#define REPLY_H

/*
 * reply: the proxy's own answers: a row of the failure table, or what a middleware says. They pass
 * the response hooks of the middlewares that the request has reached, like any other response.
 */

#include <sys/types.h>

#include "proxy/exchange.h"

/* Each may end. */
void reply_fail(struct exchange *exchange, enum fail fail);
void reply_middleware(struct exchange *exchange);
void reply_status(struct exchange *exchange, uint16_t status);
/* A whole answer for a connection that is turned away at the door; its length. */
ssize_t reply_too_many(char *out, size_t cap);

#endif
