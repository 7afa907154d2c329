/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef VIP_KEY_H
#define VIP_KEY_H

/*
 * vip_key: which two cells of the map "vip" may hold an entry, and which two of "quic" a backend.
 *
 * A packet looks into the first cell and, when that holds another key, into the second. User space
 * places keys so that each has one of its two (cuckoo hashing; an eighth of the cells is in use at
 * most, so there is always a way). The same on both sides.
 */

#include <linux/types.h>

#include "abi.h"
#include "spread.h"

enum { VIP_CELLS = ABI_VIP_LINES * 32, QUIC_CELLS = ABI_QUIC_LINES * 32 };

/* Both cells come from this: vip_cell(hash, 0) and vip_cell(hash, 1). */
static inline __u64 vip_hash(const struct abi_addr *addr, __be16 port, __u8 proto,
			     const __u64 seed[2])
{
	__u64 low = (__u64)addr->word[3] << 32 | addr->word[2];
	__u64 high = (__u64)addr->word[1] << 32 | addr->word[0];

	/* Not by a second spread: the seeds are secret, and addresses of ours are not chosen by
	 * others. */
	high = high * 0x9e3779b97f4a7c15ULL ^ ((__u64)port << 8 | proto);
	return spread(low ^ high * 0xc2b2ae3d27d4eb4fULL, seed);
}

static inline __u32 vip_cell(__u64 hash, int which)
{
	return (which ? hash >> 40 : hash >> 16) & (VIP_CELLS - 1);
}

static inline __u64 quic_hash(__u32 service, __u32 server_id, const __u64 seed[2])
{
	return spread((__u64)service << 32 | server_id, seed);
}

static inline __u32 quic_cell(__u64 hash, int which)
{
	return (which ? hash >> 40 : hash >> 16) & (QUIC_CELLS - 1);
}

#endif
