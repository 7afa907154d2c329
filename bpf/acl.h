/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ACL_H
#define ACL_H

/*
 * acl: deny and allow lists by longest prefix. One bit per hash of an address's first bits tells
 * whether the trie needs to be asked at all; a policy without prefixes costs one test of a flag.
 * The trie takes 20 ns among few prefixes and 100 to 300 ns among many, so answers about IPv4
 * sources are remembered where a policy has many: a flood from listed sources must not be dear. An
 * answer is one word that names its source, policy and generation: exact.
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

/* An answer of the map "acl_cache" without its action. */
static __always_inline __u64 acl_question(const struct packet *packet, __u32 policy_id,
					  __u32 generation)
{
	return (__u64)bpf_ntohl(packet->source.word[3]) << 32 |
	       (generation % ABI_ANSWER_GENERATIONS) << 10 | policy_id % ABI_POLICIES << 2;
}

static __always_inline struct abi_acl_line *acl_line(__u64 question, const __u64 *seed)
{
	__u32 at = (spread(question >> 32, seed) >> 32) % ABI_ACL_LINES;

	return bpf_map_lookup_elem(&acl_cache, &at);
}

static __always_inline enum abi_action acl_check(const struct packet *packet, __u32 policy_id,
						 __u32 flags, const struct abi_control *control,
						 __u32 generation)
{
	__u32 has = packet->is_v4 ? ABI_POLICY_ACL4 : ABI_POLICY_ACL6;
	__u32 wide = packet->is_v4 ? ABI_POLICY_WIDE4 : ABI_POLICY_WIDE6;
	struct abi_acl_line *line = NULL;
	__u64 question = 0;

	if (!(flags & has))
		return ABI_ACTION_NONE;
	if (!(flags & wide) &&
	    !acl_gate_is_open(gate_bit(&packet->source, packet->is_v4, control->seed),
			      generation & 1))
		return ABI_ACTION_NONE;
	if (packet->is_v4 && flags & ABI_POLICY_MANY4) {
		question = acl_question(packet, policy_id, generation);
		line = acl_line(question, control->seed);
		for (int i = 0; line && i < 8; i++) {
			/* Read once: another CPU may be writing it. */
			__u64 answer = *(volatile __u64 *)&line->answer[i];

			if ((answer ^ question) >> 2 == 0 && answer & 3)
				return (answer & 3) - 1;
		}
	}
	enum abi_action action = acl_ask(packet, policy_id, generation);

	/* A random place: sources that share a line find places of their own in time. */
	if (line)
		line->answer[bpf_get_prandom_u32() % 8] = question | (action + 1);
	return action;
}

#endif
