// SPDX-License-Identifier: Apache-2.0
/*
 * path_trie: built from sorted entries, so that a new path only ever grows the right-hand edge of
 * the tree: no search while building, no recursion at any depth. Building works on nodes with
 * sibling links in a scratch arena; freezing copies them, in preorder, into arrays made for
 * lookups.
 */

#include "plan/path_trie.h"

#include <stdlib.h>

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
	uint32_t *ranks = n ? ARENA_ARRAY(arena, uint32_t, n) : NULL;
	uint32_t n_ranks = 0;

	if (n && !ranks)
		return false;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || entries[i].rank != entries[i - 1].rank)
			ranks[n_ranks++] = entries[i].rank;
	*ret_list = (struct path_list){ranks, n_ranks};
	return true;
}

static bool freeze_node(struct build_node *node, const struct path_entry *entries,
			struct arena *arena)
{
	struct path_node *frozen = ARENA_NEW(arena, struct path_node);
	const struct path_node *parent = node->parent ? node->parent->frozen : NULL;
	unsigned char *bytes = (unsigned char *)arena_alloc(arena, node->n_children + 1U, 1);
	size_t i = 0;

	if (!frozen || !bytes)
		return false;
	node->frozen = frozen;
	frozen->label = node->label;
	frozen->n_children = node->n_children;
	frozen->bytes = bytes;
	frozen->children = ARENA_ARRAY(arena, struct path_node *, node->n_children + 1U);
	frozen->up = parent && !parent->prefix.n ? parent->up : parent;
	for (struct build_node *child = node->first; child; child = child->next)
		bytes[i++] = (unsigned char)child->label.at[0];
	if (parent) {
		const unsigned char *slot =
			memchr(parent->bytes, (unsigned char)node->label.at[0], parent->n_children);

		parent->children[slot - parent->bytes] = frozen;
	}
	return frozen->children &&
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
	struct build_node root = {0};
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
	ok = ok && freeze(&root, entries, arena);
	arena_done(&scratch);
	return ok ? root.frozen : NULL;
}

void path_trie_find(const struct path_node *root, struct str path,
		    const struct path_node **ret_prefix, struct path_list *ret_exact)
{
	const struct path_node *node = root;
	struct str rest = path;

	*ret_prefix = root->prefix.n ? root : NULL;
	*ret_exact = (struct path_list){0};
	while (rest.len) {
		const unsigned char *slot =
			memchr(node->bytes, (unsigned char)rest.at[0], node->n_children);

		if (!slot)
			return;
		node = node->children[slot - node->bytes];
		if (!str_starts(rest, node->label))
			return;
		rest = str_from(rest, node->label.len);
		if (node->prefix.n)
			*ret_prefix = node;
	}
	*ret_exact = node->exact;
}

uint32_t path_list_next(const struct path_list *list, uint32_t from)
{
	uint32_t low = 0, high = list->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (list->at[middle] < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->n ? list->at[low] : UINT32_MAX;
}
