/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef FRAGMENT_H
#define FRAGMENT_H

/*
 * fragment: datagrams in pieces, of services. A stage for the later ones.
 *
 * The first fragment has the ports and goes like a whole packet; on its way fragment_note() writes
 * down where. Later ones go where it went, for FRAGMENT_LIFE_NS and as long as the table holds it;
 * one that comes before the first is dropped, and so is one that overlaps another (RFC 5722). A
 * flood of fragments costs the table's oldest, never a flow. Fragments for this machine itself
 * pass: the stack puts them together.
 */

#include "forward.h"
#include "fragment_span.h"
#include "hop.h"
#include "stage.h"
#include "steer.h"

#define FRAGMENT_LIFE_NS 2000000000ULL

/* Of a fragment, both families alike. */
struct fragment_place {
	__be32 id;
	__u32 from, bytes; /* of the datagram's payload: offset in units of eight bytes, length */
	__u8 proto;
	bool is_last;
};

/* IPv6: the fragment header must be the first one. */
static __always_inline bool fragment_read(const struct xdp_md *ctx, __u32 l3, bool is_v4,
					  struct fragment_place *ret)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	const void *at = data + (l3 & 31);

	if (is_v4) {
		const struct iphdr *ip = at;

		if ((const void *)(ip + 1) > end)
			return false;
		ret->id = ip->id;
		ret->from = bpf_ntohs(ip->frag_off) & PARSE_V4_OFFSET;
		ret->bytes = bpf_ntohs(ip->tot_len) - ip->ihl * 4;
		ret->proto = ip->protocol;
		ret->is_last = !(ip->frag_off & bpf_htons(PARSE_V4_MORE));
	} else {
		const struct ipv6hdr *ip = at;
		const struct parse_ext *ext = (const void *)(ip + 1);

		if ((const void *)(ext + 1) > end || ip->nexthdr != IPPROTO_FRAGMENT)
			return false;
		ret->id = ext->id;
		ret->from = bpf_ntohs(ext->fragment) >> 3;
		ret->bytes = bpf_ntohs(ip->payload_len) - sizeof(*ext);
		ret->proto = ext->next;
		ret->is_last = !(ext->fragment & bpf_htons(PARSE_V6_MORE));
	}
	/* All but the last are whole units; none is beyond the largest datagram. */
	return ret->bytes && ret->bytes <= 0xffff && (ret->is_last || !(ret->bytes & 7)) &&
	       ret->from * 8 + ret->bytes <= 0xffff;
}

/*
 * Writes down where a first fragment goes. VERDICT_OPEN: go on. A function of its own: rarely
 * called.
 */
__noinline int fragment_note(struct xdp_md *ctx, const struct packet *packet, __u64 now_ns,
			     __u32 is_answer)
{
	struct fragment_place place = {};

	if (!packet || !fragment_read(ctx, packet->l3, packet->is_v4, &place))
		return verdict_drop(ABI_DROP_TINY_FRAGMENT);
	struct abi_fragment_key key = {
		.source = packet->source,
		.dest = packet->dest,
		.id = place.id,
		.proto = place.proto,
	};
	struct abi_fragment made = {
		.until_ns = now_ns + FRAGMENT_LIFE_NS,
		.source_port = packet->source_port,
		.dest_port = packet->dest_port,
		.is_answer = is_answer,
	};
	struct abi_fragment *found = bpf_map_lookup_elem(&fragment, &key);

	fragment_begin(&made, place.bytes / 8);
	/* A second beginning of the same datagram: the same again, or somebody's trick. */
	if (found && found->until_ns > now_ns &&
	    (!found->is_whole || found->hole_from != found->hole_to)) {
		if (found->first_end != made.first_end || found->source_port != made.source_port ||
		    found->dest_port != made.dest_port)
			return verdict_drop(ABI_DROP_FRAGMENT_OVERLAP);
		return VERDICT_OPEN;
	}
	bpf_map_update_elem(&fragment, &key, &made, BPF_ANY);
	return VERDICT_OPEN;
}

/* A fragment that follows no first one: of a service's address it would reach nobody. */
static __always_inline int fragment_stray(const struct stage *stage)
{
	const struct packet *packet = &stage->flight->packet;
	__u32 half = stage->flight->generation & 1, index;
	struct abi_entry *found =
		steer_vip(&packet->dest, 0, packet->is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, half,
			  stage->control->seed, &index);

	return found && found->target == ABI_TARGET_ECHO ? verdict_drop(ABI_DROP_FRAGMENT_LOST)
							 : verdict_pass(ABI_PASS_FRAGMENT);
}

/* Gives a later fragment the ports of its first one. */
static __always_inline int fragment_join(const struct xdp_md *ctx, struct stage *stage,
					 bool *ret_is_answer)
{
	struct flight *flight = stage->flight;
	struct packet *packet = &flight->packet;
	struct fragment_place place = {};

	if (!fragment_read(ctx, packet->l3, packet->is_v4, &place))
		return fragment_stray(stage);
	struct abi_fragment_key key = {
		.source = packet->source,
		.dest = packet->dest,
		.id = place.id,
		.proto = place.proto,
	};
	struct abi_fragment *found = bpf_map_lookup_elem(&fragment, &key);

	if (!found || found->until_ns < flight->now_ns)
		return fragment_stray(stage);
	if (fragment_follow(found, place.from, place.from + (place.bytes + 7) / 8, place.is_last) !=
	    FRAGMENT_FOLLOWS)
		return verdict_drop(ABI_DROP_FRAGMENT_OVERLAP);
	packet->source_port = found->source_port;
	packet->dest_port = found->dest_port;
	packet->proto = place.proto;
	packet->tcp_flags = 0;
	packet->is_syn = false;
	flight->flags |= FLIGHT_LATER;
	*ret_is_answer = found->is_answer;
	return VERDICT_OPEN;
}

/* The way of a whole packet, from the entry on. */
static __always_inline int fragment_go(struct xdp_md *ctx, struct stage *stage)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 half = flight->generation & 1, index = 0;
	bool is_answer = false;
	int verdict = fragment_join(ctx, stage, &is_answer);

	if (verdict != VERDICT_OPEN)
		return verdict;
	if (is_answer)
		return verdict_stage(ABI_STAGE_ANSWER);
	struct abi_entry *to = steer_find(packet, half, &index);

	if (!to)
		return verdict_pass(ABI_PASS_FRAGMENT);
	flight->entry = index;
	stage->row = count_row(index % ABI_ENTRIES) ?: stage->row;
	if (to->flags & ABI_ENTRY_SPREAD && !(flight->flags & FLIGHT_FINAL)) {
		verdict = hop_check(packet, half, stage->control);
		if (verdict != VERDICT_OPEN)
			return verdict;
	}
	if (to->target != ABI_TARGET_SERVICE)
		return verdict_pass(ABI_PASS_FRAGMENT);
	return forward(ctx, packet, to, index, verdict_pass(ABI_PASS_FRAGMENT), half,
		       flight->now_ns, stage->control);
}

SEC(CONTEXT_SECTION)
int fragment_stage(struct xdp_md *ctx)
{
	struct stage stage;

	if (!stage_begin(&stage))
		return XDP_PASS;
	int verdict = fragment_go(ctx, &stage);

	if (verdict & VERDICT_STAGE) {
		stage_call(ctx, verdict & VERDICT_WHY);
		verdict = verdict_drop(ABI_DROP_NO_STAGE);
	}
	return stage_end(ctx, &stage, verdict);
}

#endif
