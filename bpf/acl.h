/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ACL_H
#define ACL_H

/*
 * acl: deny and allow lists by longest prefix: one hashed table, asked once for each prefix length
 * that can match, the longest first.
 *
 * A list of hosts has one length and so costs one cache line, of a thousand hosts or of a million;
 * a trie takes 100 to 300 ns among many. The gate tells which lengths occur near an address, so
 * most lengths of a mixed list are not asked for, and most addresses ask for none. A policy without
 * prefixes costs one test of a flag.
 */

#include "acl_key.h"
#include "gate.h"
#include "maps.h"
#include "match.h"
#include "parse.h"

/* Lines of one half of the map, less one. The loader sets it to half the size of the map in use. */
const volatile __u32 acl_half_mask = ABI_ACL_LINES - 1;

static __always_inline __u32 acl_gate(__u32 cell, __u32 half)
{
	__u32 at = half * ABI_GATE_LINES + cell / GATE_LINE_CELLS;
	struct abi_gate_line *line = bpf_map_lookup_elem(&gate, &at);

	return line ? line->lengths[cell % GATE_LINE_CELLS] : 0;
}

/* The action of the prefix of that name in one line, or 0. */
static __always_inline __u32 acl_in_line(const struct abi_acl_line *line, __u64 name)
{
	__u64 found = 0;

#pragma unroll
	for (int i = 0; i < ABI_ACL_SLOTS; i++) {
		__u64 slot = line->slot[i];

		found |= slot & match_below(slot ^ name, ACL_ACTION_MASK + 1);
	}
	return found & ACL_ACTION_MASK;
}

/* The lines after a full one: few names get here, so it is no part of the hot code. */
__noinline __u32 acl_look_on(__u64 name, __u32 start, __u32 mask, __u32 half)
{
	for (__u32 i = 1; i < ABI_ACL_RUN; i++) {
		__u32 at = half * (acl_half_mask + 1) + ((start + i) & mask & acl_half_mask);
		struct abi_acl_line *line = bpf_map_lookup_elem(&acl, &at);
		__u32 action = line ? acl_in_line(line, name) : 0;

		if (action || !line || !line->slot[ABI_ACL_SLOTS - 1])
			return action;
	}
	return 0;
}

static __always_inline __u32 acl_find(__u64 name, __u32 mask, const struct abi_control *control,
				      __u32 half)
{
	__u32 start = acl_line(name, mask, control->seed) & acl_half_mask;
	__u32 at = half * (acl_half_mask + 1) + start;
	struct abi_acl_line *line = bpf_map_lookup_elem(&acl, &at);
	__u32 action = line ? acl_in_line(line, name) : 0;

	if (action || !line || !line->slot[ABI_ACL_SLOTS - 1])
		return action;
	return acl_look_on(name, start, mask, half);
}

static __always_inline __u32 acl_gate4(__u32 source, __u32 half)
{
	return acl_gate(source >> (32 - GATE_V4_BITS), half);
}

static __always_inline bool acl_may_match4(__u32 bits, __u32 gate)
{
	return bits < GATE_V4_BITS || gate >> gate_bit(bits, true) & 1;
}

static __always_inline __u32 acl_gate6(__u64 high, const struct abi_control *control, __u32 half)
{
	struct abi_addr addr = {{bpf_htonl(high >> 32)}};

	return acl_gate(gate_cell(&addr, false, control->seed), half);
}

static __always_inline bool acl_may_match6(__u32 bits, __u32 gate)
{
	return bits < GATE_V6_BITS || gate >> gate_bit(bits, false) & 1;
}

/*
 * The whole of a list, for a source in host order and the policy in a slot of the map. A function
 * of its own, because the verifier then proves it once.
 */
__noinline __u32 acl_walk4(__u32 source, __u32 slot)
{
	__u32 zero = 0, half = slot / ABI_POLICIES & 1, gate = acl_gate4(source, half);
	struct abi_control *control_row = bpf_map_lookup_elem(&control, &zero);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);

	if (!control_row || !rules)
		return 0;
	for (int i = 0; i < ABI_ACL4_LENGTHS; i++) {
		__u32 bits = rules->acl4[i];

		if (!bits-- || bits > 32)
			break;
		if (!acl_may_match4(bits, gate))
			continue;
		__u32 action = acl_find(acl_name4(source, bits, rules->acl_owner), rules->acl_mask,
					control_row, half);

		if (action)
			return action;
	}
	return 0;
}

/* One prefix length: proved once, where proving it for each of 129 would take most of what the
 * kernel allows. */
__noinline __u32 acl_ask6(__u64 high, __u64 low, __u32 slot, __u32 bits)
{
	__u32 zero = 0;
	struct abi_control *control_row = bpf_map_lookup_elem(&control, &zero);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);
	struct acl_addr source = {.high = high, .low = low};

	if (!control_row || !rules || bits > 128)
		return 0;
	return acl_find(acl_name6(&source, bits, rules->acl_owner, control_row->seed),
			rules->acl_mask, control_row, slot / ABI_POLICIES & 1);
}

__noinline __u32 acl_walk6(__u64 high, __u64 low, __u32 slot)
{
	__u32 zero = 0, half = slot / ABI_POLICIES & 1;
	struct abi_control *control_row = bpf_map_lookup_elem(&control, &zero);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);

	if (!control_row || !rules)
		return 0;
	__u32 gate = acl_gate6(high, control_row, half);

	if (!gate && !(rules->flags & ABI_POLICY_WIDE6))
		return 0;
	for (int i = 0; i < ABI_ACL6_LENGTHS; i++) {
		__u32 bits = rules->acl6[i];

		if (!bits-- || bits > 128)
			break;
		if (!acl_may_match6(bits, gate))
			continue;
		__u32 action = acl_ask6(high, low, slot, bits);

		if (action)
			return action;
	}
	return 0;
}

/* The longest of the lengths is asked for here, since most lists are of hosts only. */
static __always_inline __u32 acl_check4(__u32 source, const struct abi_policy *rules, __u32 slot,
					const struct abi_control *control, __u32 half)
{
	__u32 gate = acl_gate4(source, half), bits = rules->acl4[0] - 1;

	if (!gate && !(rules->flags & ABI_POLICY_WIDE4))
		return 0;
	if (bits > 32)
		return 0;
	if (acl_may_match4(bits, gate)) {
		__u32 action = acl_find(acl_name4(source, bits, rules->acl_owner), rules->acl_mask,
					control, half);

		if (action)
			return action;
	}
	return rules->acl4[1] ? acl_walk4(source, slot) : 0;
}

static __always_inline __u32 acl_check6(const struct acl_addr *source,
					const struct abi_policy *rules, __u32 slot,
					const struct abi_control *control, __u32 half)
{
	__u32 gate = acl_gate6(source->high, control, half), bits = rules->acl6[0] - 1;

	if (!gate && !(rules->flags & ABI_POLICY_WIDE6))
		return 0;
	if (bits > 128)
		return 0;
	if (acl_may_match6(bits, gate)) {
		__u64 name = acl_name6(source, bits, rules->acl_owner, control->seed);
		__u32 action = acl_find(name, rules->acl_mask, control, half);

		if (action)
			return action;
	}
	return rules->acl6[1] ? acl_walk6(source->high, source->low, slot) : 0;
}

/* rules stand in that slot of the map "policy". */
static __always_inline enum abi_action acl_check(const struct packet *packet,
						 const struct abi_policy *rules, __u32 slot,
						 const struct abi_control *control)
{
	const __be32 *word = packet->source.word;

	if (!(rules->flags & (packet->is_v4 ? ABI_POLICY_ACL4 : ABI_POLICY_ACL6)))
		return ABI_ACTION_NONE;
	if (packet->is_v4)
		return acl_check4(bpf_ntohl(word[3]), rules, slot, control,
				  slot / ABI_POLICIES & 1);

	struct acl_addr source = {
		.high = (__u64)bpf_ntohl(word[0]) << 32 | bpf_ntohl(word[1]),
		.low = (__u64)bpf_ntohl(word[2]) << 32 | bpf_ntohl(word[3]),
	};

	return acl_check6(&source, rules, slot, control, slot / ABI_POLICIES & 1);
}

#endif
