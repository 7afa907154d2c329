// SPDX-License-Identifier: Apache-2.0
/*
 * path_trie: built from sorted entries, so that a new path only ever grows the right-hand edge of
 * the tree: no search while building, no recursion at any depth. Building works on nodes with
 * sibling links in a scratch arena; freezing copies them, in preorder, into arrays made for
 * lookups.
 */

#include "plan/path_trie.h"

#include <stdlib.h>

enum { CACHE_LINE = 64 };

struct build_node {
	struct path_node *frozen;
	struct str label;
	struct build_node *parent, *first, *last, *next;
	size_t from, n_prefix, n_exact; /* entries[from..]: prefixes, then exact ones */
	uint16_t n_children;
};

static int by_path(const void *a, const void *b)
{
	const struct path_entry *x = a, *y = b;
	int order = str_cmp(x->path, y->path);

	if (order)
		return order;
	if (x->exact != y->exact)
		return x->exact ? 1 : -1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static size_t common_len(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len, i = 0;

	while (i < n && a.at[i] == b.at[i])
		i++;
	return i;
}

static struct build_node *add_child(struct build_node *parent, struct str label,
				    struct arena *scratch)
{
	struct build_node *child = ARENA_NEW(scratch, struct build_node);

	if (!child)
		return NULL;
	child->label = label;
	child->parent = parent;
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->n_children++;
	return child;
}

/* Cuts node's label after n bytes: what node was goes into a new only child. */
static bool split(struct build_node *node, size_t n, struct arena *scratch)
{
	struct build_node *tail = ARENA_NEW(scratch, struct build_node);

	if (!tail)
		return false;
	*tail = *node;
	tail->label = str_from(node->label, n);
	tail->parent = node;
	tail->next = NULL;
	for (struct build_node *child = tail->first; child; child = child->next)
		child->parent = tail;
	node->label = str_take(node->label, n);
	node->first = node->last = tail;
	node->n_children = 1;
	node->n_prefix = node->n_exact = 0;
	return true;
}

/* The node of a path that is not less than any path added before. */
static struct build_node *reach(struct build_node *root, struct str path, struct arena *scratch)
{
	struct build_node *node = root;

	for (struct str rest = path; rest.len;) {
		struct build_node *child = node->last;

		if (!child || child->label.at[0] != rest.at[0])
			return add_child(node, rest, scratch);
		size_t n = common_len(child->label, rest);

		if (n < child->label.len && !split(child, n, scratch))
			return NULL;
		node = child;
		rest = str_from(rest, n);
	}
	return node;
}

/* Copies ranks of entries that are sorted by rank; returns how many differ. ret_ranks may be NULL:
 * only counts. */
static uint32_t distinct(const struct path_entry *entries, size_t n, uint32_t *ret_ranks)
{
	uint32_t n_ranks = 0;

	for (size_t i = 0; i < n; i++) {
		if (i && entries[i].rank == entries[i - 1].rank)
			continue;
		if (ret_ranks)
			ret_ranks[n_ranks] = entries[i].rank;
		n_ranks++;
	}
	return n_ranks;
}

static bool freeze_ranks(const struct build_node *node, const struct path_entry *entries,
			 struct path_node *frozen, struct arena *arena)
{
	const struct path_entry *prefix = &entries[node->from], *exact = prefix + node->n_prefix;
	uint32_t n_prefix = distinct(prefix, node->n_prefix, NULL);
	uint32_t n_exact = distinct(exact, node->n_exact, NULL);

	frozen->filed = PATH_NOTHING;
	if (n_prefix + n_exact == 0)
		return true;
	if (n_prefix + n_exact == 1) {
		frozen->filed = n_prefix ? PATH_ONE_PREFIX : PATH_ONE_EXACT;
		frozen->only = prefix->rank;
		return true;
	}
	struct path_ranks *ranks =
		arena_alloc(arena, sizeof(*ranks) + (n_prefix + n_exact) * sizeof(uint32_t),
			    _Alignof(struct path_ranks));

	if (!ranks)
		return false;
	ranks->n_prefix = distinct(prefix, node->n_prefix, ranks->at);
	ranks->n_exact = distinct(exact, node->n_exact, ranks->at + n_prefix);
	frozen->filed = PATH_MANY;
	frozen->ranks = ranks;
	return true;
}

static bool freeze_children(const struct build_node *node, struct path_node *frozen,
			    struct arena *arena)
{
	struct path_children *children;
	unsigned char *bytes;
	size_t i = 0;

	frozen->n_children = node->n_children;
	if (node->n_children < 2)
		return true;
	children = arena_zero(arena, 1,
			      sizeof(*children) + node->n_children * sizeof(struct path_node *));
	bytes = arena_alloc(arena, node->n_children, 1);
	if (!children || !bytes)
		return false;
	for (const struct build_node *child = node->first; child; child = child->next)
		bytes[i++] = (unsigned char)child->label.at[0];
	children->bytes = bytes;
	frozen->children = children;
	return true;
}

static void freeze_link(struct path_node *parent, const struct path_node *frozen)
{
	if (parent->n_children == 1) {
		parent->child = frozen;
		return;
	}
	/* Ours until the trie is handed out. */
	struct path_children *children = (struct path_children *)parent->children;
	const unsigned char *slot =
		memchr(children->bytes, (unsigned char)frozen->label[0], parent->n_children);

	children->at[slot - children->bytes] = frozen;
}

static bool freeze_node(struct build_node *node, const struct path_entry *entries, struct str tail,
			struct arena *arena)
{
	struct path_node *parent = node->parent ? node->parent->frozen : NULL, *frozen;

	if (node->label.len > UINT32_MAX)
		return false;
	frozen = arena_alloc(arena, sizeof(*frozen) + node->label.len + tail.len, CACHE_LINE);
	if (!frozen)
		return false;
	*frozen = (struct path_node){.label_len = (uint32_t)node->label.len};
	if (node->label.len)
		memcpy(frozen->label, node->label.at, node->label.len);
	if (tail.len)
		memcpy(frozen->label + node->label.len, tail.at, tail.len);
	node->frozen = frozen;
	frozen->up = parent && !path_node_has_prefixes(parent) ? parent->up : parent;
	if (parent)
		freeze_link(parent, frozen);
	return freeze_children(node, frozen, arena) && freeze_ranks(node, entries, frozen, arena);
}

static bool freeze(struct build_node *root, const struct path_entry *entries, struct str tail,
		   struct arena *arena)
{
	for (struct build_node *node = root; node;) {
		if (!freeze_node(node, entries, node == root ? tail : (struct str){0}, arena))
			return false;
		if (node->first) {
			node = node->first;
			continue;
		}
		while (node && !node->next)
			node = node->parent;
		node = node ? node->next : NULL;
	}
	return true;
}

const struct path_node *path_trie_new(struct path_entry *entries, size_t n, struct str tail,
				      struct arena *arena)
{
	struct arena scratch;
	struct build_node root = {0}, *top = &root;
	bool ok = true;

	arena_init(&scratch, SIZE_MAX, 0);
	if (n)
		qsort(entries, n, sizeof(*entries), by_path);
	for (size_t i = 0; ok && i < n; i++) {
		struct build_node *node = reach(&root, entries[i].path, &scratch);

		ok = node;
		if (!ok)
			break;
		if (!node->n_prefix && !node->n_exact)
			node->from = i;
		node->n_prefix += !entries[i].exact;
		node->n_exact += entries[i].exact;
	}
	/* A root that only leads to one node is left out. */
	if (root.n_children == 1 && !root.n_prefix && !root.n_exact)
		top = root.first;
	ok = ok && freeze(top, entries, tail, arena);
	const struct path_node *frozen = top->frozen;

	arena_done(&scratch);
	return ok ? frozen : NULL;
}

void path_trie_find(const struct path_node *root, struct str path,
		    const struct path_node **ret_prefix, struct path_list *ret_exact)
{
	const struct path_node *node = root;
	struct str rest = path;

	*ret_prefix = NULL;
	*ret_exact = (struct path_list){0};
	while (str_starts(rest, str_n(node->label, node->label_len))) {
		rest = str_from(rest, node->label_len);
		if (path_node_has_prefixes(node))
			*ret_prefix = node;
		if (!rest.len) {
			*ret_exact = path_node_exact(node);
			return;
		}
		if (node->n_children == 1) {
			node = node->child;
			continue;
		}
		const struct path_children *children = node->children;
		const unsigned char *slot =
			node->n_children ? memchr(children->bytes, (unsigned char)rest.at[0],
						  node->n_children)
					 : NULL;

		if (!slot)
			return;
		node = children->at[slot - children->bytes];
	}
}

uint32_t path_list_next(const struct path_list *list, uint32_t from)
{
	uint32_t low = 0, high = list->n;

	if (high == 1)
		return list->only >= from ? list->only : UINT32_MAX;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (list->at[middle] < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->n ? list->at[low] : UINT32_MAX;
}
