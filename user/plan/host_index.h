/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_INDEX_H
#define HOST_INDEX_H

/*
 * host_index: which paths a host has: a hash table made for one lookup per request among thousands
 * of hosts, most of which are not in any cache.
 *
 * A slot is a cache line, half of which is for what the user of the index keeps beside a host. Once
 * that is written the index is immutable; hashed with the process's key, since hosts come from
 * attackers.
 */

#include "plan/path_trie.h"

struct host_index;
struct host_slot;

enum { HOST_BESIDE_BYTES = 40 };

struct host_entry {
	struct str host; /* borrowed, best right behind paths */
	const struct path_node *paths;
	uint32_t place; /* set by host_index_new() */
};

/* NULL when out of memory. Hosts differ. */
const struct host_index *host_index_new(struct host_entry *entries, size_t n, struct arena *arena);
/* The same with what is beside its hosts copied, to be changed there. NULL when out of memory. */
const struct host_index *host_index_copy(const struct host_index *index, struct arena *arena);
/* HOST_BESIDE_BYTES of a place, zero at first, aligned for pointers. */
void *host_index_beside(const struct host_index *index, uint32_t place);
/* NULL: not there; *ret_place is set otherwise. */
const struct path_node *host_index_find(const struct host_index *index, struct str host,
					uint32_t *ret_place);
/* For a host that will be looked up soon: sends for its slot, and then for its paths. Zero at
 * first; done once for a host, however often it is asked for. */
struct host_ahead {
	struct str host;	      /* borrowed */
	const struct host_slot *slot; /* where it should be; NULL: all is in the cache anyway */
	uint64_t hash;
	uint32_t place;
};
void host_index_send_for(const struct host_index *index, struct str host, struct host_ahead *ahead);
/* Whether sending is worth something: a few slots are in the cache anyway. */
bool host_index_is_large(const struct host_index *index);
/* False: something else is there, or nothing. True is probable, not certain. */
bool host_index_send_for_paths(const struct host_ahead *ahead);
/* host_index_find(): of a host that was sent for, which is not hashed again, or of another. */
const struct path_node *host_index_find_sent(const struct host_index *index, struct str host,
					     const struct host_ahead *ahead, uint32_t *ret_place);
size_t host_index_size(const struct host_index *index);

#endif
