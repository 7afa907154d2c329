/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPOSITE_H
#define COMPOSITE_H

/*
 * composite: what services made of services want of an exchange beside a choice (reference d.2):
 * failover by status sends the request once more, to the second child; mirroring sends copies of it
 * elsewhere, after the answer. Both need the request's body kept.
 */

#include "proxy/exchange.h"

/* The choice has passed such a service. False: no memory. */
bool composite_note(struct exchange *exchange);
/* Before the request is sent. True: it may be; false: then() is called later, or the exchange has
 * ended. */
bool composite_prepare(struct exchange *exchange, void (*then)(struct exchange *));
/* Whether an answer with that status is not to be the client's, but the second child's is. */
bool composite_takes(const struct exchange *exchange, uint16_t status);
/* The answer was dropped: to the second child. May end. */
void composite_fail_over(struct exchange *exchange);

#endif
