/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef BOUND_H
#define BOUND_H

/*
 * bound: limits besides those of one source: of its network, and of later fragments. In functions
 * of their own, which the verifier proves once; packets that no such limit is for do not get here.
 */

#include "flight.h"
#include "rate.h"
#include "shield.h"
#include "tick.h"

/* What the map's bucket is asked for: IPv4 in the low half, IPv6 its upper one. */
static __always_inline __u64 bound_prefix(const struct packet *packet)
{
	const __be32 *word = packet->source.word;

	return packet->is_v4 ? word[3] : (__u64)word[1] << 32 | word[0];
}

static __always_inline bool bound_allow(__u64 prefix, bool is_v4, __u32 policy_id,
					const struct rate_charge *charge,
					const struct abi_control *settings)
{
	if (is_v4)
		return rate_allow4((__be32)prefix, policy_id, charge, settings->seed);
	return rate_allow6(prefix, policy_id, charge, settings->seed);
}

/* Whether the source's network may send so many units, as far as one kind of limit goes. */
__noinline __u32 bound_network(__u64 prefix, __u32 slot, __u32 kind, __u32 units, __u32 is_v4)
{
	__u32 zero = 0, policy_id = slot % ABI_POLICIES;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);

	if (!settings || !rules || kind >= ABI_LIMIT__COUNT)
		return 1;
	struct rate_charge charge = {
		.now_ns = tick_now_ns(settings),
		.cost_ns = gcra_cost_ns(rules->network[kind].cost_fp, units),
		.ahead_ns = rules->network[kind].ahead_ns,
		.kind = ABI_BUCKET_NETWORK + kind,
		.owner = abi_bucket_owner(policy_id, ABI_BUCKET_NETWORK + kind),
	};

	prefix &= is_v4 ? rules->network_v4_mask : rules->network_v6_mask;
	return bound_allow(prefix, is_v4, policy_id, &charge, settings);
}

/* The same for all kinds: ABI_LIMIT__COUNT, or the kind that the packet is too much for. */
static __always_inline __u32 bound_check(const struct packet *packet,
					 const struct abi_policy *rules, __u32 slot)
{
	__u64 prefix = bound_prefix(packet);

	for (__u32 kind = 0; kind < ABI_LIMIT__COUNT; kind++) {
		if (!rules->network[kind].cost_fp || (kind == ABI_LIMIT_SYNS && !packet->is_syn))
			continue;
		if (!bound_network(prefix, slot, kind, kind == ABI_LIMIT_BYTES ? packet->bytes : 1,
				   packet->is_v4))
			return kind;
	}
	return ABI_LIMIT__COUNT;
}

/*
 * Whether a later fragment may pass. They name no port, so no policy is for them: each source has a
 * rate of them, and each CPU one for all sources together.
 */
__noinline __u32 bound_fragment(__u64 prefix, __u32 is_v4)
{
	__u32 zero = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct flight *own = bpf_map_lookup_elem(&flight, &zero);
	struct abi_shield *row = shield_row();

	if (!settings || !row || !own)
		return 1;
	__u64 now_ns = tick_now_ns(settings);
	struct rate_charge charge = {
		.now_ns = now_ns,
		.cost_ns = gcra_cost_ns(row->fragment_cost_fp, 1),
		.ahead_ns = row->fragment_ahead_ns,
		.kind = ABI_BUCKET_FRAGMENT,
		.owner = abi_bucket_owner(0, ABI_BUCKET_FRAGMENT),
	};

	if (row->fragment_cost_fp && !bound_allow(prefix, is_v4, 0, &charge, settings))
		return 0;
	if (now_ns - own->fragment_window_ns >= SHIELD_WINDOW_NS) {
		own->fragment_window_ns = now_ns;
		own->n_fragments = 0;
	}
	return !row->fragments || own->n_fragments++ < row->fragments;
}

#endif
