/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef SPREAD_H
#define SPREAD_H

/*
 * spread: which line of a table a source belongs to. Two multiplications with a secret seed, so
 * that nobody outside can aim sources at one line. The same on both sides, because user space
 * writes bans into the table.
 */

#include <linux/types.h>

static inline __u64 spread(__u64 source, const __u64 seed[2])
{
	__u64 h = source ^ seed[0];

	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 32;
	h ^= seed[1];
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 29;
}

#endif
