// SPDX-License-Identifier: Apache-2.0
/*
 * literal_set: a trie of the literals, whose nodes know where to go on when the text leaves it
 * (fail), and the nearest shorter literal that ends where they end (hit). Children are a run of
 * sorted edges; the root, where most bytes of a text are spent, has a table.
 */

#include "plan/literal_set.h"

#include <stdlib.h>

struct literal_node {
	uint32_t first_edge, n_edges;
	uint32_t fail, hit; /* nodes; 0: the root, which means none */
	struct path_list ranks;
};

struct literal_set {
	struct literal_node *nodes; /* [0] is the root; parents stand before their children */
	unsigned char *bytes;	    /* of the edges */
	uint32_t *to;
	uint32_t n;
	uint32_t from_root[256];
	struct path_list all;
};

/* A node while the trie grows. */
struct literal_build {
	uint32_t parent, depth;
	unsigned char byte;
	size_t from, n_ranks; /* in the sorted entries */
};

static int by_literal(const void *a, const void *b)
{
	const struct literal_entry *x = a, *y = b;
	int order = str_cmp(x->literal, y->literal);

	return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static int by_rank(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static size_t common(struct str a, struct str b)
{
	size_t n = 0;

	while (n < a.len && n < b.len && a.at[n] == b.at[n])
		n++;
	return n;
}

/*
 * Nodes in depth-first order: entries are sorted, so a new literal leaves the path of the one
 * before it at one place and never comes back. path[d] is the node at depth d of that path.
 */
static uint32_t grow(const struct literal_entry *entries, size_t n, struct literal_build *nodes,
		     uint32_t *path)
{
	uint32_t n_nodes = 1;
	struct str before = {0};

	nodes[0] = (struct literal_build){0};
	path[0] = 0;
	for (size_t i = 0; i < n; i++) {
		struct str literal = entries[i].literal;

		for (size_t d = common(before, literal); d < literal.len; d++) {
			nodes[n_nodes] = (struct literal_build){path[d], (uint32_t)d + 1,
								(unsigned char)literal.at[d], 0, 0};
			path[d + 1] = n_nodes++;
		}
		struct literal_build *end = &nodes[path[literal.len]];

		if (!end->n_ranks)
			end->from = i;
		end->n_ranks++;
		before = literal;
	}
	return n_nodes;
}

/* Ranks without repetitions; those of one literal are sorted already. */
static struct path_list list_of(const struct literal_entry *entries, size_t n, struct arena *arena)
{
	uint32_t *ranks = ARENA_ARRAY(arena, uint32_t, n + 1);
	struct path_list list = {.n = 0};

	for (size_t i = 0; ranks && i < n; i++)
		if (!list.n || ranks[list.n - 1] != entries[i].rank)
			ranks[list.n++] = entries[i].rank;
	if (list.n == 1)
		list.only = ranks[0];
	else
		list.at = ranks;
	return list;
}

static struct path_list list_all(const struct literal_entry *entries, size_t n, struct arena *arena)
{
	uint32_t *ranks = ARENA_ARRAY(arena, uint32_t, n + 1);
	struct path_list list = {.at = ranks};

	for (size_t i = 0; ranks && i < n; i++)
		ranks[i] = entries[i].rank;
	if (!ranks)
		return list;
	if (n)
		qsort(ranks, n, sizeof(*ranks), by_rank);
	for (size_t i = 0; i < n; i++)
		if (!i || ranks[i] != ranks[list.n - 1])
			ranks[list.n++] = ranks[i];
	if (list.n == 1)
		list.only = ranks[0];
	return list;
}

/* The edges of each node in one run; a depth-first order keeps them sorted by byte. */
static void lay_edges(struct literal_set *set, const struct literal_build *build)
{
	uint32_t next = 0;

	for (uint32_t i = 1; i < set->n; i++)
		set->nodes[build[i].parent].n_edges++;
	for (uint32_t i = 0; i < set->n; i++) {
		set->nodes[i].first_edge = next;
		next += set->nodes[i].n_edges;
		set->nodes[i].n_edges = 0;
	}
	for (uint32_t i = 1; i < set->n; i++) {
		struct literal_node *parent = &set->nodes[build[i].parent];
		uint32_t edge = parent->first_edge + parent->n_edges++;

		set->bytes[edge] = build[i].byte;
		set->to[edge] = i;
		if (!build[i].parent)
			set->from_root[build[i].byte] = i;
	}
}

/* The child by a byte, or 0. */
static uint32_t child(const struct literal_set *set, uint32_t node, unsigned char byte)
{
	const struct literal_node *at = &set->nodes[node];
	uint32_t low = at->first_edge, high = low + at->n_edges;

	if (!node)
		return set->from_root[byte];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (set->bytes[middle] < byte)
			low = middle + 1;
		else
			high = middle;
	}
	return low < at->first_edge + at->n_edges && set->bytes[low] == byte ? set->to[low] : 0;
}

static uint32_t next_node(const struct literal_set *set, uint32_t node, unsigned char byte)
{
	uint32_t to;

	while (!(to = child(set, node, byte)) && node)
		node = set->nodes[node].fail;
	return to;
}

/* By depth, since a node's fail is less deep than itself. */
static bool link_fails(struct literal_set *set, const struct literal_build *build,
		       struct arena *scratch)
{
	uint32_t *queue = ARENA_ARRAY(scratch, uint32_t, set->n);
	uint32_t head = 0, tail = 0;

	if (!queue)
		return false;
	queue[tail++] = 0;
	while (head < tail) {
		uint32_t node = queue[head++];
		struct literal_node *at = &set->nodes[node];

		if (build[node].depth > 1)
			at->fail = next_node(set, set->nodes[build[node].parent].fail,
					     build[node].byte);
		at->hit = set->nodes[at->fail].ranks.n ? at->fail : set->nodes[at->fail].hit;
		for (uint32_t i = 0; i < at->n_edges; i++)
			queue[tail++] = set->to[at->first_edge + i];
	}
	return true;
}

static struct literal_set *freeze(const struct literal_build *build, uint32_t n_nodes,
				  struct arena *arena)
{
	struct literal_set *set = ARENA_NEW(arena, struct literal_set);

	if (!set)
		return NULL;
	set->n = n_nodes;
	set->nodes = ARENA_ARRAY(arena, struct literal_node, n_nodes);
	set->bytes = ARENA_ARRAY(arena, unsigned char, n_nodes);
	set->to = ARENA_ARRAY(arena, uint32_t, n_nodes);
	if (!set->nodes || !set->bytes || !set->to)
		return NULL;
	lay_edges(set, build);
	return set;
}

static struct literal_set *make(struct literal_entry *entries, size_t n, struct arena *arena,
				struct arena *scratch)
{
	size_t bytes = 1, longest = 0;
	struct literal_build *build;
	struct literal_set *set;
	uint32_t *path;

	for (size_t i = 0; i < n; i++) {
		bytes += entries[i].literal.len;
		longest = entries[i].literal.len > longest ? entries[i].literal.len : longest;
	}
	build = ARENA_ARRAY(scratch, struct literal_build, bytes);
	path = ARENA_ARRAY(scratch, uint32_t, longest + 1);
	if (!build || !path || bytes >= UINT32_MAX)
		return NULL;
	if (n)
		qsort(entries, n, sizeof(*entries), by_literal);
	set = freeze(build, grow(entries, n, build, path), arena);
	if (!set)
		return NULL;
	for (uint32_t i = 1; i < set->n; i++)
		if (build[i].n_ranks)
			set->nodes[i].ranks =
				list_of(&entries[build[i].from], build[i].n_ranks, arena);
	set->all = list_all(entries, n, arena);
	return link_fails(set, build, scratch) && !arena->failed ? set : NULL;
}

const struct literal_set *literal_set_new(struct literal_entry *entries, size_t n,
					  struct arena *arena)
{
	const struct literal_set *set;
	struct arena scratch;

	arena_init(&scratch, SIZE_MAX, 0);
	set = make(entries, n, arena, &scratch);
	arena_done(&scratch);
	return set;
}

static bool is_known(const struct path_list *list, const struct path_list *lists, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lists[i].n == list->n && lists[i].at == list->at)
			return true;
	return false;
}

size_t literal_set_find(const struct literal_set *set, struct str text, struct path_list *ret_lists,
			size_t max)
{
	uint32_t node = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		node = next_node(set, node, (unsigned char)text.at[i]);
		for (uint32_t hit = set->nodes[node].ranks.n ? node : set->nodes[node].hit; hit;
		     hit = set->nodes[hit].hit) {
			const struct path_list *list = &set->nodes[hit].ranks;

			if (is_known(list, ret_lists, n))
				continue;
			if (n == max)
				return max + 1;
			ret_lists[n++] = *list;
		}
	}
	return n;
}

struct path_list literal_set_all(const struct literal_set *set)
{
	return set->all;
}
