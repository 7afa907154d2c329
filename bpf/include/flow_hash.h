/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef FLOW_HASH_H
#define FLOW_HASH_H

/*
 * flow_hash: the number by which a flow finds its slot in a ring: equal on every node with the same
 * flow_seed. The upper half chooses the slot. The destination's address is no part of it: a service
 * with several addresses treats them alike. The same on both sides.
 */

#include <linux/types.h>

#include "abi_addr.h"
#include "spread.h"

/* Ports 0 and 0: of the source alone, for affinity. */
static inline __u64 flow_hash(const struct abi_addr *source, __be16 source_port, __be16 dest_port,
			      const __u64 seed[2])
{
	__u64 high = (__u64)source->word[1] << 32 | source->word[0];
	__u64 ports = (__u64)source_port << 16 | dest_port;

	/* IPv4: the upper half is constant. */
	if (!high && source->word[2] == __builtin_bswap32(0xffff))
		return spread(ports << 32 | source->word[3], seed);
	return spread(spread(high, seed) ^ ((__u64)source->word[3] << 32 | source->word[2]) ^
			      ports * 0x9e3779b97f4a7c15ULL,
		      seed);
}

/* Lines of a ring by its size class, and slots: the largest prime that fits, as Maglev needs. */
static inline __u32 ring_lines(__u32 class)
{
	return 32u << 2 * (class & 3);
}

static inline __u32 ring_slots(__u32 class)
{
	return (1024u << 2 * (class & 3)) - ((class & 3) == 3 ? 15 : 3);
}

static inline __u32 ring_slot(__u32 ring, __u64 hash)
{
	return (hash >> 32) * ring_slots(ring) >> 32;
}

#endif
