/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef BAN_H
#define BAN_H

/*
 * ban: sources that are dropped until a time, set by the proxy or an operator through shared
 * memory.
 *
 * A ban ends by itself: nobody has to remove it. While no ban is in force the cost is one
 * comparison.
 */

#include "maps.h"
#include "parse.h"
#include "spread.h"

/* Lines of the map, less one: a power of two. The loader sets it to the size of the map in use. */
const volatile __u32 ban_mask = (1 << 14) - 1;

static __always_inline __be64 ban_source(const struct packet *packet)
{
	const __be32 *word = packet->source.word;
	__be64 low = (__u64)word[3] << 32 | word[2], high = (__u64)word[1] << 32 | word[0];

	/* Both are read, or the compiler makes an index of is_v4, which the verifier refuses. */
	asm volatile("" : "+r"(low), "+r"(high));
	return packet->is_v4 ? low : high;
}

static __always_inline bool ban_is_on(const struct packet *packet, __u32 policy_id, __u64 now_ns,
				      const struct abi_control *control)
{
	if (control->ban_until_ns <= now_ns)
		return false;

	__be64 source = ban_source(packet);
	__u32 at = (spread(source, control->seed) >> 32) & ban_mask;
	struct abi_ban_line *line = bpf_map_lookup_elem(&ban, &at);

	if (!line)
		return false;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u64 until = line->until[i];
		__u32 of = until & 0xffff;

		if (line->source[i] == source && (!of || of == policy_id) &&
		    (until >> 16) * 1000000 > now_ns)
			return true;
	}
	return false;
}

#endif
