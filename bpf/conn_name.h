/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CONN_NAME_H
#define CONN_NAME_H

/*
 * conn_name: the slots of the map "conn", for the program that asks and for the one that counts.
 *
 * A slot is two words, each changed by one compare-and-swap. It is free for others while it has no
 * connections: attempts alone hold no slot, or spoofed SYNs would.
 */

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "conn_key.h"

enum { CONN_SWAPS = 4, CONN_SECOND_SHIFT = 30 };

/* What connections are counted by: the source, or its network, as the policy cuts it. */
static __always_inline __u64 conn_prefix(const struct abi_addr *source, bool is_v4,
					 const struct abi_policy *rules, __u32 level,
					 const __u64 *seed)
{
	const __be32 *word = source->word;

	if (is_v4)
		return (__u64)(word[3] & (level ? rules->network_v4_mask : rules->v4_mask)) << 32 |
		       word[2];

	__be64 prefix = ((__u64)word[1] << 32 | word[0]) &
			(level ? rules->network_v6_mask : rules->v6_mask);

	if (!level && rules->v6_mask_low)
		prefix ^= spread(((__u64)word[3] << 32 | word[2]) & rules->v6_mask_low, seed);
	return prefix;
}

/* Attempts of this second and the one before. */
static __always_inline __u32 conn_tries(__u64 tries, __u64 now_ns)
{
	__u32 second = now_ns >> CONN_SECOND_SHIFT, of = tries >> 32;

	if (of == second)
		return (tries >> 16 & 0xffff) + (tries & 0xffff);
	return of + 1 == second ? tries >> 16 & 0xffff : 0;
}

/* The word moved to this second. */
static __always_inline __u64 conn_tries_now(__u64 tries, __u64 now_ns)
{
	__u32 second = now_ns >> CONN_SECOND_SHIFT, of = tries >> 32;

	if (of == second)
		return tries;
	return (__u64)second << 32 | (of + 1 == second ? tries >> 16 & 0xffff : 0);
}

static __always_inline void conn_add_try(__u64 *tries, __u64 now_ns)
{
	for (int i = 0; i < CONN_SWAPS; i++) {
		__u64 seen = *(volatile __u64 *)tries, next = conn_tries_now(seen, now_ns);

		if ((next >> 16 & 0xffff) < 0xffff)
			next += 1 << 16;
		if (__sync_val_compare_and_swap(tries, seen, next) == seen)
			return;
	}
}

/* An attempt became a connection: the oldest one. */
static __always_inline void conn_end_try(__u64 *tries, __u64 now_ns)
{
	for (int i = 0; i < CONN_SWAPS; i++) {
		__u64 seen = *(volatile __u64 *)tries, next = conn_tries_now(seen, now_ns);

		if (next & 0xffff)
			next--;
		else if (next >> 16 & 0xffff)
			next -= 1 << 16;
		else
			return;
		if (__sync_val_compare_and_swap(tries, seen, next) == seen)
			return;
	}
}

/* The slot of a name, taken for it if need be; negative: all have connections of others. */
static __always_inline int conn_find(struct abi_conn_line *line, __u64 name, __u64 now_ns)
{
	__u64 tag = conn_tag(name), free_slot = 0;
	__u32 fewest = ~0u;
	int way = -1;

	for (int i = 0; i < ABI_CONN_WAYS; i++)
		if (line->count[i] && conn_tag_of(line->count[i]) == tag)
			return i;
	for (int i = 0; i < ABI_CONN_WAYS; i++) {
		__u64 slot = line->count[i];
		__u32 tries = conn_tries(line->tries[i], now_ns);

		if (conn_count(slot) || tries >= fewest)
			continue;
		fewest = tries;
		free_slot = slot;
		way = i;
	}
	if (way < 0)
		return -1;
	way &= ABI_CONN_WAYS - 1;
	if (__sync_val_compare_and_swap(&line->count[way], free_slot, tag) != free_slot)
		return -1;
	line->tries[way] = 0;
	return way;
}

#endif
