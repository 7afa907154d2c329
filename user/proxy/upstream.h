/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPSTREAM_H
#define UPSTREAM_H

/*
 * upstream: connections to servers, per worker, pooled per server, the last used first.
 *
 * A connection is in exactly one state. It returns to the pool only when the request was sent to
 * its end, the response was read to its end, nothing surplus is there, and both sides keep it
 * alive. An idle one that becomes readable is closed, whatever it says: nobody asked
 * (reference/security.md A2.1).
 */

#include "plan/snapshot.h"
#include "proxy/link.h"

struct exchange;

enum upstream_state {
	UPSTREAM_DIALLING,
	UPSTREAM_BUSY,
	UPSTREAM_IDLE,
	UPSTREAM_CLOSED,
};

struct upstream {
	struct link link;
	struct list node; /* in the server's idle list */
	struct loop_task freeing;
	struct server_pool *pool;
	struct exchange *exchange; /* whom it works for; NULL while idle */
	uint64_t n_exchanges;	   /* before this one */
	uint8_t state;
};

struct server_pool {
	struct list idle; /* the last used in front */
	uint32_t n_idle, n_open;
	uint32_t n_failed; /* dials in a row */
	uint64_t
		set_aside_until_ns; /* it refused a connection: others are asked first until then */
};

/* What the exchange is told. Set once per process by exchange.c, so that upstream need not know it.
 */
struct upstream_events {
	/* Readable, writable, ended, connected: anything but failure to connect. */
	void (*on_ready)(struct exchange *exchange);
	void (*on_dial_failed)(struct exchange *exchange, bool timed_out);
	/* The deadline that was set passed. */
	void (*on_timeout)(struct exchange *exchange);
};
extern const struct upstream_events exchange_upstream_events;

/* The pool of a server, or NULL: nothing was sent there yet. */
struct server_pool *upstream_pool(struct worker *worker, uint32_t server_id);
/* Ids below n can be used afterwards. -ENOMEM. */
int upstream_reserve(struct worker *worker, uint32_t n);
void upstream_pools_done(struct worker *worker);

/* An idle connection to the server, now busy for exchange; NULL: there is none. */
struct upstream *upstream_reuse(struct worker *worker, const struct server *server,
				struct exchange *exchange);
/* Begins a new connection. -EMFILE, -EAGAIN (limit), -ECONNREFUSED, ...; the deadline is the
 * worker's. */
int upstream_dial(struct worker *worker, const struct server *server, struct exchange *exchange,
		  struct upstream **ret_upstream);
/* The exchange is done with it: pooled if it may be and is clean, else closed. */
void upstream_release(struct upstream *upstream, bool may_reuse);
/* Closes all idle ones. */
void upstream_close_idle(struct worker *worker);
static inline bool upstream_is_set_aside(const struct server_pool *pool, uint64_t now_ns)
{
	return pool && now_ns < pool->set_aside_until_ns;
}

#endif
