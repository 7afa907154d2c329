/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef GATE_H
#define GATE_H

/*
 * gate: which bit of the map "gate" speaks for an address. IPv4: the first 16 bits. IPv6: a hash of
 * the first 32, since the first 16 hardly differ between networks. Prefixes shorter than that have
 * no bit: the policy is marked as wide instead (GATE_V4_BITS, GATE_V6_BITS in the 16-byte form).
 * The same on both sides.
 */

#include <stdbool.h>
#include <bpf/bpf_endian.h>

#include "abi.h"
#include "spread.h"

enum { GATE_LINE_BITS = 512, GATE_V6_FIRST = 1 << 16, GATE_V4_BITS = 96 + 16, GATE_V6_BITS = 32 };

static inline __u32 gate_bit(const struct abi_addr *addr, bool is_v4, const __u64 seed[2])
{
	if (is_v4)
		return bpf_ntohl(addr->word[3]) >> 16;
	return GATE_V6_FIRST + (spread(addr->word[0], seed) >> 48);
}

#endif
