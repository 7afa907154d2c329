// SPDX-License-Identifier: Apache-2.0
/*
 * router: three host indexes (exact name, one-label wildcard, anything), each with a path trie; and
 * one by what a host must end with, for HostRegexp. Where many routes of one host say nothing but
 * an expression about the path, they are found by the literal text that it needs.
 *
 * Routes are sorted once; a route's place is its rank, the smallest rank that matches wins. Every
 * rule is turned into keys (host, path) such that a request which matches the rule agrees with at
 * least one key; the rank is filed under each. A lookup finds at most four tries and walks the
 * merged lists of ranks upwards, evaluating whole rules, until one says yes. A key that is too
 * general costs time, never correctness; so rules with too many alternatives are simply filed under
 * "anything". A rule all of whose keys are the whole claim (Host and PathPrefix, say) needs no
 * evaluation: being found proves it.
 */

#include "plan/router.h"

#include <stdlib.h>

#include "base/table.h"
#include "plan/host_index.h"
#include "plan/literal_set.h"
#include "plan/path_trie.h"
#include "plan/route_order.h"
#include "plan/router_key.h"

enum {
	LITERAL_MIN = 2,   /* bytes; a shorter one is nearly everywhere */
	LITERALS_MIN = 8,  /* routes; fewer are evaluated as quickly as looked up */
	LITERALS_MAX = 24, /* lists that one request can have; beyond, all are candidates */
};

/* A route and what its requests read after it: known without reading the route, so that all three
 * are on their way from memory at once. */
struct ranked {
	struct route *route;
	const struct service *service;
	const struct server *server;
	/* The place of the host whose only route it is, SEAT_NONE: none; beside the host, in its
	 * seat: its rank. */
	uint32_t twin;
};

enum { SEAT_NONE = UINT32_MAX };

_Static_assert(sizeof(struct ranked) <= HOST_BESIDE_BYTES, "a seat is beside its host");

struct router {
	struct ranked *ranked;
	uint64_t *proved; /* bit by rank: all keys are whole */
	uint32_t n;
	const struct host_index *exact, *wildcard;
	const struct path_node *any, *tails;
	bool has_tails;
	/* Routes by expressions, where a host has many: host -> const struct literal_set. */
	struct table exact_holds, wildcard_holds;
	const struct literal_set *any_holds, *any_host_holds; /* NULL: none */
	uint32_t holds_from;				      /* the smallest rank in any of them */
};

/* ------------------------------------------------------------------ build -- */

/* Everything filed under one host while building. */
struct shelf {
	struct path_entry *entries;
	size_t n, room;
	struct literals {
		struct literal_entry *at;
		size_t n, room;
	} path_holds, host_holds;
	struct str host;
	bool is_exact;
	size_t place; /* in the list of hosts */
	struct shelf *next;
};

struct shelves {
	struct arena scratch;
	struct table exact, wildcard; /* host -> struct shelf */
	struct shelf any, tails, *all;
	struct host_list {
		struct host_entry *at;
		size_t n;
	} exact_hosts, wildcard_hosts;
};

static int by_rank(const void *a, const void *b)
{
	return route_order(((const struct ranked *)a)->route, ((const struct ranked *)b)->route);
}

/* A tail is worth looking at only where the path says little. */
static bool goes_by_tail(const struct router_key *key)
{
	return key->host_kind == HOST_TAIL && !key->exact && key->path.len < 2;
}

static struct shelf *shelf_of(struct shelves *shelves, const struct router_key *key)
{
	bool is_exact = key->host_kind == HOST_EXACT;
	struct table *index = is_exact ? &shelves->exact : &shelves->wildcard;
	struct shelf *shelf;

	if (key->host_kind <= HOST_TAIL)
		return goes_by_tail(key) ? &shelves->tails : &shelves->any;
	shelf = table_find(index, key->host);
	if (shelf)
		return shelf;
	shelf = ARENA_NEW(&shelves->scratch, struct shelf);
	if (!shelf || table_put(index, key->host, shelf, NULL) < 0)
		return NULL;
	shelf->host = key->host;
	shelf->is_exact = is_exact;
	shelf->next = shelves->all;
	shelves->all = shelf;
	return shelf;
}

static bool file_entry(struct shelves *shelves, struct shelf *shelf, struct path_entry entry)
{
	shelf->entries = arena_room(&shelves->scratch, shelf->entries, shelf->n, &shelf->room,
				    sizeof(entry));
	if (shelf->entries)
		shelf->entries[shelf->n++] = entry;
	return shelf->entries;
}

static bool file_literal(struct shelves *shelves, struct literals *literals, struct str text,
			 uint32_t rank)
{
	literals->at = arena_room(&shelves->scratch, literals->at, literals->n, &literals->room,
				  sizeof(*literals->at));
	if (literals->at)
		literals->at[literals->n++] = (struct literal_entry){text, rank};
	return literals->at;
}

static bool file(struct shelves *shelves, const struct router_key *key, uint32_t rank)
{
	struct shelf *shelf = shelf_of(shelves, key);

	if (!shelf)
		return false;
	if (goes_by_tail(key))
		return file_entry(shelves, shelf, (struct path_entry){key->host, false, rank});
	/* Of what the path begins with and what it holds, the longer text says more. */
	if (!key->exact && key->path_holds.len >= LITERAL_MIN &&
	    key->path_holds.len > key->path.len)
		return file_literal(shelves, &shelf->path_holds, key->path_holds, rank);
	/* "/" is in front of every path. */
	if (!key->exact && key->path.len < 2 && shelf == &shelves->any &&
	    key->host_holds.len >= LITERAL_MIN)
		return file_literal(shelves, &shelf->host_holds, key->host_holds, rank);
	return file_entry(shelves, shelf, (struct path_entry){key->path, key->exact, rank});
}

static void note_first(struct router *router, const struct literals *literals)
{
	for (size_t i = 0; i < literals->n; i++)
		if (literals->at[i].rank < router->holds_from)
			router->holds_from = literals->at[i].rank;
}

/* A set of those that are enough to be worth one; the others go to the front of the trie. */
static bool build_literals(struct router *router, struct shelves *shelves, struct shelf *shelf,
			   struct literals *literals, struct arena *arena,
			   const struct literal_set **ret_set)
{
	*ret_set = NULL;
	if (literals->n >= LITERALS_MIN) {
		note_first(router, literals);
		*ret_set = literal_set_new(literals->at, literals->n, arena);
		return *ret_set != NULL;
	}
	for (size_t i = 0; i < literals->n; i++)
		if (!file_entry(shelves, shelf,
				(struct path_entry){{NULL, 0}, false, literals->at[i].rank}))
			return false;
	return true;
}

static bool build_shelf(struct router *router, struct shelves *shelves, struct shelf *shelf,
			struct arena *arena)
{
	struct host_list *list = shelf->is_exact ? &shelves->exact_hosts : &shelves->wildcard_hosts;
	const struct literal_set *holds;
	const struct path_node *paths;
	struct str host;

	if (!build_literals(router, shelves, shelf, &shelf->path_holds, arena, &holds))
		return false;
	/* What is compared lies where the lookup goes on. */
	paths = path_trie_new(shelf->entries, shelf->n, shelf->host, arena);
	if (!paths)
		return false;
	host = str_n(path_trie_tail(paths), shelf->host.len);
	shelf->place = list->n;
	list->at[list->n++] = (struct host_entry){.host = host, .paths = paths};
	return !holds || table_put(shelf->is_exact ? &router->exact_holds : &router->wildcard_holds,
				   host, (void *)holds, NULL) == 0;
}

/* Beside an exact host: the only route of that, which is probably the answer. */
static struct ranked *seat_of(const struct router *router, uint32_t place)
{
	return host_index_beside(router->exact, place);
}

static void sit(struct router *router, uint32_t rank)
{
	struct ranked *seat = seat_of(router, router->ranked[rank].twin);

	*seat = router->ranked[rank];
	seat->twin = rank;
}

/* Of several routes of a host it is not known which one will answer. A route has one seat at most,
 * so that it can be replaced there. */
static void seat_all(struct router *router, const struct shelves *shelves)
{
	for (const struct shelf *shelf = shelves->all; shelf; shelf = shelf->next) {
		struct ranked *ranked =
			shelf->n == 1 ? &router->ranked[shelf->entries[0].rank] : NULL;

		if (!shelf->is_exact || !ranked || ranked->twin != SEAT_NONE)
			continue;
		ranked->twin = shelves->exact_hosts.at[shelf->place].place;
		sit(router, shelf->entries[0].rank);
	}
}

static bool build_hosts(struct router *router, struct shelves *shelves, struct arena *arena)
{
	struct host_list *exact = &shelves->exact_hosts, *wildcard = &shelves->wildcard_hosts;

	exact->at = ARENA_ARRAY(&shelves->scratch, struct host_entry, shelves->exact.n + 1);
	wildcard->at = ARENA_ARRAY(&shelves->scratch, struct host_entry, shelves->wildcard.n + 1);
	if (!exact->at || !wildcard->at)
		return false;
	for (struct shelf *shelf = shelves->all; shelf; shelf = shelf->next)
		if (!build_shelf(router, shelves, shelf, arena))
			return false;
	router->exact = host_index_new(exact->at, exact->n, arena);
	router->wildcard = host_index_new(wildcard->at, wildcard->n, arena);
	if (!router->exact || !router->wildcard)
		return false;
	seat_all(router, shelves);
	return true;
}

static bool file_all(struct shelves *shelves, struct router *router, struct arena *arena)
{
	struct arena scratch;
	bool ok = true;

	arena_init(&scratch, SIZE_MAX, 0);
	for (uint32_t rank = 0; ok && rank < router->n; rank++) {
		struct router_keys keys =
			router_key_of(router->ranked[rank].route->rule, arena, &scratch);

		ok = keys.n && !scratch.failed;
		bool proved = true;

		for (size_t i = 0; ok && i < keys.n; i++) {
			proved = proved && keys.at[i].whole;
			ok = file(shelves, &keys.at[i], rank);
		}
		if (proved)
			router->proved[rank / 64] |= 1ULL << rank % 64;
		arena_reset(&scratch);
	}
	arena_done(&scratch);
	return ok;
}

static bool build(struct router *router, struct shelves *shelves, struct arena *arena)
{
	const struct str none = {0};

	if (!file_all(shelves, router, arena))
		return false;
	if (!build_literals(router, shelves, &shelves->any, &shelves->any.path_holds, arena,
			    &router->any_holds) ||
	    !build_literals(router, shelves, &shelves->any, &shelves->any.host_holds, arena,
			    &router->any_host_holds))
		return false;
	router->any = path_trie_new(shelves->any.entries, shelves->any.n, none, arena);
	router->tails = path_trie_new(shelves->tails.entries, shelves->tails.n, none, arena);
	router->has_tails = shelves->tails.n;
	return router->any && router->tails && build_hosts(router, shelves, arena);
}

static struct ranked ranked_of(struct route *route)
{
	const struct service *service = route->service;

	return (struct ranked){route, service, service ? service->servers : NULL, SEAT_NONE};
}

struct router *router_new(struct route *const *routes, size_t n, struct arena *arena)
{
	struct router *router = ARENA_NEW(arena, struct router);
	struct shelves shelves = {0};
	bool ok;

	if (!router || n >= UINT32_MAX)
		return NULL;
	router->ranked = arena_zero_line(arena, n + 1, sizeof(*router->ranked));
	router->proved = ARENA_ARRAY(arena, uint64_t, n / 64 + 1);
	if (!router->ranked || !router->proved)
		return NULL;
	router->n = (uint32_t)n;
	router->holds_from = UINT32_MAX;
	for (size_t i = 0; i < n; i++)
		router->ranked[i] = ranked_of(routes[i]);
	qsort(router->ranked, n, sizeof(struct ranked), by_rank);
	table_init(&router->exact_holds, arena);
	table_init(&router->wildcard_holds, arena);
	arena_init(&shelves.scratch, SIZE_MAX, 64 << 10);
	table_init(&shelves.exact, &shelves.scratch);
	table_init(&shelves.wildcard, &shelves.scratch);
	ok = build(router, &shelves, arena);
	arena_done(&shelves.scratch);
	return ok ? router : NULL;
}

/* Mostly by its place in the order; conflicts were decided by age there. */
static uint32_t rank_of(const struct router *router, const struct route *route)
{
	struct ranked wanted = {.route = (struct route *)route};
	uint32_t low = 0, high = router->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (by_rank(&router->ranked[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < router->n && router->ranked[low].route == route)
		return low;
	for (low = 0; low < router->n && router->ranked[low].route != route;)
		low++;
	return low;
}

static void replace(struct router *router, uint32_t rank, struct route *route)
{
	uint32_t seat = router->ranked[rank].twin;

	router->ranked[rank] = ranked_of(route);
	router->ranked[rank].twin = seat;
	if (seat != SEAT_NONE)
		sit(router, rank);
}

struct router *router_swapped(const struct router *old, const struct router_swap *swaps, size_t n,
			      struct arena *arena)
{
	struct router *router = ARENA_NEW(arena, struct router);

	if (!router)
		return NULL;
	*router = *old;
	router->ranked = arena_zero_line(arena, old->n + 1, sizeof(*router->ranked));
	router->exact = host_index_copy(old->exact, arena);
	if (!router->ranked || !router->exact)
		return NULL;
	memcpy(router->ranked, old->ranked, old->n * sizeof(*router->ranked));
	for (size_t i = 0; i < n; i++) {
		uint32_t rank = rank_of(old, swaps[i].old);

		if (rank < router->n)
			replace(router, rank, swaps[i].new);
	}
	return router;
}

/* ----------------------------------------------------------------- lookup -- */

enum { PLACES_MAX = 4, SETS_MAX = 4 };

/* Where the candidates of one request are: three hosts with their paths, and tails. */
struct places {
	const struct path_node *prefix[PLACES_MAX];
	struct path_list exact[PLACES_MAX];
	unsigned int n;
	/* By literals: looked for only when a route that is found by one could be the answer. */
	struct path_list literals[LITERALS_MAX];
	unsigned int n_literals;
	bool is_searched;
	bool is_plain; /* the host was looked up as it is */
};

static void look(struct places *places, const struct path_node *paths, struct str path)
{
	if (paths) {
		path_trie_find(paths, path, &places->prefix[places->n], &places->exact[places->n]);
		places->n++;
	}
}

static void look_for_literals(struct places *places, const struct literal_set *set, struct str text)
{
	size_t room = LITERALS_MAX - places->n_literals, n;
	/* One list is always left for each of the other sets, which may want all of its own. */
	size_t most = room > SETS_MAX - 1 ? room - (SETS_MAX - 1) : 0;

	if (!set)
		return;
	n = literal_set_find(set, text, &places->literals[places->n_literals], most);
	if (n > most) {
		places->literals[places->n_literals] = literal_set_all(set);
		n = 1;
	}
	places->n_literals += (unsigned int)n;
}

static void search(const struct router *router, const struct request *request,
		   struct places *places)
{
	struct str host = router_key_host(request->host), path = request->routing_path;
	ptrdiff_t dot = str_find(host, '.');

	places->is_searched = true;
	if (router->exact_holds.n)
		look_for_literals(places, table_find(&router->exact_holds, host), path);
	if (dot > 0 && router->wildcard_holds.n)
		look_for_literals(places,
				  table_find(&router->wildcard_holds, str_from(host, (size_t)dot)),
				  path);
	look_for_literals(places, router->any_holds, path);
	look_for_literals(places, router->any_host_holds, request->host);
}

/* What the request will need of a route: all of it comes from memory at once. */
static void send_for(const struct ranked *ranked)
{
	__builtin_prefetch(ranked->route);
	__builtin_prefetch(ranked->service);
	__builtin_prefetch(ranked->server);
}

static void locate(const struct router *router, const struct request *request,
		   const struct host_ahead *ahead, struct places *ret_places)
{
	uint32_t place;
	struct str host = router_key_host(request->host);
	struct str path = request->routing_path;

	ret_places->n = ret_places->n_literals = 0;
	ret_places->is_searched = router->holds_from == UINT32_MAX;
	ret_places->is_plain = host.len == request->host.len;
	look(ret_places, host_index_find_sent(router->exact, host, ahead, &place), path);
	if (host_index_size(router->wildcard)) {
		ptrdiff_t dot = str_find(host, '.');

		/* reference b.2: the star stands for a label, not for nothing */
		if (dot > 0)
			look(ret_places,
			     host_index_find(router->wildcard, str_from(host, (size_t)dot), &place),
			     path);
	}
	look(ret_places, router->any, path);
	if (router->has_tails) {
		char text[ROUTER_KEY_TAIL_MAX];

		look(ret_places, router->tails, str_n(text, router_key_backwards(host, text)));
	}
}

static uint32_t best_of(const struct places *places, uint32_t from)
{
	uint32_t best = UINT32_MAX, rank;

	for (unsigned int i = 0; i < places->n_literals; i++) {
		rank = path_list_next(&places->literals[i], from);
		best = rank < best ? rank : best;
	}
	for (unsigned int i = 0; i < places->n; i++) {
		rank = path_list_next(&places->exact[i], from);
		best = rank < best ? rank : best;
		for (const struct path_node *node = places->prefix[i]; node; node = node->up) {
			struct path_list prefixes = path_node_prefixes(node);

			rank = path_list_next(&prefixes, from);
			best = rank < best ? rank : best;
		}
	}
	return best;
}

/* The best candidate whose rank is at least from, or UINT32_MAX. */
static uint32_t next_candidate(const struct router *router, const struct request *request,
			       struct places *places, uint32_t from)
{
	uint32_t best = best_of(places, from);

	if (places->is_searched || best < router->holds_from)
		return best;
	search(router, request, places);
	return best_of(places, from);
}

static bool matches(const struct router *router, const struct places *places, uint32_t rank,
		    const struct request *request)
{
	if (places->is_plain && router->proved[rank / 64] >> rank % 64 & 1)
		return true;
	return rule_match(router->ranked[rank].route->rule, request);
}

size_t router_size(const struct router *router)
{
	return router->n;
}

const struct route *router_route(const struct router *router, size_t rank)
{
	return router->ranked[rank].route;
}

bool router_is_large(const struct router *router)
{
	return host_index_is_large(router->exact);
}

void router_send_for_host(const struct router *router, struct str host, struct host_ahead *ahead)
{
	host_index_send_for(router->exact, router_key_host(host), ahead);
}

void router_send_for_route(const struct router *router, const struct host_ahead *ahead)
{
	if (ahead->slot && host_index_send_for_paths(ahead))
		send_for(seat_of(router, ahead->place));
}

/* The same is in the seat that was sent for: the row of the rank stays where it is then. */
static const struct ranked *row_of(const struct router *router, const struct host_ahead *ahead,
				   uint32_t rank)
{
	const struct ranked *seat = ahead->slot ? seat_of(router, ahead->place) : NULL;

	return seat && seat->route && seat->twin == rank ? seat : &router->ranked[rank];
}

const struct route *router_find(const struct router *router, const struct request *request)
{
	return router_find_sent(router, request, &(struct host_ahead){0});
}

const struct route *router_find_sent(const struct router *router, const struct request *request,
				     const struct host_ahead *ahead)
{
	struct places places;

	locate(router, request, ahead, &places);
	for (uint32_t rank = next_candidate(router, request, &places, 0); rank != UINT32_MAX;
	     rank = next_candidate(router, request, &places, rank + 1))
		if (matches(router, &places, rank, request)) {
			const struct ranked *row = row_of(router, ahead, rank);

			send_for(row);
			return row->route;
		}
	return NULL;
}

size_t router_trace(const struct router *router, const struct request *request,
		    struct router_step *steps, size_t max, const struct route **ret_route)
{
	struct places places;
	size_t n = 0;

	*ret_route = NULL;
	locate(router, request, &(struct host_ahead){0}, &places);
	for (uint32_t rank = next_candidate(router, request, &places, 0); rank != UINT32_MAX;
	     rank = next_candidate(router, request, &places, rank + 1)) {
		const struct route *route = router->ranked[rank].route;
		bool is_it = matches(router, &places, rank, request);

		if (is_it)
			*ret_route = route;
		/* When steps are full the last one is still the answer's. */
		if (n < max || (is_it && max))
			steps[n < max ? n++ : max - 1] = (struct router_step){
				route, is_it ? NULL : rule_failed_leaf(route->rule, request)};
		if (is_it)
			break;
	}
	return n;
}
