// SPDX-License-Identifier: Apache-2.0
/*
 * router: three host indexes (exact name, one-label wildcard, anything), each with a path trie; and
 * one by what a host must end with, for HostRegexp.
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
#include "plan/path_trie.h"
#include "plan/regex_tail.h"

enum {
	KEYS_MAX = 1024, /* alternatives of one rule */
	TAIL_MAX = 255,	 /* bytes of a host's end that are looked at */
	TAIL_MIN = 2,
};

/* From the widest to the narrowest. */
enum host_key { HOST_ANY, HOST_TAIL, HOST_WILDCARD, HOST_EXACT };

struct key {
	enum host_key host_kind;
	bool exact;	 /* path is the whole path, not a prefix */
	bool whole;	 /* a request that agrees matches the rule */
	struct str host; /* for a wildcard: from its first dot on; for a tail: backwards */
	struct str path; /* empty prefix: any path */
};

struct keys {
	struct key *at;
	size_t n;
};

/* A route and what its requests read after it: known without reading the route, so that all three
 * are on their way from memory at once. */
struct ranked {
	struct route *route;
	const struct service *service;
	const struct server *server;
};

struct router {
	struct ranked *ranked;
	uint64_t *proved; /* bit by rank: all keys are whole */
	uint32_t n;
	struct table exact, wildcard; /* host -> const struct path_node */
	const struct path_node *any, *tails;
	bool has_tails;
};

/* ------------------------------------------------------------------- keys -- */

static struct str without_final_dots(struct str host)
{
	while (host.len && host.at[host.len - 1] == '.')
		host.len--;
	return host;
}

/* The last bytes of a text, last one first. */
static size_t backwards(struct str text, char ret_text[TAIL_MAX])
{
	size_t n = text.len < TAIL_MAX ? text.len : TAIL_MAX;

	for (size_t i = 0; i < n; i++)
		ret_text[i] = text.at[text.len - 1 - i];
	return n;
}

static void key_by_tail(const struct rule *leaf, struct arena *arena, struct key *key)
{
	struct str tail = regex_tail(leaf->args[0], arena);
	char text[TAIL_MAX];

	/* Final dots are not part of what is looked up. */
	if (tail.len < TAIL_MIN || str_ends(tail, STR(".")))
		return;
	key->host_kind = HOST_TAIL;
	key->host = arena_str(arena, str_n(text, backwards(tail, text)));
}

static struct key key_of_leaf(const struct rule *leaf, struct arena *arena)
{
	struct key key = {0};

	if (leaf->negated)
		return key;
	if (leaf->kind == MATCH_HOST) {
		struct str host = without_final_dots(leaf->args[0]);

		if (str_starts(host, STR("*."))) {
			key.host_kind = HOST_WILDCARD;
			key.host = str_from(host, 1);
		} else if (!str_starts(host, STR("*"))) {
			key.host_kind = HOST_EXACT;
			key.host = host;
		}
		/* With a final dot the rule matches no host that is looked up without. */
		key.whole = key.host_kind != HOST_ANY && host.len == leaf->args[0].len;
	} else if (leaf->kind == MATCH_HOST_REGEXP) {
		key_by_tail(leaf, arena, &key);
	} else if (leaf->kind == MATCH_PATH || leaf->kind == MATCH_PATH_PREFIX) {
		key.exact = leaf->kind == MATCH_PATH;
		key.path = leaf->args[0];
		key.whole = true;
	}
	return key;
}

static bool key_is_any(const struct key *key)
{
	return key->host_kind == HOST_ANY && !key->exact && !key->path.len;
}

/* What must hold when both must hold: of two claims about the same thing, the narrower one. */
static struct key key_and(struct key a, struct key b)
{
	bool hosts = a.host_kind != HOST_ANY && b.host_kind != HOST_ANY;
	bool paths = (a.exact || a.path.len) && (b.exact || b.path.len);

	a.whole = a.whole && b.whole && !hosts && !paths;
	if (b.host_kind > a.host_kind) {
		a.host_kind = b.host_kind;
		a.host = b.host;
	}
	if (!a.exact && (b.exact || b.path.len > a.path.len)) {
		a.exact = b.exact;
		a.path = b.path;
	}
	return a;
}

static struct keys keys_any(struct arena *scratch)
{
	struct key *any = ARENA_NEW(scratch, struct key);

	return (struct keys){any, any != NULL};
}

static bool keys_are_any(const struct keys *keys)
{
	return keys->n == 1 && key_is_any(&keys->at[0]);
}

static struct keys keys_and(struct keys a, struct keys b, struct arena *scratch)
{
	if (keys_are_any(&a) || a.n * b.n > KEYS_MAX) {
		struct keys one = keys_are_any(&a) ? b : a;

		for (size_t i = 0; i < one.n; i++)
			one.at[i].whole = false;
		return one;
	}
	struct keys both = {ARENA_ARRAY(scratch, struct key, a.n * b.n), 0};

	for (size_t i = 0; both.at && i < a.n; i++)
		for (size_t j = 0; j < b.n; j++)
			both.at[both.n++] = key_and(a.at[i], b.at[j]);
	return both;
}

static struct keys keys_or(struct keys a, struct keys b, struct arena *scratch)
{
	if (keys_are_any(&a) || keys_are_any(&b) || a.n + b.n > KEYS_MAX)
		return keys_any(scratch);
	struct keys either = {ARENA_ARRAY(scratch, struct key, a.n + b.n), a.n + b.n};

	if (!either.at)
		return (struct keys){0};
	memcpy(either.at, a.at, a.n * sizeof(*a.at));
	memcpy(&either.at[a.n], b.at, b.n * sizeof(*b.at));
	return either;
}

/* Empty only when out of memory. Texts that are made live in the arena, lists in scratch. */
static struct keys keys_of(const struct rule *rule, struct arena *arena, struct arena *scratch)
{
	if (rule->op == RULE_LEAF) {
		struct keys keys = keys_any(scratch);

		if (keys.n)
			keys.at[0] = key_of_leaf(rule, arena);
		return keys;
	}
	struct keys keys = keys_of(rule->children[0], arena, scratch);

	for (size_t i = 1; i < rule->n_children; i++) {
		struct keys more = keys_of(rule->children[i], arena, scratch);

		keys = rule->op == RULE_AND ? keys_and(keys, more, scratch)
					    : keys_or(keys, more, scratch);
	}
	return keys;
}

/* ------------------------------------------------------------------ build -- */

/* Everything filed under one host while building. */
struct shelf {
	struct path_entry *entries;
	size_t n, room;
	struct str host;
	struct table *table; /* where it will go; NULL: router->any */
	struct shelf *next;
};

struct shelves {
	struct arena scratch;
	struct table exact, wildcard; /* host -> struct shelf */
	struct shelf any, tails, *all;
};

static int by_rank(const void *a, const void *b)
{
	const struct route *x = ((const struct ranked *)a)->route;
	const struct route *y = ((const struct ranked *)b)->route;
	int order;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	/* reference b.4: providers that are not in the list, such as internal, rank last */
	order = str_ends(x->name, STR("@internal")) - str_ends(y->name, STR("@internal"));
	if (order)
		return order;
	order = str_cmp(x->name, y->name);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* A tail is worth looking at only where the path says little. */
static bool goes_by_tail(const struct key *key)
{
	return key->host_kind == HOST_TAIL && !key->exact && key->path.len < 2;
}

static struct shelf *shelf_of(struct shelves *shelves, struct router *router, const struct key *key)
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
	shelf->table = is_exact ? &router->exact : &router->wildcard;
	shelf->next = shelves->all;
	shelves->all = shelf;
	return shelf;
}

static bool file(struct shelves *shelves, struct router *router, const struct key *key,
		 uint32_t rank)
{
	struct shelf *shelf = shelf_of(shelves, router, key);

	if (!shelf)
		return false;
	if (shelf->n == shelf->room) {
		size_t room = shelf->room ? shelf->room * 2 : 4;
		struct path_entry *entries =
			ARENA_ARRAY(&shelves->scratch, struct path_entry, room);

		if (!entries)
			return false;
		if (shelf->n)
			memcpy(entries, shelf->entries, shelf->n * sizeof(*entries));
		shelf->entries = entries;
		shelf->room = room;
	}
	shelf->entries[shelf->n++] = goes_by_tail(key)
					     ? (struct path_entry){key->host, false, rank}
					     : (struct path_entry){key->path, key->exact, rank};
	return true;
}

static bool file_all(struct shelves *shelves, struct router *router, struct arena *arena)
{
	struct arena scratch;
	bool ok = true;

	arena_init(&scratch, SIZE_MAX, 0);
	for (uint32_t rank = 0; ok && rank < router->n; rank++) {
		struct keys keys = keys_of(router->ranked[rank].route->rule, arena, &scratch);

		ok = keys.n && !scratch.failed;
		bool proved = true;

		for (size_t i = 0; ok && i < keys.n; i++) {
			proved = proved && keys.at[i].whole;
			ok = file(shelves, router, &keys.at[i], rank);
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
	if (!file_all(shelves, router, arena))
		return false;
	router->any = path_trie_new(shelves->any.entries, shelves->any.n, arena);
	router->tails = path_trie_new(shelves->tails.entries, shelves->tails.n, arena);
	router->has_tails = shelves->tails.n;
	for (struct shelf *shelf = shelves->all; shelf; shelf = shelf->next) {
		const struct path_node *paths = path_trie_new(shelf->entries, shelf->n, arena);
		/* A copy next to the trie: what is compared lies where the lookup goes on. */
		struct str host = arena_str(arena, shelf->host);

		if (!paths || !host.at || table_put(shelf->table, host, (void *)paths, NULL) < 0)
			return false;
	}
	return router->any && router->tails;
}

static struct ranked ranked_of(struct route *route)
{
	const struct service *service = route->service;

	return (struct ranked){route, service, service ? service->servers : NULL};
}

struct router *router_new(struct route *const *routes, size_t n, struct arena *arena)
{
	struct router *router = ARENA_NEW(arena, struct router);
	struct shelves shelves = {0};
	bool ok;

	if (!router || n >= UINT32_MAX)
		return NULL;
	router->ranked = ARENA_ARRAY(arena, struct ranked, n + 1);
	router->proved = ARENA_ARRAY(arena, uint64_t, n / 64 + 1);
	if (!router->ranked || !router->proved)
		return NULL;
	router->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		router->ranked[i] = ranked_of(routes[i]);
	qsort(router->ranked, n, sizeof(struct ranked), by_rank);
	table_init(&router->exact, arena);
	table_init(&router->wildcard, arena);
	arena_init(&shelves.scratch, SIZE_MAX, 64 << 10);
	table_init(&shelves.exact, &shelves.scratch);
	table_init(&shelves.wildcard, &shelves.scratch);
	ok = build(router, &shelves, arena);
	arena_done(&shelves.scratch);
	return ok ? router : NULL;
}

/* ----------------------------------------------------------------- lookup -- */

enum { PLACES_MAX = 4 };

/* Where the candidates of one request are: three hosts with their paths, and tails. */
struct places {
	const struct path_node *prefix[PLACES_MAX];
	struct path_list exact[PLACES_MAX];
	unsigned int n;
	bool is_plain; /* the host was looked up as it is */
};

static void look(struct places *places, const struct path_node *paths, struct str path)
{
	if (paths) {
		path_trie_find(paths, path, &places->prefix[places->n], &places->exact[places->n]);
		places->n++;
	}
}

static void locate(const struct router *router, const struct request *request,
		   struct places *ret_places)
{
	struct str host = without_final_dots(request->host);
	struct str path = request->routing_path;

	ret_places->n = 0;
	ret_places->is_plain = host.len == request->host.len;
	if (router->exact.n)
		look(ret_places, table_find(&router->exact, host), path);
	if (router->wildcard.n) {
		ptrdiff_t dot = str_find(host, '.');

		/* reference b.2: the star stands for a label, not for nothing */
		if (dot > 0)
			look(ret_places, table_find(&router->wildcard, str_from(host, (size_t)dot)),
			     path);
	}
	look(ret_places, router->any, path);
	if (router->has_tails) {
		char text[TAIL_MAX];

		look(ret_places, router->tails, str_n(text, backwards(host, text)));
	}
}

/* The best candidate whose rank is at least from, or UINT32_MAX. */
static uint32_t next_candidate(const struct places *places, uint32_t from)
{
	uint32_t best = UINT32_MAX, rank;

	for (unsigned int i = 0; i < places->n; i++) {
		rank = path_list_next(&places->exact[i], from);
		best = rank < best ? rank : best;
		for (const struct path_node *node = places->prefix[i]; node; node = node->up) {
			rank = path_list_next(&node->prefix, from);
			best = rank < best ? rank : best;
		}
	}
	return best;
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

const struct route *router_find(const struct router *router, const struct request *request)
{
	struct places places;

	locate(router, request, &places);
	for (uint32_t rank = next_candidate(&places, 0); rank != UINT32_MAX;
	     rank = next_candidate(&places, rank + 1))
		if (matches(router, &places, rank, request)) {
			const struct ranked *ranked = &router->ranked[rank];

			__builtin_prefetch(ranked->route);
			__builtin_prefetch(ranked->service);
			__builtin_prefetch(ranked->server);
			return ranked->route;
		}
	return NULL;
}

size_t router_trace(const struct router *router, const struct request *request,
		    struct router_step *steps, size_t max, const struct route **ret_route)
{
	struct places places;
	size_t n = 0;

	*ret_route = NULL;
	locate(router, request, &places);
	for (uint32_t rank = next_candidate(&places, 0); rank != UINT32_MAX;
	     rank = next_candidate(&places, rank + 1)) {
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
