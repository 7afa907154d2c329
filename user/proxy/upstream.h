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
 *
 * Whoever sends a request (an exchange, a fetch) is an owner: it embeds a struct upstream_owner and
 * is told of everything through its events. It speaks HTTP/1.1 over upstream->link in any
 * case: over HTTP/2 the link is one stream of a connection that others share (h2_upstream.h). How a
 * connection is made (names, PROXY protocol, TLS) is dial.c's business.
 */

#include "http/fail.h"
#include "net/proxy_protocol.h"
#include "plan/snapshot.h"
#include "plan/transport.h"
#include "proxy/link.h"

struct dial;
struct h2_upstream;
struct snapshot_use;
struct upstream_owner;

enum upstream_state {
	UPSTREAM_DIALLING, /* being made: see dial.h */
	UPSTREAM_BUSY,
	UPSTREAM_IDLE,
	UPSTREAM_CLOSED,
};

/* What an owner is told. */
struct upstream_events {
	/* Readable, writable, ended, connected: anything but failure to connect. */
	void (*on_ready)(struct upstream_owner *owner);
	/* The upstream is gone already; fail: FAIL_DIAL_FAILED, _DIAL_TIMEOUT, _UPSTREAM_TLS or
	 * _UPSTREAM_CERT. */
	void (*on_dial_failed)(struct upstream_owner *owner, enum fail fail);
	/* The deadline that was set passed. */
	void (*on_timeout)(struct upstream_owner *owner);
};

struct upstream_owner {
	const struct upstream_events *events;
	/* Whom the PROXY protocol names; has_addrs false: nobody. Set before dialling. */
	struct proxy_header client;
	bool wants_upgrade; /* the request switches protocols: HTTP/1.1 it must be */
	/*
	 * Connections that are authenticated as a whole (NTLM, Negotiate) serve nobody else
	 * (reference d.5): a number of the client's connection, never used again; 0: they are
	 * anybody's.
	 */
	uint64_t private_to;
	/* What the server belongs to; NULL: the worker's current snapshot. */
	struct snapshot_use *use;
};

struct upstream {
	struct link link;
	struct list node; /* in the server's idle list */
	struct loop_task freeing;
	struct server_pool *pool;
	struct upstream_owner *owner; /* whom it works for; NULL while idle */
	uint64_t n_exchanges;	      /* before this one */
	uint8_t state;
	/* The server said that it has not looked at the request: it may be sent again whatever its
	 * method is (RFC 9113 8.7). */
	bool unprocessed;
	const struct server *server; /* while it is being made */
	struct dial *dial;	     /* while it is being made; NULL: nothing but a connect() */
	struct proxy_header *client; /* what the PROXY protocol said; NULL: nothing */
	uint64_t private_to;
};

struct server_pool {
	struct server_pool *next_gone; /* of those that no server has any more */
	uint64_t serial;	       /* which server it is for: ids come back */
	uint32_t n_upstreams;	       /* that know it */
	struct list idle;	       /* the last used in front */
	uint32_t n_idle, n_open;
	uint64_t transport; /* its id: what the connections were made with */
	uint32_t max_idle;
	uint64_t idle_ns;
	struct ssl_session_st *session; /* of TLS, for the next connection */
	struct list h2;			/* struct h2_upstream: connections that many share */
	uint32_t n_leaders;		/* dials that may bring one: others wait for them */
	bool speaks_h2;			/* the server has agreed to it before */
	uint32_t addrs_version; /* of the name's addresses, when idle ones were looked through */
};

/* The pool of a server, or NULL: nothing was sent there yet. */
struct server_pool *upstream_pool(struct worker *worker, uint32_t server_id);
/* Ids below n can be used afterwards. -ENOMEM. */
int upstream_reserve(struct worker *worker, uint32_t n);
void upstream_pools_done(struct worker *worker);

static inline const struct transport *upstream_transport(const struct server *server)
{
	return server->transport ? server->transport : &transport_plain;
}

/* An idle connection to the server, now busy for owner; NULL: there is none. */
struct upstream *upstream_reuse(struct worker *worker, const struct server *server,
				struct upstream_owner *owner);
/*
 * Begins a new connection. -EMFILE, -EAGAIN (limit), -ECONNREFUSED, ...; otherwise one of the
 * owner's events follows, later. The deadlines are the transport's. The server must live until
 * then: its owner holds the snapshot.
 */
int upstream_dial(struct worker *worker, const struct server *server, struct upstream_owner *owner,
		  struct upstream **ret_upstream);
/* The exchange is done with it: pooled if it may be and is clean, else closed. */
void upstream_release(struct upstream *upstream, bool may_reuse);
/* Closes all idle ones. */
void upstream_close_idle(struct worker *worker);

/* For dial.c. */

/* Whether a connection that was announced so (NULL: it was not), and is private to, may serve
 * owner. */
bool upstream_is_for(const struct proxy_header *client, uint64_t private_to,
		     const struct upstream_owner *owner);
/* Whether an answer begins an authentication that holds for the connection it came over. */
bool upstream_becomes_private(const struct response *response);
/* The upstream, which has no connection, becomes a stream of h2. False without memory. */
bool upstream_join(struct upstream *upstream, struct h2_upstream *h2);
/* The link stands: the owner may write. */
void upstream_established(struct upstream *upstream);
/* It cannot be made: the owner is told, the upstream goes. */
void upstream_dial_failed(struct upstream *upstream, enum fail fail);
void upstream_on_ready(struct loop_io *io);

#endif
