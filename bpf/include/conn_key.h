/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CONN_KEY_H
#define CONN_KEY_H

/*
 * conn_key: the names under which connections are counted in the map "conn": 60 bits of a hash with
 * the secret seed, the upper 20 of which choose the line. The same in the program that counts and
 * in the one that asks.
 */

#include <linux/types.h>

#include "abi_shield.h"
#include "spread.h"

/*
 * prefix: the source's, in the form of the map "ban". policy: its identity, not its slot, which
 * another policy may have next while connections of this one are still open. level 0 is the
 * source, 1 its network.
 */
static inline __u64 conn_name(__u64 prefix, __u64 policy, __u32 level, const __u64 seed[2])
{
	__u64 of = (policy << 1 | level) * 0x9e3779b97f4a7c15ULL;

	return spread(prefix ^ of, seed) | 1;
}

static inline __u32 conn_line(__u64 name)
{
	return (name >> 44) & (ABI_CONN_LINES - 1);
}

/* What stands above the number in a slot. */
static inline __u64 conn_tag(__u64 name)
{
	return name << ABI_CONN_COUNT_BITS;
}

static inline __u32 conn_count(__u64 slot)
{
	return slot & ((1u << ABI_CONN_COUNT_BITS) - 1);
}

static inline __u64 conn_tag_of(__u64 slot)
{
	return slot >> ABI_CONN_COUNT_BITS << ABI_CONN_COUNT_BITS;
}

#endif
