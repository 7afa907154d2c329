/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LITERAL_SET_H
#define LITERAL_SET_H

/*
 * literal_set: which of many literals a text holds, in one pass over the text whatever their number
 * (Aho and Corasick's automaton). Each literal has the ranks of the routes that need it. Immutable
 * once built; lookups never allocate.
 */

#include "plan/path_trie.h"

struct literal_set;

struct literal_entry {
	struct str literal; /* not empty; copied */
	uint32_t rank;
};

/* Sorts entries in place. NULL when out of memory. */
const struct literal_set *literal_set_new(struct literal_entry *entries, size_t n,
					  struct arena *arena);
/*
 * Lists of the literals that are there, each once, up to max; returns their number, or max + 1 when
 * there are more: then whoever asks takes literal_set_all().
 */
size_t literal_set_find(const struct literal_set *set, struct str text, struct path_list *ret_lists,
			size_t max);
/* All ranks. */
struct path_list literal_set_all(const struct literal_set *set);

#endif
