/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef RATE_LINE_H
#define RATE_LINE_H

/*
 * rate_line: what a line of buckets is to the limiter, whatever names its sources: where the lines
 * of a source are, which bucket is free, and how one is charged. rate.h says why it is so.
 */

#include "gcra.h"
#include "maps.h"
#include "match.h"

enum {
	RATE_WAYS4 = 4,
	RATE_WAYS6 = 3,
	RATE_TRIES = 2,
	RATE_NEAR_LINES = 1 << 15,
	RATE_LINE_MAX = (1 << 24) - 1,
};

/* Lines of the maps, less one: powers of two. The loader sets them to the sizes of the maps in use.
 */
const volatile __u32 rate4_mask = (1 << 18) - 1;
const volatile __u32 rate6_mask = (1 << 17) - 1;

struct rate_charge {
	__u64 now_ns, cost_ns, ahead_ns;
	__u32 kind;
	__u16 owner; /* abi_bucket_owner() */
};

static __always_inline __u32 rate_near(__u64 hash, const struct rate_charge *charge, __u32 mask)
{
	/* The kinds of one source and policy go to neighbouring lines. */
	return ((hash >> 32) ^ charge->kind) & mask & (RATE_NEAR_LINES - 1);
}

static __always_inline __u32 rate_far(__u64 hash, const struct rate_charge *charge, __u32 mask)
{
	__u64 other = hash * 0x9e3779b97f4a7c15ULL >> 32;

	/* Behind the near lines, if there are any lines behind them. */
	if (mask < RATE_NEAR_LINES)
		return (other ^ charge->kind) & mask;
	return (RATE_NEAR_LINES + (other * (mask + 1 - RATE_NEAR_LINES) >> 32)) ^ charge->kind;
}

/* Lines and owner in one word, because a function has five arguments. */
static __always_inline __u64 rate_where(__u64 near_at, __u64 far_at,
					const struct rate_charge *charge)
{
	return near_at | far_at << 24 | (__u64)charge->owner << 48;
}

/* The bucket is due, and now it is charged for one packet. By a plain store: see rate.h. */
static __always_inline bool rate_is_due(__u64 *due_ns, const struct rate_charge *charge)
{
	if (*(volatile __u64 *)due_ns > charge->now_ns)
		return false;
	*(volatile __u64 *)due_ns = charge->now_ns + charge->cost_ns;
	return true;
}

static __always_inline bool rate_update(__u64 *due_ns, const struct rate_charge *charge)
{
#pragma unroll
	for (int i = 0; i < RATE_TRIES; i++) {
		__u64 seen = *(volatile __u64 *)due_ns;
		__u64 due = gcra_admit(seen, charge->now_ns, charge->cost_ns, charge->ahead_ns);

		if (!due)
			return false;
		if (__sync_val_compare_and_swap(due_ns, seen, due) == seen)
			return true;
	}
	return true;
}

/* Claims the bucket for a new source: the due time first, so that two CPUs cannot both take it. */
static __always_inline bool rate_claim(__u64 *due_ns, __u64 seen, const struct rate_charge *charge)
{
	return __sync_val_compare_and_swap(due_ns, seen, charge->now_ns + charge->cost_ns) == seen;
}

/* Makes the near line say that its far lines matter until then. */
static __always_inline void rate_extend(__u64 *far_until_ns, __u64 until_ns)
{
#pragma unroll
	for (int i = 0; i < RATE_TRIES; i++) {
		__u64 seen = *(volatile __u64 *)far_until_ns;

		if (seen >= until_ns ||
		    __sync_val_compare_and_swap(far_until_ns, seen, until_ns) == seen)
			return;
	}
}

/* A way that is due, or 4: without a branch, since which of them it is, if any, cannot be guessed.
 */
static __always_inline __u32 rate_free(const __u64 *due_ns, __u32 ways, __u64 now_ns)
{
	__u64 free = 0;

#pragma unroll
	for (__u32 i = 0; i < ways; i++)
		free |= match_below(due_ns[i], now_ns + 1) & 1ULL << i;
	/* The lowest bit that is set, for each of the sixteen sets. */
	__u32 way = 0x0102010301020104ULL >> free * 4 & 7;

	asm volatile("" : "+r"(way));
	return way & 7;
}

/* Which of the buckets is due first. */
static __always_inline __u32 rate_first(const __u64 *due_ns, __u32 ways, __u64 *ret_due_ns)
{
	__u64 first = due_ns[0];
	__u32 way = 0;

#pragma unroll
	for (__u32 i = 1; i < ways; i++) {
		if (due_ns[i] < first) {
			first = due_ns[i];
			way = i;
		}
		/* Or all due times are kept, on a stack that is small. */
		asm volatile("" : "+r"(way), "+r"(first));
	}
	*ret_due_ns = first;
	return way;
}

#endif
