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

static __always_inline enum abi_action acl_ask(const struct packet *packet, __u32 policy_id,
					       __u32 generation)
{
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

/* Through the memory of answers. */
static __always_inline enum abi_action acl_recall(const struct packet *packet, __u32 policy_id,
						  const struct abi_control *control,
						  __u32 generation)
{
	__u64 question = (__u64)bpf_ntohl(packet->source.word[3]) << 32 |
			 (generation % ABI_ANSWER_GENERATIONS) << 10 |
			 policy_id % ABI_POLICIES << 2;
	__u32 at = (spread(question >> 32, control->seed) >> 32) % ABI_ACL_LINES;
	struct abi_acl_line *line = bpf_map_lookup_elem(&acl_cache, &at);

	if (!line)
		return acl_ask(packet, policy_id, generation);
#pragma unroll
	for (int i = 0; i < 8; i++) {
		__u64 answer = line->answer[i];

		if ((answer ^ question) >> 2 == 0 && answer & 3)
			return (answer & 3) - 1;
	}
	enum abi_action action = acl_ask(packet, policy_id, generation);

	/* A random place: sources that share a line find places of their own after a few packets.
	 */
	line->answer[bpf_get_prandom_u32() % 8] = question | (action + 1);
	return action;
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
	if (packet->is_v4 && flags & ABI_POLICY_MANY4)
		return acl_recall(packet, policy_id, control, generation);
	return acl_ask(packet, policy_id, generation);
}

#endif
