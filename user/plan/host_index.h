/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_INDEX_H
#define HOST_INDEX_H

/*
 * host_index: which paths a host has: a hash table made for one lookup per request among thousands
 * of hosts, most of which are not in any cache.
 *
 * A slot is half a cache line. Its number, the place of the host, is for arrays beside the index
 * that can be replaced without it: their lines are sent for together with the slot's. Immutable
 * once built; hashed with the process's key, since hosts come from attackers.
 */

#include "plan/path_trie.h"

struct host_index;
struct host_slot;

struct host_entry {
	struct str host; /* borrowed, best right behind paths */
	const struct path_node *paths;
	uint32_t place; /* set by host_index_new() */
};

/* NULL when out of memory. Hosts differ. */
const struct host_index *host_index_new(struct host_entry *entries, size_t n, struct arena *arena);
/* NULL: not there; *ret_place is set otherwise. */
const struct path_node *host_index_find(const struct host_index *index, struct str host,
					uint32_t *ret_place);
/* For a host that will be looked up soon: sends for its slot, and then for its paths. */
struct host_ahead {
	const struct host_slot *slot; /* where it should be; NULL: all is in the cache anyway */
	uint32_t tag;
	uint32_t place;
};
void host_index_send_for(const struct host_index *index, struct str host,
			 struct host_ahead *ret_ahead);
/* False: something else is there, or nothing. True is probable, not certain. */
bool host_index_send_for_paths(const struct host_ahead *ahead);
/* Places are below this. */
size_t host_index_places(const struct host_index *index);
size_t host_index_size(const struct host_index *index);

#endif
