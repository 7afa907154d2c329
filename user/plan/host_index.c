// SPDX-License-Identifier: Apache-2.0
/* host_index: linear probing over a power of two of slots, at most 70 % of them used. */

#include "plan/host_index.h"

#include <string.h>

#include "base/hash.h"

enum { CACHE_LINE = 64, LOAD_PERCENT = 70, SLOTS_MIN = 2, FEW = 256 };

struct host_slot {
	uint32_t tag; /* upper half of the hash */
	uint32_t len;
	const char *host;
	const struct path_node *paths; /* NULL: free */
	_Alignas(void *) unsigned char beside[HOST_BESIDE_BYTES];
};

_Static_assert(sizeof(struct host_slot) == CACHE_LINE, "a slot is a cache line");

struct host_index {
	struct host_slot *slots;
	size_t mask, n;
};

static void place(struct host_index *index, struct host_entry *entry)
{
	uint64_t hash = hash_keyed(entry->host);
	size_t i = hash & index->mask;

	while (index->slots[i].paths)
		i = (i + 1) & index->mask;
	index->slots[i] = (struct host_slot){.tag = (uint32_t)(hash >> 32),
					     .len = (uint32_t)entry->host.len,
					     .host = entry->host.at,
					     .paths = entry->paths};
	entry->place = (uint32_t)i;
}

const struct host_index *host_index_copy(const struct host_index *index, struct arena *arena)
{
	struct host_index *copy = ARENA_NEW(arena, struct host_index);
	size_t n_slots = index->mask + 1;

	if (!copy)
		return NULL;
	*copy = *index;
	copy->slots = arena_alloc(arena, n_slots * sizeof(*copy->slots), CACHE_LINE);
	if (!copy->slots)
		return NULL;
	memcpy(copy->slots, index->slots, n_slots * sizeof(*copy->slots));
	return copy;
}

void *host_index_beside(const struct host_index *index, uint32_t place)
{
	return index->slots[place].beside;
}

const struct host_index *host_index_new(struct host_entry *entries, size_t n, struct arena *arena)
{
	struct host_index *index = ARENA_NEW(arena, struct host_index);
	size_t n_slots = SLOTS_MIN;

	while (n_slots * LOAD_PERCENT / 100 < n)
		n_slots *= 2;
	if (!index)
		return NULL;
	index->slots = arena_zero_line(arena, n_slots, sizeof(*index->slots));
	index->mask = n_slots - 1;
	index->n = n;
	if (!index->slots)
		return NULL;
	for (size_t i = 0; i < n; i++)
		place(index, &entries[i]);
	return index;
}

static const struct path_node *find(const struct host_index *index, struct str host, uint64_t hash,
				    uint32_t *ret_place)
{
	for (size_t i = hash & index->mask;; i = (i + 1) & index->mask) {
		const struct host_slot *slot = &index->slots[i];

		if (!slot->paths)
			return NULL;
		if (slot->tag != (uint32_t)(hash >> 32) || slot->len != host.len)
			continue;
		if (!str_eq(host, str_n(slot->host, slot->len)))
			continue;
		*ret_place = (uint32_t)i;
		return slot->paths;
	}
}

const struct path_node *host_index_find(const struct host_index *index, struct str host,
					uint32_t *ret_place)
{
	return index->n ? find(index, host, hash_keyed(host), ret_place) : NULL;
}

/* The very same bytes: comparing others would cost what it saves. */
static bool is_of(const struct host_ahead *ahead, struct str host)
{
	return ahead->slot && ahead->host.at == host.at && ahead->host.len == host.len;
}

const struct path_node *host_index_find_sent(const struct host_index *index, struct str host,
					     const struct host_ahead *ahead, uint32_t *ret_place)
{
	return is_of(ahead, host) ? find(index, host, ahead->hash, ret_place)
				  : host_index_find(index, host, ret_place);
}

bool host_index_is_large(const struct host_index *index)
{
	return index->n > FEW;
}

void host_index_send_for(const struct host_index *index, struct str host, struct host_ahead *ahead)
{
	uint64_t hash;

	if (is_of(ahead, host))
		return;
	*ahead = (struct host_ahead){0};
	if (!host_index_is_large(index))
		return;
	hash = hash_keyed(host);
	*ahead = (struct host_ahead){.slot = &index->slots[hash & index->mask],
				     .host = host,
				     .hash = hash,
				     .place = (uint32_t)(hash & index->mask)};
	__builtin_prefetch(ahead->slot);
}

bool host_index_send_for_paths(const struct host_ahead *ahead)
{
	/* Further slots are not tried: most hosts are where they should be. */
	if (ahead->slot->tag != (uint32_t)(ahead->hash >> 32) || !ahead->slot->paths)
		return false;
	__builtin_prefetch(ahead->slot->paths);
	return true;
}

size_t host_index_size(const struct host_index *index)
{
	return index->n;
}
