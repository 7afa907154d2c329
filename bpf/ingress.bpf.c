// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * ingress: the kernel plane's XDP program, one stage after the other.
 *
 * parse -> entry point -> deny/allow -> ban -> limits -> verdict, counter, event. Every packet is
 * received once and leaves with one counted verdict. The generation is read once: all later lookups
 * use that half.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "acl.h"
#include "ban.h"
#include "count.h"
#include "event.h"
#include "maps.h"
#include "next.h"
#include "parse.h"
#include "rate.h"
#include "steer.h"
#include "tick.h"

/* A function of its own, because the verifier then proves it once. Rarely called. */
__noinline __u32 walk_extensions(struct xdp_md *ctx, __u32 at, __u32 proto)
{
	return parse_walk((const void *)(long)ctx->data, (const void *)(long)ctx->data_end, at,
			  proto);
}

static __always_inline int read_headers(struct xdp_md *ctx, struct packet *ret)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	int verdict = parse_network(data, end, ret);

	if (verdict == VERDICT_OPEN && !ret->is_v4 && parse_is_ext(ret->proto))
		verdict = parse_walked(walk_extensions(ctx, ret->at, ret->proto), ret);
	if (verdict == VERDICT_OPEN)
		verdict = parse_transport(data, end, ret);
	/* The headers claim more than the first buffer: true of multi-buffer frames only. */
	if (ret->bytes > ret->first_bytes && ret->bytes > bpf_xdp_get_buff_len(ctx))
		verdict = verdict_drop(ABI_DROP_MALFORMED);
	return verdict;
}

/* The stages that a policy asks for: may the source send this packet to this entry point? */
static __always_inline int admit(const struct packet *packet, const struct abi_policy *rules,
				 __u32 slot, __u64 now_ns, const struct abi_control *settings)
{
	__u32 policy_id = slot % ABI_POLICIES;

	switch (acl_check(packet, rules, slot, settings)) {
	case ABI_ACTION_ALLOW:
		return verdict_pass(ABI_PASS_TRUSTED);
	case ABI_ACTION_DENY:
		return verdict_drop(ABI_DROP_DENIED);
	default:
		break;
	}
	if (ban_is_on(packet, policy_id, now_ns, settings))
		return verdict_drop(ABI_DROP_BANNED);
	if (!(rules->flags & ABI_POLICY_LIMITS))
		return verdict_pass(ABI_PASS_ADMITTED);
	for (__u32 kind = 0; kind < ABI_LIMIT__COUNT; kind++)
		if (!rate_allow(packet, rules, policy_id, kind, now_ns, settings))
			return verdict_drop(ABI_DROP_RATE_PACKETS + kind);
	return verdict_pass(ABI_PASS_ADMITTED);
}

/* All stages; XDP_PASS or XDP_DROP. */
static __always_inline int decide(struct xdp_md *ctx)
{
	__u32 entry_id = 0, policy_id = 0, zero = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct abi_counter *all = count_row(0), *row = all;
	struct packet packet = {};

	/* In memory, please: kept in registers, its zeros are written again before every early
	 * exit. */
	asm volatile("" : : "r"(&packet) : "memory");
	if (!settings || !all)
		return XDP_PASS;
	__u32 generation = *(volatile __u32 *)&settings->generation;
	__u64 now_ns = tick_now_ns(settings);
	int verdict = read_headers(ctx, &packet);

	all->received++;
	all->received_bytes += packet.bytes;

	if (verdict == VERDICT_OPEN) {
		struct abi_entry *to = steer_find(&packet, generation & 1, &entry_id);
		struct abi_policy *rules = NULL;
		__u32 slot = 0;

		verdict = verdict_pass(ABI_PASS_NO_ENTRY);
		if (to) {
			slot = (generation & 1) * ABI_POLICIES + to->policy % ABI_POLICIES;

			policy_id = to->policy;
			verdict = verdict_pass(ABI_PASS_ADMITTED);
			rules = bpf_map_lookup_elem(&policy, &slot);
			row = count_row(entry_id) ?: all;
		}
		if (rules && policy_id)
			verdict = admit(&packet, rules, slot, now_ns, settings);
		else if (to && ban_is_on(&packet, policy_id, now_ns, settings))
			verdict = verdict_drop(ABI_DROP_BANNED); /* bans of all entry points */
	}
	count_verdict(row, verdict);
	if (verdict & VERDICT_DROP) {
		event_drop(&packet, verdict & VERDICT_WHY, entry_id, policy_id, ctx, now_ns,
			   settings, row);
		return XDP_DROP;
	}
	return XDP_PASS;
}

SEC("xdp.frags")
int ingress(struct xdp_md *ctx)
{
	return decide(ctx) == XDP_PASS ? next_or_pass(ctx) : XDP_DROP;
}

/*
 * For libxdp's dispatcher, which runs others itself. Without the tail call: the kernel counts one
 * as a change of the packet, and then refuses the program in the place of a stub that makes none.
 */
SEC("?xdp.frags")
int ingress_shared(struct xdp_md *ctx)
{
	return decide(ctx);
}

/* Tells user space what time it is in here, so that it can say until when a source is banned. */
SEC("syscall")
int clock(struct abi_clock *ret)
{
	__u32 zero = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);

	if (!settings)
		return 1;
	ret->now_ns = tick_now_ns(settings);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
