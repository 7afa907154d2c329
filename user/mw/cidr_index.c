// SPDX-License-Identifier: Apache-2.0
/*
 * cidr_index: see the header.
 *
 * The members of a sorted set do not overlap, so that of all IPv4 networks only the last one that
 * begins at or before an address can hold it: top[] says which ones begin in the /16 of the
 * address, and the one before them may reach into it.
 */

#include "mw/cidr_index.h"

#include <stdlib.h>

#include "base/hash.h"

enum {
	SMALL = 64, /* up to so many a sorted list is as fast */
	V4_AT = 12,
	V4_BITS_BEFORE = 96,
	TOP = 1 << 16,
	LENGTHS = 129,
};

struct range {
	uint32_t first, last;
};

struct network {
	struct addr addr;
	uint8_t bits;
	bool used;
};

struct cidr_index {
	size_t n;
	struct cidr_set small; /* n == 0: not used */
	bool all_v4;	       /* an IPv6 network holds every mapped address */
	uint32_t n_ranges;
	struct range *ranges;
	uint32_t *top; /* TOP + 1: the first range that begins in this /16 or later */
	uint8_t lengths[LENGTHS], n_lengths;
	struct network *table; /* open addressing */
	size_t table_mask;
};

static uint32_t v4_of(const struct addr *addr)
{
	const uint8_t *at = addr->byte + V4_AT;

	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t half(const struct addr *addr, size_t at)
{
	uint64_t word;

	memcpy(&word, addr->byte + at, sizeof(word));
	return word;
}

/* Of members that the administrator chose; addresses that are looked up cannot make chains longer.
 */
static size_t place(const struct addr *addr, uint8_t bits)
{
	return (size_t)hash_mix64(hash_mix64(half(addr, 0) + bits) ^ half(addr, sizeof(uint64_t)));
}

static void mask(struct addr *addr, uint8_t bits)
{
	size_t whole = bits / 8;

	if (bits % 8) {
		addr->byte[whole] &= (uint8_t)(0xff << (8 - bits % 8));
		whole++;
	}
	memset(addr->byte + whole, 0, sizeof(addr->byte) - whole);
}

static void add_v6(struct cidr_index *index, const struct cidr *cidr)
{
	static const struct addr mapped = {{[10] = 0xff, [11] = 0xff}};
	size_t at = place(&cidr->addr, cidr->bits) & index->table_mask;

	while (index->table[at].used)
		at = (at + 1) & index->table_mask;
	index->table[at] = (struct network){cidr->addr, cidr->bits, true};
	index->all_v4 = index->all_v4 || cidr_contains(cidr, &mapped);
	if (!memchr(index->lengths, cidr->bits, index->n_lengths))
		index->lengths[index->n_lengths++] = cidr->bits;
}

static void add_v4(struct cidr_index *index, const struct cidr *cidr)
{
	unsigned bits = (unsigned)cidr->bits - V4_BITS_BEFORE;
	uint32_t first = v4_of(&cidr->addr),
		 rest = bits ? (uint32_t)(((uint64_t)1 << (32 - bits)) - 1) : UINT32_MAX;

	index->ranges[index->n_ranges++] = (struct range){first, first | rest};
}

static bool fill(struct cidr_index *index, const struct cidr_set *set)
{
	size_t n_v4 = 0, size = 16;

	for (size_t i = 0; i < set->n; i++)
		n_v4 += set->at[i].is_v4;
	while (size < (set->n - n_v4) * 2)
		size *= 2;
	index->ranges = calloc(n_v4 + 1, sizeof(*index->ranges));
	index->top = calloc(TOP + 1, sizeof(*index->top));
	index->table = calloc(size, sizeof(*index->table));
	index->table_mask = size - 1;
	if (!index->ranges || !index->top || !index->table)
		return false;
	for (size_t i = 0; i < set->n; i++) {
		if (set->at[i].is_v4)
			add_v4(index, &set->at[i]);
		else
			add_v6(index, &set->at[i]);
	}
	for (uint32_t top = 0, at = 0; top <= TOP; top++) {
		while (at < index->n_ranges && index->ranges[at].first >> 16 < top)
			at++;
		index->top[top] = at;
	}
	return true;
}

static bool keep_small(struct cidr_index *index, const struct cidr_set *set)
{
	index->small.at = malloc((set->n + 1) * sizeof(*set->at));
	if (!index->small.at)
		return false;
	if (set->n)
		memcpy(index->small.at, set->at, set->n * sizeof(*set->at));
	index->small.n = set->n;
	return true;
}

struct cidr_index *cidr_index_new(const struct cidr_set *set)
{
	struct cidr_index *index = calloc(1, sizeof(*index));

	if (!index)
		return NULL;
	index->n = set->n;
	if (set->n <= SMALL ? keep_small(index, set) : fill(index, set))
		return index;
	cidr_index_free(index);
	return NULL;
}

void cidr_index_free(struct cidr_index *index)
{
	if (!index)
		return;
	free(index->small.at);
	free(index->ranges);
	free(index->top);
	free(index->table);
	free(index);
}

static bool contains_v4(const struct cidr_index *index, uint32_t addr)
{
	uint32_t low = index->top[addr >> 16], high = index->top[(addr >> 16) + 1];

	if (index->all_v4)
		return true;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index->ranges[middle].first <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && addr <= index->ranges[low - 1].last;
}

static bool contains_v6(const struct cidr_index *index, const struct addr *addr)
{
	for (uint8_t i = 0; i < index->n_lengths; i++) {
		struct addr network = *addr;
		uint8_t bits = index->lengths[i];

		mask(&network, bits);
		for (size_t at = place(&network, bits) & index->table_mask; index->table[at].used;
		     at = (at + 1) & index->table_mask)
			if (index->table[at].bits == bits &&
			    addr_eq(&index->table[at].addr, &network))
				return true;
	}
	return false;
}

bool cidr_index_contains(const struct cidr_index *index, const struct addr *addr)
{
	if (index->small.at)
		return cidr_set_contains(&index->small, addr);
	return addr_is_v4(addr) ? contains_v4(index, v4_of(addr)) : contains_v6(index, addr);
}

size_t cidr_index_count(const struct cidr_index *index)
{
	return index->n;
}

size_t cidr_index_memory(const struct cidr_index *index)
{
	if (index->small.at)
		return sizeof(*index) + index->small.n * sizeof(*index->small.at);
	return sizeof(*index) + index->n_ranges * sizeof(*index->ranges) +
	       (TOP + 1) * sizeof(*index->top) + (index->table_mask + 1) * sizeof(*index->table);
}
