/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTER_H
#define ROUTER_H

/*
 * router: finds the route of a request, in exact priority order, at a cost that does not grow with
 * the number of routes: host table -> path trie -> residual predicates (reference/traefik.md b.4).
 *
 * Every rule is split into alternatives; one with a plain Host or Path/PathPrefix is indexed under
 * it, one with a HostRegexp that ends in literals under those, the others (negations, ClientIP
 * alone, other expressions) are candidates of the catch-all list. Candidates are visited in
 * priority order and their whole rule is evaluated, so an index can only leave out routes that
 * cannot match.
 */

#include "plan/host_index.h"
#include "plan/snapshot.h"

struct router;

/* routes are borrowed; sorting (priority, then provider, then name) is the router's. NULL when out
 * of memory. */
struct router *router_new(struct route *const *routes, size_t n, struct arena *arena);
/*
 * The same with other routes in the places of some: each like its predecessor in rule, priority and
 * name, so that everything that finds it is shared with old. NULL without memory.
 */
struct router_swap {
	const struct route *old;
	struct route *new;
};
struct router *router_swapped(const struct router *old, const struct router_swap *swaps, size_t n,
			      struct arena *arena);
/* How many routes it has, and the one of a rank. */
size_t router_size(const struct router *router);
const struct route *router_route(const struct router *router, size_t rank);
/*
 * What finding will read comes from memory meanwhile, in two steps with other work before, between
 * and after them. The first one may guess the host, and is asked again when that is known. Both may
 * be left out, and gain something only where there are many hosts. ahead is zero at first.
 */
bool router_is_large(const struct router *router);
void router_send_for_host(const struct router *router, struct str host, struct host_ahead *ahead);
void router_send_for_route(const struct router *router, const struct host_ahead *ahead);
/* The route that answers, or NULL (404). Never allocates. */
const struct route *router_find(const struct router *router, const struct request *request);
/* The same for a request that was sent for. */
const struct route *router_find_sent(const struct router *router, const struct request *request,
				     const struct host_ahead *ahead);

/* The same decision with its reasons, for `explain`: one implementation, observed. */
struct router_step {
	const struct route *route;
	const struct rule *failed; /* the leaf that said no; NULL: it matched */
};
/* Fills steps (in the order considered) up to max; returns how many. The last one matched iff the
 * answer is not NULL. */
size_t router_trace(const struct router *router, const struct request *request,
		    struct router_step *steps, size_t max, const struct route **ret_route);

#endif
