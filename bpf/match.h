/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef MATCH_H
#define MATCH_H

/*
 * match: comparisons that give a number instead of a branch. Which of several places holds a source
 * is anybody's guess, so a branch on it would be mispredicted, after a wait for memory at that.
 */

#include <linux/types.h>

/* All ones when value < limit, else 0; for value and limit below 2^63. */
static __always_inline __u64 match_below(__u64 value, __u64 limit)
{
	__s64 less = value - limit;

	asm volatile("" : "+r"(less)); /* or the compiler makes a comparison of it again */
	return less >> 63;
}

/* 1 when value is 0, else 0. */
static __always_inline __u64 match_zero(__u32 value)
{
	__u64 less = (__u64)value - 1;

	asm volatile("" : "+r"(less));
	return less >> 63;
}

/* The same for 64 bits. */
static __always_inline __u64 match_zero64(__u64 value)
{
	__u64 less = (value - 1) & ~value;

	asm volatile("" : "+r"(less));
	return less >> 63;
}

/* One of four ways, as older verifiers want to be shown it. */
static __always_inline __u32 match_way(__u32 way)
{
	asm volatile("" : "+r"(way));
	return way & 3;
}

#endif
