/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef GATE_H
#define GATE_H

/*
 * gate: which cell of the map "gate" speaks for an address, and which bit of it for a prefix
 * length.
 *
 * IPv4: a cell per /16, a bit per length (/16 and /17 share one). IPv6: cells by a hash of the
 * first 32 bits, since the first 16 hardly differ between networks; seven lengths share a bit.
 * Shorter prefixes have no bit: the policy is marked as wide instead. The same on both sides.
 */

#include <stdbool.h>
#include <bpf/bpf_endian.h>

#include "abi.h"
#include "spread.h"

enum { GATE_CELLS = 1 << 16, GATE_LINE_CELLS = 32, GATE_V4_BITS = 16, GATE_V6_BITS = 32 };

static inline __u32 gate_cell(const struct abi_addr *addr, bool is_v4, const __u64 seed[2])
{
	if (is_v4)
		return bpf_ntohl(addr->word[3]) >> 16;
	return GATE_CELLS + (spread(addr->word[0], seed) >> 48);
}

/* The bit of a prefix of `bits` bits (of the family's own length), no shorter than the cell's. */
static inline __u32 gate_bit(__u32 bits, bool is_v4)
{
	if (!is_v4)
		return (128 - bits) / 7;
	return bits == GATE_V4_BITS ? 15 : 32 - bits;
}

#endif
