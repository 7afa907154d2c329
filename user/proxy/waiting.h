/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAITING_H
#define WAITING_H

/*
 * waiting: what middlewares wait for (mw/mw_wait.h), and how an exchange goes on afterwards.
 *
 * One thing at a time. Whatever it is, more->then() is called once when it is over, unless the
 * exchange has ended before: then it is given up, and a job that runs on another thread is waited
 * for by itself (EXCHANGE_ORPHAN).
 */

#include "proxy/exchange.h"

/*
 * What pipeline->call.wait asks for. True: it is there already, and then() is not called. False:
 * later, or it has ended.
 */
bool waiting_begin(struct exchange *exchange, void (*then)(struct exchange *));
/* then() at that time, or, when it is over already, in the next round. False: no memory. */
bool waiting_until(struct exchange *exchange, uint64_t at_ns, void (*then)(struct exchange *));
/* The client's connection was ready, or a deadline has passed: goes on if it is time. May end. */
void waiting_look(struct exchange *exchange);
/* The exchange ends: nobody waits any more. */
void waiting_cancel(struct exchange *exchange);

#endif
