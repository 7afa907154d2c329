// SPDX-License-Identifier: Apache-2.0
/*
 * tcp_router: see the header.
 *
 * Plain and TLS routes stand in a side of their own. In each they are sorted once; a route's place
 * is its rank, and the smallest rank that matches wins. A connection has at most three lists of
 * ranks: of its name, of its name with a star for the first label, of all others.
 */

#include "plan/tcp_router.h"

#include <stdlib.h>

#include "base/table.h"

enum { KEYS_MAX = 64 /* names of one rule; with more it is a candidate for all */ };

struct ranks {
	uint32_t *at;
	size_t n, room;
};

struct side {
	struct tcp_route **routes; /* by rank */
	size_t n;
	struct table names; /* name or "*.x" -> struct ranks */
	struct ranks any;
};

struct tcp_router {
	struct side plain, tls;
	struct table https; /* name -> something */
	bool https_any;
};

/* ------------------------------------------------------------------ build -- */

/* reference b.4: file after kubernetescrd; then the older object, so that nobody is displaced by a
 * later one; then by name, so that the order is the same always. */
int tcp_router_rank(const struct tcp_route *x, const struct tcp_route *y)
{
	bool x_is_file = str_ends(x->name, STR("@file")),
	     y_is_file = str_ends(y->name, STR("@file"));

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	if (x_is_file != y_is_file)
		return x_is_file ? 1 : -1;
	if (x->created_ns != y->created_ns)
		return x->created_ns < y->created_ns ? -1 : 1;
	return str_cmp(x->name, y->name);
}

static int by_rank(const void *a, const void *b)
{
	return tcp_router_rank(*(const struct tcp_route *const *)a,
			       *(const struct tcp_route *const *)b);
}

struct keys {
	struct str at[KEYS_MAX];
	size_t n;
};

/* Names of which a connection must have one to match; false: any may. */
static bool keys_of(const struct rule *rule, struct keys *keys)
{
	if (rule->op == RULE_LEAF) {
		if (rule->kind != MATCH_HOST_SNI || rule->negated ||
		    str_eq(rule->args[0], STR("*")) || keys->n == KEYS_MAX)
			return false;
		keys->at[keys->n++] = rule->args[0];
		return true;
	}
	for (size_t i = 0; i < rule->n_children; i++) {
		size_t before = keys->n;
		bool has = keys_of(rule->children[i], keys);

		/* One part of an AND is enough; all of an OR are needed. */
		if (has && rule->op == RULE_AND)
			return true;
		if (!has && rule->op == RULE_OR)
			return false;
		if (!has)
			keys->n = before;
	}
	return rule->op == RULE_OR;
}

static void ranks_add(struct ranks *ranks, uint32_t rank, struct arena *arena)
{
	if (ranks->n && ranks->at[ranks->n - 1] == rank)
		return;
	if (ranks->n == ranks->room) {
		size_t room = ranks->room ? ranks->room * 2 : 2;
		uint32_t *at = ARENA_ARRAY(arena, uint32_t, room);

		if (!at)
			return;
		if (ranks->n)
			memcpy(at, ranks->at, ranks->n * sizeof(*at));
		ranks->at = at;
		ranks->room = room;
	}
	ranks->at[ranks->n++] = rank;
}

static void side_file(struct side *side, uint32_t rank, struct arena *arena)
{
	struct keys keys = {.n = 0};

	if (!keys_of(side->routes[rank]->rule, &keys)) {
		ranks_add(&side->any, rank, arena);
		return;
	}
	for (size_t i = 0; i < keys.n; i++) {
		struct ranks *ranks = table_find(&side->names, keys.at[i]);

		if (!ranks) {
			ranks = ARENA_NEW(arena, struct ranks);
			if (!ranks || table_put(&side->names, keys.at[i], ranks, NULL) < 0)
				return;
		}
		ranks_add(ranks, rank, arena);
	}
}

static void side_init(struct side *side, struct tcp_route *const *routes, size_t n, bool is_tls,
		      struct arena *arena)
{
	table_init(&side->names, arena);
	side->routes = ARENA_ARRAY(arena, struct tcp_route *, n + 1);
	for (size_t i = 0; side->routes && i < n; i++)
		if (routes[i]->is_tls == is_tls)
			side->routes[side->n++] = routes[i];
	if (side->n)
		qsort(side->routes, side->n, sizeof(*side->routes), by_rank);
	for (size_t i = 0; i < side->n; i++)
		side_file(side, (uint32_t)i, arena);
}

struct tcp_router *tcp_router_new(struct tcp_route *const *routes, size_t n,
				  const struct strs *https, bool https_any, struct arena *arena)
{
	struct tcp_router *router = ARENA_NEW(arena, struct tcp_router);

	if (!router)
		return NULL;
	router->https_any = https_any;
	table_init(&router->https, arena);
	for (size_t i = 0; i < https->n; i++)
		table_put(&router->https, https->at[i], router, NULL);
	side_init(&router->plain, routes, n, false, arena);
	side_init(&router->tls, routes, n, true, arena);
	return arena->failed ? NULL : router;
}

/* ------------------------------------------------------------------ match -- */

/* A list under a name, or under its wildcard: "a.b.c" -> "*.b.c" */
static void *find_wildcard(const struct table *table, struct str sni)
{
	char text[256];
	ptrdiff_t dot = str_find(sni, '.');

	/* A host name has at most 253 bytes. */
	if (dot <= 0 || sni.len - (size_t)dot + 1 > sizeof(text))
		return NULL;
	text[0] = '*';
	memcpy(text + 1, sni.at + dot, sni.len - (size_t)dot);
	return table_find(table, str_n(text, sni.len - (size_t)dot + 1));
}

/* Up to three sorted lists of ranks, walked as one. */
struct walk {
	const struct side *side;
	const struct ranks *lists[3];
	size_t next[3];
};

static struct walk walk_begin(const struct side *side, struct str sni)
{
	static const struct ranks none;
	const struct ranks *exact = sni.len ? table_find(&side->names, sni) : NULL;
	const struct ranks *wildcard = sni.len ? find_wildcard(&side->names, sni) : NULL;

	return (struct walk){
		side, {&side->any, exact ? exact : &none, wildcard ? wildcard : &none}, {0, 0, 0}};
}

static const struct tcp_route *walk_next(struct walk *walk)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < 3; i++)
		if (walk->next[i] < walk->lists[i]->n && walk->lists[i]->at[walk->next[i]] < least)
			least = walk->lists[i]->at[walk->next[i]];
	if (least == UINT32_MAX)
		return NULL;
	for (size_t i = 0; i < 3; i++)
		if (walk->next[i] < walk->lists[i]->n && walk->lists[i]->at[walk->next[i]] == least)
			walk->next[i]++;
	return walk->side->routes[least];
}

bool tcp_router_is_https(const struct tcp_router *router, struct str sni)
{
	return sni.len && (table_find(&router->https, sni) || find_wildcard(&router->https, sni));
}

bool tcp_router_is_https_any(const struct tcp_router *router)
{
	return router->https_any;
}

const struct tcp_route *tcp_router_match_raw(const struct tcp_router *router,
					     const struct tcp_facts *facts)
{
	const struct side *side = facts->is_tls ? &router->tls : &router->plain;
	const struct tcp_route *route;
	struct walk walk;

	if (!side->n)
		return NULL;
	walk = walk_begin(side, facts->sni);
	while ((route = walk_next(&walk)))
		if (rule_tcp_match(route->rule, facts))
			break;
	return route;
}

const struct tcp_route *tcp_router_match(const struct tcp_router *router,
					 const struct tcp_facts *facts)
{
	const struct tcp_route *route;

	/* b.5 1: nobody looks whether it is TLS. */
	if (facts->is_tls && tcp_router_is_blind(router)) {
		const struct tcp_facts plain = {.source = facts->source};

		return tcp_router_match_raw(router, &plain);
	}
	if (facts->is_tls && tcp_router_is_https(router, facts->sni))
		return NULL;
	route = tcp_router_match_raw(router, facts);
	/* b.5 5 d: HTTPS without a name comes before HostSNI(`*`) */
	if (route && facts->is_tls && route->is_catch_all && router->https_any)
		return NULL;
	return route;
}

size_t tcp_router_trace(const struct tcp_router *router, const struct tcp_facts *facts,
			struct tcp_router_step *steps, size_t max)
{
	bool is_tls = facts->is_tls && !tcp_router_is_blind(router);
	struct walk walk = walk_begin(is_tls ? &router->tls : &router->plain, facts->sni);
	const struct tcp_route *route;
	size_t n = 0;

	while (n < max && (route = walk_next(&walk))) {
		steps[n].route = route;
		steps[n].failed = rule_tcp_failed_leaf(route->rule, facts);
		if (!steps[n++].failed)
			break;
	}
	return n;
}

bool tcp_router_is_blind(const struct tcp_router *router)
{
	return router->plain.n && !router->tls.n && !router->https.n && !router->https_any;
}

bool tcp_router_has_tls(const struct tcp_router *router)
{
	return router->tls.n > 0;
}

const struct tcp_route *tcp_router_first(const struct tcp_router *router)
{
	return router->plain.n ? router->plain.routes[0] : NULL;
}

size_t tcp_router_size(const struct tcp_router *router)
{
	return router->plain.n + router->tls.n;
}
