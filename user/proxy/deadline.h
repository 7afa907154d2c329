/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEADLINE_H
#define DEADLINE_H

/*
 * deadline: until when an exchange waits for its client, for what a middleware wants, or at all.
 * (Servers have a timer of their own: attempt.h.) One timer, the connection's, stands at the
 * earliest of them.
 */

#include "proxy/exchange.h"

/* exchange_set_deadline() and exchange_on_client_timeout() of exchange.h are here, too. */

/* The moment at which the exchange as a whole is over; UINT64_MAX: never. */
uint64_t deadline_total_ns(const struct exchange *exchange);

#endif
