// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * ingress: the kernel plane's XDP program, one stage after the other.
 *
 * parse -> entry -> deny/allow -> ban -> limits -> backend -> verdict, counter, event. Every packet
 * is received once and leaves with one counted verdict. The generation is read once: all later
 * lookups use that half. What few packets need goes on in another program: stage.h.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "acl.h"
#include "ban.h"
#include "bound.h"
#include "capture.h"
#include "context.h"
#include "count.h"
#include "event.h"
#include "forward.h"
#include "fragment.h"
#include "hop.h"
#include "maps.h"
#include "next.h"
#include "parse.h"
#include "rate.h"
#include "recall.h"
#include "shield.h"
#include "stage.h"
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
	/* Three tags in all, one of which the kernel has taken out of the frame. */
	if (context_tags(ctx) && ret->l3 > sizeof(struct ethhdr) + sizeof(struct parse_vlan))
		return verdict_pass(ABI_PASS_NOT_IP);
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
	if (!(rules->flags & (ABI_POLICY_LIMITS | ABI_POLICY_NETWORK)))
		return verdict_pass(ABI_PASS_ADMITTED);
	for (__u32 kind = 0; kind < ABI_LIMIT__COUNT; kind++)
		if (!rate_allow(packet, rules, policy_id, kind, now_ns, settings))
			return verdict_drop(ABI_DROP_RATE_PACKETS + kind);
	if (rules->flags & ABI_POLICY_NETWORK) {
		__u32 kind = bound_check(packet, rules, slot);

		if (kind < ABI_LIMIT__COUNT)
			return verdict_drop(ABI_DROP_AGGREGATE_PACKETS + kind);
	}
	return verdict_pass(ABI_PASS_ADMITTED);
}

/* Which of the programs this is: they differ in what they may do. */
enum role {
	ROLE_FIRST,
	ROLE_INNER,  /* the packet came out of a tunnel and was counted as received before */
	ROLE_SHARED, /* under a dispatcher: no tail call and no change of the packet */
};

/* What is neither TCP nor UDP, and later fragments: few of them are ours. */
static __always_inline int aside(const struct packet *packet, int verdict, __u32 generation,
				 enum role role)
{
	__u32 half = generation & 1;
	struct abi_here *self = bpf_map_lookup_elem(&here, &half);
	bool is_tunnel = packet->proto == IPPROTO_IPIP || packet->proto == IPPROTO_IPV6;

	if (verdict == verdict_pass(ABI_PASS_FRAGMENT) &&
	    !bound_fragment(bound_prefix(packet), packet->is_v4))
		return verdict_drop(ABI_DROP_FRAGMENT_FLOOD);
	if (role == ROLE_SHARED || !self || !self->flags)
		return verdict;
	if (verdict == verdict_pass(ABI_PASS_FRAGMENT))
		return self->flags & ABI_HERE_SERVICES ? verdict_stage(ABI_STAGE_FRAGMENT)
						       : verdict;
	if (is_tunnel && role == ROLE_FIRST && self->flags & ABI_HERE_DECAP)
		return verdict_stage(ABI_STAGE_DECAP);
	if (packet->proto == (packet->is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) &&
	    self->flags & ABI_HERE_SERVICES)
		return choose_keep(&(struct flight_way){}, verdict_stage(ABI_STAGE_ICMP));
	return verdict;
}

/* Where an admitted packet goes. */
static __always_inline int dispatch(struct xdp_md *ctx, const struct packet *packet,
				    const struct abi_entry *to, __u32 entry_id, int passed,
				    enum role role, __u32 half, __u64 now_ns, bool is_final,
				    const struct abi_control *settings)
{
	if (to->target == ABI_TARGET_LOCAL && !(to->flags & ABI_ENTRY_SPREAD))
		return passed;
	if (role == ROLE_SHARED)
		return verdict_pass(ABI_PASS_SHARED);
	if (packet->is_fragment && to->target != ABI_TARGET_DECAP) {
		int verdict = fragment_note(ctx, packet, now_ns, to->target == ABI_TARGET_ANSWER);

		if (verdict != VERDICT_OPEN)
			return verdict;
	}
	if (to->flags & ABI_ENTRY_SPREAD && !is_final) {
		int verdict = hop_check(packet, half, settings);

		if (verdict != VERDICT_OPEN)
			return verdict;
	}
	if (to->target == ABI_TARGET_SERVICE)
		return forward(ctx, packet, to, entry_id, passed, half, now_ns, settings);
	switch (to->target) {
	case ABI_TARGET_LOCAL:
		return passed;
	case ABI_TARGET_DECAP:
		return role == ROLE_FIRST ? verdict_stage(ABI_STAGE_DECAP)
					  : verdict_drop(ABI_DROP_TUNNEL_LOOP);
	case ABI_TARGET_ANSWER:
		return verdict_stage(ABI_STAGE_ANSWER);
	default:
		return forward(ctx, packet, to, entry_id, passed, half, now_ns, settings);
	}
}

/* When the program of a stage is not there. */
static __always_inline int stage_missing(__u32 which, __u32 why, int passed)
{
	if (which == ABI_STAGE_COOKIE || which == ABI_STAGE_GUARD)
		return passed;
	if (which == ABI_STAGE_ICMP && why)
		return verdict_drop(why);
	if (which == ABI_STAGE_FRAGMENT)
		return verdict_pass(ABI_PASS_FRAGMENT);
	if (which == ABI_STAGE_ICMP)
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	return verdict_drop(ABI_DROP_NO_STAGE);
}

/* What the packet of an entry deserves, before anything is done with it. */
static __always_inline int judge(const struct packet *packet, const struct abi_entry *to,
				 const struct abi_policy *rules, __u32 slot, __u64 now_ns,
				 const struct abi_control *settings)
{
	if (shield_flags_are_odd(packet))
		return verdict_drop(ABI_DROP_TCP_FLAGS);
	if (rules)
		return admit(packet, rules, slot, now_ns, settings);
	if (ban_is_on(packet, to->policy, now_ns, settings))
		return verdict_drop(ABI_DROP_BANNED); /* bans of all entry points */
	return verdict_pass(ABI_PASS_ADMITTED);
}

/* All stages; returns the XDP action. */
static __always_inline int decide(struct xdp_md *ctx, enum role role)
{
	__u32 entry_id = 0, policy_id = 0, zero = 0, flags = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct abi_entry *to = NULL;
	struct packet packet = {};

	/* In memory, please: kept in registers, its zeros are written again before every early
	 * exit. */
	asm volatile("" : : "r"(&packet) : "memory");
	if (!settings)
		return XDP_PASS;
	if (role == ROLE_INNER) {
		struct flight *own = stage_flight();

		flags = FLIGHT_INNER | (own ? own->flags & FLIGHT_FINAL : 0);
	} else {
		context_begin(ctx);
	}
	__u32 generation = *(volatile __u32 *)&settings->generation, half = generation & 1;
	__u64 now_ns = tick_now_ns(settings);
	int verdict = read_headers(ctx, &packet), passed = verdict_pass(ABI_PASS_ADMITTED);

	if (verdict == VERDICT_OPEN)
		to = recall_find(&packet, generation, &entry_id);
	struct abi_counter *row = count_row(entry_id % ABI_ENTRIES);

	if (!row)
		return XDP_PASS;
	if (role != ROLE_INNER) {
		row->received++;
		row->received_bytes += packet.bytes;
	}
	if (to) {
		struct abi_policy *rules = NULL;
		__u32 slot = half * ABI_POLICIES;

		policy_id = to->policy;
		if (policy_id) {
			slot += policy_id % ABI_POLICIES;
			rules = bpf_map_lookup_elem(&policy, &slot);
		}
		passed = judge(&packet, to, rules, slot, now_ns, settings);
		verdict = passed;
		if (verdict < VERDICT_DROP)
			verdict = dispatch(ctx, &packet, to, entry_id, verdict, role, half, now_ns,
					   flags & FLIGHT_FINAL, settings);
		if (to->target == ABI_TARGET_LOCAL && verdict < VERDICT_DROP)
			verdict = shield_local(&packet, to, entry_id, rules, slot, row, verdict,
					       now_ns, settings, role != ROLE_SHARED);
	} else if (verdict == VERDICT_OPEN) {
		verdict = verdict_pass(ABI_PASS_NO_ENTRY);
	} else if (verdict & VERDICT_PASS && verdict != verdict_pass(ABI_PASS_NOT_IP)) {
		verdict = aside(&packet, verdict, generation, role);
	}
	if (role != ROLE_SHARED && verdict >= VERDICT_STAGE) {
		struct flight *own = stage_flight();

		if (own) {
			own->packet = packet;
			own->now_ns = now_ns;
			own->generation = generation;
			own->entry = entry_id;
			own->policy = policy_id;
			own->flags = flags;
			own->verdict = passed;
			stage_call(ctx, verdict & VERDICT_WHY);
		}
		verdict = stage_missing(verdict & VERDICT_WHY, own ? own->why : 0, passed);
	}
	count_verdict(row, verdict);
	capture_packet(ctx, &packet, verdict, entry_id, policy_id);
	if (verdict >= VERDICT_TX)
		return verdict < VERDICT_REDIRECT ? context_tx(ctx) : XDP_REDIRECT;
	if (verdict < VERDICT_DROP)
		return role == ROLE_SHARED ? XDP_PASS : next_or_pass(ctx);
	event_drop(&packet, verdict & VERDICT_WHY, entry_id, policy_id, ctx, now_ns, settings, row);
	return XDP_DROP;
}

SEC(CONTEXT_SECTION)
int ingress(struct xdp_md *ctx)
{
	return decide(ctx, ROLE_FIRST);
}

/* What came out of a tunnel; a stage. */
SEC(CONTEXT_SECTION)
int inner(struct xdp_md *ctx)
{
	return decide(ctx, ROLE_INNER);
}

/*
 * For libxdp's dispatcher, which runs others itself. Without tail calls and without forwarding: the
 * kernel counts both as a change of the packet, and then refuses the program in the place of a stub
 * that makes none.
 */
SEC(CONTEXT_SECTION_ASIDE)
int ingress_shared(struct xdp_md *ctx)
{
	return decide(ctx, ROLE_SHARED);
}

/* The stages that are programs of their own. */
#include "cookie.h"
#include "decap.h"
#include "guard.h"
#include "handoff.h"
#include "icmp.h"
#include "nat.h"

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
