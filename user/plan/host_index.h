/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_INDEX_H
#define HOST_INDEX_H

/*
 * host_index: which paths a host has: a hash table made for one lookup per request among thousands
 * of hosts, most of which are not in any cache.
 *
 * A slot is half a cache line with all that a lookup needs to send for everything behind it at
 * once: the paths with the host's name behind them, and what the first route of the host points at
 * (ahead: how far from an address that is given with the lookup, so that what lies there can be
 * replaced). Immutable once built; hashed with the process's key, since hosts come from attackers.
 */

#include "plan/path_trie.h"

struct host_index;

#define HOST_INDEX_NOTHING SIZE_MAX

struct host_entry {
	struct str host; /* borrowed, best right behind paths */
	const struct path_node *paths;
	size_t ahead; /* sent for as soon as the host may be the one; HOST_INDEX_NOTHING */
};

/* NULL when out of memory. Hosts differ. */
const struct host_index *host_index_new(const struct host_entry *entries, size_t n,
					struct arena *arena);
/* NULL: not there. *ret_ahead is set otherwise: base and what the entry said, NULL: nothing. */
const struct path_node *host_index_find(const struct host_index *index, struct str host,
					const void *base, const void **ret_ahead);
/* Sends for the slot of a host that will be looked up soon. */
void host_index_prefetch(const struct host_index *index, struct str host);
size_t host_index_size(const struct host_index *index);

#endif
