/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PATH_TRIE_H
#define PATH_TRIE_H

/*
 * path_trie: which routes a path may belong to: a compressed trie over bytes, since a path prefix
 * is a plain string prefix (reference/traefik.md b.2). One walk over the path finds the exact
 * entries and the deepest prefix entry; shorter prefixes hang on `up`. Immutable once built;
 * lookups never allocate. A node begins at a cache line and holds its label and, if it has one
 * only, its rank: a host with one path costs one line.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Ranks of routes, ascending, without duplicates. */
struct path_list {
	union {
		const uint32_t *at;
		uint32_t only; /* when n is 1 */
	};
	uint32_t n;
};

/* What is filed at a node. */
enum path_filed { PATH_NOTHING, PATH_ONE_PREFIX, PATH_ONE_EXACT, PATH_MANY };

struct path_node {
	union {
		const struct path_node *child;	      /* when n_children is 1 */
		const struct path_children *children; /* when it is more */
	};
	union {
		uint32_t only; /* PATH_ONE_* */
		const struct path_ranks *ranks;
	};
	const struct path_node *up; /* nearest ancestor with a prefix list */
	uint32_t label_len;
	uint16_t n_children;
	uint8_t filed; /* enum path_filed */
	char label[];  /* what the edge to this node eats; the root's is what all have in common */
};

struct path_children {
	const unsigned char *bytes;   /* first byte of each child's label, ascending */
	const struct path_node *at[]; /* in the same order */
};

struct path_ranks {
	uint32_t n_prefix, n_exact;
	uint32_t at[]; /* prefixes first */
};

struct path_entry {
	struct str path; /* copied by the trie */
	bool exact;
	uint32_t rank;
};

/*
 * Sorts entries in place. NULL when out of memory. A copy of tail, whatever that is to the caller,
 * stands behind the root's label: what is looked at together lies together.
 */
const struct path_node *path_trie_new(struct path_entry *entries, size_t n, struct str tail,
				      struct arena *arena);
/* The deepest node with a prefix list that covers path (or NULL), and the entries equal to path. */
void path_trie_find(const struct path_node *root, struct str path,
		    const struct path_node **ret_prefix, struct path_list *ret_exact);
/* The smallest rank of the list that is at least from, or UINT32_MAX. */
uint32_t path_list_next(const struct path_list *list, uint32_t from);

static inline const char *path_trie_tail(const struct path_node *root)
{
	return root->label + root->label_len;
}

static inline bool path_node_has_prefixes(const struct path_node *node)
{
	return node->filed == PATH_ONE_PREFIX ||
	       (node->filed == PATH_MANY && node->ranks->n_prefix);
}

static inline struct path_list path_list_of(const uint32_t *ranks, uint32_t n)
{
	return n == 1 ? (struct path_list){.only = ranks[0], .n = 1}
		      : (struct path_list){.at = ranks, .n = n};
}

static inline struct path_list path_node_prefixes(const struct path_node *node)
{
	if (node->filed == PATH_MANY)
		return path_list_of(node->ranks->at, node->ranks->n_prefix);
	return (struct path_list){.only = node->only, .n = node->filed == PATH_ONE_PREFIX};
}

static inline struct path_list path_node_exact(const struct path_node *node)
{
	if (node->filed == PATH_MANY)
		return path_list_of(node->ranks->at + node->ranks->n_prefix, node->ranks->n_exact);
	return (struct path_list){.only = node->only, .n = node->filed == PATH_ONE_EXACT};
}

#endif
