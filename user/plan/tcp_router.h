/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TCP_ROUTER_H
#define TCP_ROUTER_H

/*
 * tcp_router: which TCP route a connection of an entry point takes, or that it is HTTP's
 * (reference b.4, b.5).
 *
 * A route whose rule needs a name (HostSNI) is filed under it; the others are candidates for every
 * connection. Candidates are visited in order of priority and their whole rule is evaluated.
 */

#include "base/arena.h"
#include "plan/stream_plan.h"

struct tcp_router;

/*
 * routes are borrowed. https: the names that TLS HTTP routes of the entry point have (canonical, or
 * "*.x"); https_any: one of them has no name of its own, or "*". NULL without memory.
 */
struct tcp_router *tcp_router_new(struct tcp_route *const *routes, size_t n,
				  const struct strs *https, bool https_any, struct arena *arena);
/*
 * The route, or NULL: HTTP's. Over TLS it obeys b.5 5: a name that an HTTPS route has is HTTP's,
 * whatever priorities say; then TCP routes with rules, HTTPS routes without a name, HostSNI(`*`).
 */
const struct tcp_route *tcp_router_match(const struct tcp_router *router,
					 const struct tcp_facts *facts);
/* The same without HTTP: of TCP routes alone (PostgreSQL's STARTTLS, reference b.5 2). */
const struct tcp_route *tcp_router_match_raw(const struct tcp_router *router,
					     const struct tcp_facts *facts);
/* Reference b.5 1: plain routes and no other: one is chosen before a byte is read (the server
 * speaks first). When that finds none, the connection is looked at after all. */
bool tcp_router_is_blind(const struct tcp_router *router);
/* Whether there is any route over TLS: PostgreSQL's SSLRequest is asked for a name. */
bool tcp_router_has_tls(const struct tcp_router *router);
/* Whether a TLS HTTP route has this name as one of its own. */
bool tcp_router_is_https(const struct tcp_router *router, struct str sni);
/* The same for routes without a name. */
bool tcp_router_is_https_any(const struct tcp_router *router);
/* The plain route that is asked first; NULL: none. */
const struct tcp_route *tcp_router_first(const struct tcp_router *router);
size_t tcp_router_size(const struct tcp_router *router);

/* The same decision with its reasons, for `explain`: routes in the order considered. */
struct tcp_router_step {
	const struct tcp_route *route;
	const struct rule *failed; /* the leaf that said no; NULL: it matched */
};
size_t tcp_router_trace(const struct tcp_router *router, const struct tcp_facts *facts,
			struct tcp_router_step *steps, size_t max);

/* Negative: x is asked before y. */
int tcp_router_rank(const struct tcp_route *x, const struct tcp_route *y);

#endif
