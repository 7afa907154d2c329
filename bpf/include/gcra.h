/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef GCRA_H
#define GCRA_H

/*
 * gcra: the rate limiter's arithmetic, without a map, a packet or a clock.
 *
 * A source is "due" at due_ns. Each admitted packet moves that time by its cost; a packet that
 * finds it more than ahead_ns ahead of now is over the limit. Pure, so that tests and the user side
 * use it unchanged.
 */

#include <linux/types.h>

/* Cost of `units`, given the cost of one with 16 fractional bits. */
static inline __u64 gcra_cost_ns(__u64 cost_fp, __u32 units)
{
	return cost_fp * units >> 16;
}

/* Returns the new due time, or 0 when the packet is over the limit. */
static inline __u64 gcra_admit(__u64 due_ns, __u64 now_ns, __u64 cost_ns, __u64 ahead_ns)
{
	/* An idle source earns no credit beyond its burst: never due in the past. */
	__u64 start = due_ns > now_ns ? due_ns : now_ns;

	if (start - now_ns > ahead_ns)
		return 0;
	return start + cost_ns;
}

#endif
