/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ACL_H
#define ACL_H

/*
 * acl: deny and allow lists by longest prefix. One bit per hash of an address's first bits tells
 * whether the trie (20 to 60 ns) needs to be asked at all; a policy without prefixes costs one test
 * of a flag.
 */

#include "gate.h"
#include "maps.h"
#include "parse.h"

static __always_inline bool acl_gate_is_open(__u32 bit, __u32 half)
{
	__u32 at = half * ABI_GATE_LINES + bit / GATE_LINE_BITS;
	struct abi_gate_line *line = bpf_map_lookup_elem(&gate, &at);

	return line && (line->bits[bit / 64 % 8] >> bit % 64 & 1);
}

static __always_inline enum abi_action acl_check(const struct packet *packet, __u32 policy_id,
						 __u32 flags, const struct abi_control *control,
						 __u32 generation)
{
	__u32 has = packet->is_v4 ? ABI_POLICY_ACL4 : ABI_POLICY_ACL6;
	__u32 wide = packet->is_v4 ? ABI_POLICY_WIDE4 : ABI_POLICY_WIDE6;

	if (!(flags & has))
		return ABI_ACTION_NONE;
	if (!(flags & wide) &&
	    !acl_gate_is_open(gate_bit(&packet->source, packet->is_v4, control->seed),
			      generation & 1))
		return ABI_ACTION_NONE;

	struct abi_acl_key key = {
		.prefix_bits = 32 + 128,
		.owner = policy_id | (packet->is_v4 ? 0 : ABI_ACL_V6),
		.addr = packet->source,
	};
	struct abi_acl_value *value = bpf_map_lookup_elem(&acl, &key);

	if (!value)
		return ABI_ACTION_NONE;
	return (__s32)(generation - value->since) >= 0 ? value->after : value->before;
}

#endif
