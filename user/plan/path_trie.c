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

static bool freeze_list(const struct path_entry *entries, size_t n, struct arena *arena,
			struct path_list *ret_list)
{
	uint32_t n_ranks = 0;

	for (size_t i = 0; i < n; i++)
		n_ranks += i == 0 || entries[i].rank != entries[i - 1].rank;
	*ret_list = (struct path_list){.n = n_ranks};
	if (n_ranks <= 1) {
		ret_list->only = n ? entries[0].rank : 0;
		return true;
	}
	uint32_t *ranks = ARENA_ARRAY(arena, uint32_t, n_ranks);

	ret_list->at = ranks;
	for (size_t i = 0; ranks && i < n; i++)
		if (i == 0 || entries[i].rank != entries[i - 1].rank)
			*ranks++ = entries[i].rank;
	return ranks;
}

static bool freeze_children(const struct build_node *node, struct path_node *frozen,
			    struct arena *arena)
{
	unsigned char *bytes;
	size_t i = 0;

	frozen->n_children = node->n_children;
	if (node->n_children < 2)
		return true;
	frozen->children = arena_zero(arena, 1,
				      sizeof(*frozen->children) +
					      node->n_children * sizeof(struct path_node *));
	bytes = (unsigned char *)arena_alloc(arena, node->n_children, 1);
	if (!frozen->children || !bytes)
		return false;
	frozen->children->bytes = bytes;
	for (const struct build_node *child = node->first; child; child = child->next)
		bytes[i++] = (unsigned char)child->label.at[0];
	return true;
}

static void freeze_link(struct path_node *parent, struct path_node *frozen)
{
	if (parent->n_children == 1) {
		parent->child = frozen;
		return;
	}
	struct path_children *children = parent->children;
	const unsigned char *slot =
		memchr(children->bytes, (unsigned char)frozen->label[0], parent->n_children);

	children->at[slot - children->bytes] = frozen;
}

static bool freeze_node(struct build_node *node, const struct path_entry *entries,
			struct arena *arena)
{
	struct path_node *frozen = arena_alloc(arena, sizeof(*frozen), CACHE_LINE);
	struct path_node *parent = node->parent ? node->parent->frozen : NULL;
	struct str label = arena_str(arena, node->label);

	if (!frozen || !label.at || label.len > UINT32_MAX)
		return false;
	*frozen = (struct path_node){.label = label.at, .label_len = (uint32_t)label.len};
	node->frozen = frozen;
	frozen->up = parent && !parent->prefix.n ? parent->up : parent;
	if (parent)
		freeze_link(parent, frozen);
	return freeze_children(node, frozen, arena) &&
	       freeze_list(&entries[node->from], node->n_prefix, arena, &frozen->prefix) &&
	       freeze_list(&entries[node->from + node->n_prefix], node->n_exact, arena,
			   &frozen->exact);
}

static bool freeze(struct build_node *root, const struct path_entry *entries, struct arena *arena)
{
	for (struct build_node *node = root; node;) {
		if (!freeze_node(node, entries, arena))
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

const struct path_node *path_trie_new(struct path_entry *entries, size_t n, struct arena *arena)
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
	ok = ok && freeze(top, entries, arena);
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
		if (node->prefix.n)
			*ret_prefix = node;
		if (!rest.len) {
			*ret_exact = node->exact;
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
