/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PATH_TRIE_H
#define PATH_TRIE_H

/*
 * path_trie: which routes a path may belong to: a compressed trie over bytes, since a path prefix
 * is a plain string prefix (reference/traefik.md b.2). One walk over the path finds the exact
 * entries and the deepest prefix entry; shorter prefixes hang on `up`. Immutable once built;
 * lookups never allocate. A node is one cache line with its label behind it, so that a host with
 * one path costs two lines.
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

struct path_node {
	const char
		*label; /* what the edge to this node eats; the root's is what all have in common */
	uint32_t label_len;
	uint16_t n_children;
	union {
		struct path_node *child;	/* when n_children is 1 */
		struct path_children *children; /* when it is more */
	};
	struct path_list prefix, exact;
	const struct path_node *up; /* nearest ancestor with a prefix list */
};

struct path_children {
	const unsigned char *bytes; /* first byte of each child's label, ascending */
	struct path_node *at[];	    /* in the same order */
};

struct path_entry {
	struct str path; /* copied by the trie */
	bool exact;
	uint32_t rank;
};

/* Sorts entries in place. NULL when out of memory. */
const struct path_node *path_trie_new(struct path_entry *entries, size_t n, struct arena *arena);
/* The deepest node with a prefix list that covers path (or NULL), and the entries equal to path. */
void path_trie_find(const struct path_node *root, struct str path,
		    const struct path_node **ret_prefix, struct path_list *ret_exact);
/* The smallest rank of the list that is at least from, or UINT32_MAX. */
uint32_t path_list_next(const struct path_list *list, uint32_t from);

#endif
