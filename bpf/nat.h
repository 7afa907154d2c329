/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef NAT_H
#define NAT_H

/*
 * nat: full translation: a backend sees this machine's address and a port of ours, and answers to
 * us wherever it is: beside the client, behind another router, on this machine's bridge. Two
 * stages: "nat" towards the backend, "answer" back to the client.
 */

#include "context.h"
#include "fib.h"
#include "flow.h"
#include "reset.h"
#include "stage.h"
#include "steer.h"
#include "track.h"
#include "way.h"

enum {
	NAT_V4_MSS = 40, /* bytes of headers that the MSS leaves out */
	NAT_V6_MSS = 60,
	NAT_MSS_MIN = 536,
	NAT_TCP_SYN = 2,
	NAT_TCP_RST = 4,
	NAT_TCP_ENDS = 5, /* FIN or RST */
};

/* A function of its own, because the verifier then proves the loop once. */
__noinline int nat_limit_mss(struct xdp_md *ctx, __u32 at, __u32 limit)
{
	return rewrite_mss((void *)(long)ctx->data, (const void *)(long)ctx->data_end, at, limit);
}

/* Segments that neither side of the translation has to cut. */
static __always_inline void nat_mss(struct xdp_md *ctx, const struct packet *packet, __u32 mtu)
{
	__u32 headers = packet->is_v4 ? NAT_V4_MSS : NAT_V6_MSS;

	if (packet->proto == IPPROTO_TCP && packet->tcp_flags & NAT_TCP_SYN &&
	    mtu >= NAT_MSS_MIN + headers)
		nat_limit_mss(ctx, packet->at, mtu - headers);
}

/* Whether it may be sent on one hop further; how long it may live is a byte of the IP header. */
static __always_inline bool nat_may_hop(const struct xdp_md *ctx, const struct packet *packet)
{
	const __u8 *ttl =
		(const void *)(long)ctx->data + (packet->l3 & 31) +
		(packet->is_v4 ? offsetof(struct iphdr, ttl) : offsetof(struct ipv6hdr, hop_limit));

	return (const void *)(ttl + 1) <= (const void *)(long)ctx->data_end && *ttl > 1;
}

/* The reason goes with the packet to the stage that tells its sender. */
static __always_inline int nat_refuse(struct flight *flight, enum abi_drop why, __u32 mtu)
{
	flight->why = why;
	flight->mtu = mtu;
	return verdict_stage(ABI_STAGE_ICMP);
}

static __always_inline struct flow_want
nat_want(const struct stage *stage, const struct abi_backend *row, const struct abi_here *self)
{
	const struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	struct flow_want want = {
		.key.backend = row->addr,
		.key.backend_port = row->port ? row->port : packet->dest_port,
		.key.proto = packet->proto,
		.ends = rewrite_ends_of(packet),
		.hash = flow_ends_hash(&packet->source, &packet->dest, packet->source_port,
				       packet->dest_port, packet->proto, stage->control->seed),
		.second = flow_second(flight->now_ns),
		.first = self->nat_first,
		.last = self->nat_last,
		.entry = flight->entry,
		.backend = flight->backend,
		/* A segment of a connection that is not known here tells nothing of its state. */
		.may_be_new = !(flight->flags & FLIGHT_LATER) &&
			      (packet->is_syn || packet->proto == IPPROTO_UDP),
	};

	return want;
}

static __always_inline int nat_out(struct xdp_md *ctx, struct stage *stage)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 half = flight->generation & 1, id = flight->backend & ABI_RING_BACKEND;
	struct abi_here *self = bpf_map_lookup_elem(&here, &half);
	struct abi_backend *row = bpf_map_lookup_elem(&backend, &id);

	if (!self || !row)
		return nat_refuse(flight, ABI_DROP_NO_BACKEND, 0);
	const struct abi_addr *node = packet->is_v4 ? &self->v4 : &self->v6;

	if (way_is_v4(&row->addr) != packet->is_v4 || !(node->word[0] | node->word[3]))
		return nat_refuse(flight, ABI_DROP_NO_ROUTE, 0);
	if (!nat_may_hop(ctx, packet))
		return nat_refuse(flight, ABI_DROP_TTL, 0);
	if (row->mtu && context_wire_bytes(ctx, packet, 0) > row->mtu)
		return nat_refuse(flight, ABI_DROP_TOO_BIG, row->mtu);

	struct flow_want want = nat_want(stage, row, self);

	switch (flow_of_client(&want, packet->tcp_flags)) {
	case FLOW_NO_PORT:
		return verdict_drop(ABI_DROP_NO_PORT);
	case FLOW_NONE:
		if (flight->flags & FLIGHT_LATER)
			return verdict_drop(ABI_DROP_FRAGMENT_LOST);
		return packet->tcp_flags & NAT_TCP_RST ? verdict_drop(ABI_DROP_NO_FLOW)
						       : reset_answer(ctx, packet);
	default:
		break;
	}
	struct rewrite_ends to = {*node, row->addr, want.key.node_port, want.key.backend_port};

	nat_mss(ctx, packet, row->mtu);
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + sizeof(struct ethhdr) > end ||
	    !rewrite_packet(data, end, packet, &want.ends, &to, flight->flags & FLIGHT_LATER))
		return verdict_drop(ABI_DROP_MALFORMED);
	way_write(data, row);
	if (!(flight->flags & FLIGHT_LATER))
		context_seal(ctx, packet->l3, packet->at, packet->proto);
	return way_send(ctx, packet, row, ABI_SEND_FORWARDED);
}

SEC(CONTEXT_SECTION)
int nat(struct xdp_md *ctx)
{
	struct stage stage;

	if (!stage_begin(&stage))
		return XDP_PASS;
	int verdict = nat_out(ctx, &stage);

	if (verdict & VERDICT_STAGE) {
		stage_call(ctx, ABI_STAGE_ICMP);
		verdict = verdict_drop(stage.flight->why);
	}
	return stage_end(ctx, &stage, verdict);
}

/* What a backend's packet was translated from. */
static __always_inline struct abi_flow *nat_flow_of(const struct packet *packet,
						    struct abi_flow_key *ret_key, bool *ret_is_new)
{
	*ret_key = (struct abi_flow_key){
		.backend = packet->source,
		.backend_port = packet->source_port,
		.node_port = packet->dest_port,
		.proto = packet->proto,
	};
	return flow_at(ret_key, ret_is_new);
}

/* The backend ends a connection, which may be counted. */
static __always_inline void nat_end(const struct abi_flow *of, __u8 tcp_flags,
				    const struct flight *flight)
{
	struct abi_entry *to = steer_entry(of->entry, flight->generation & 1);

	if (to && to->flags & ABI_ENTRY_TRACK)
		track_backend(of, tcp_flags, flight->now_ns);
}

static __always_inline int nat_back(struct xdp_md *ctx, struct stage *stage)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	struct abi_flow_key key;
	struct fib_way way = {};
	bool is_new;
	struct abi_flow *found = nat_flow_of(packet, &key, &is_new);

	/* The stack answers, if there is anything to say: a reset makes the backend forget, too. */
	if (!found)
		return verdict_pass(ABI_PASS_NO_ENTRY);
	struct rewrite_ends from = rewrite_ends_of(packet);
	struct rewrite_ends to = {found->vip, found->client, found->vip_port, found->client_port};

	flight->entry = found->entry;
	flight->backend = found->backend;
	stage->row = count_row(found->entry % ABI_ENTRIES) ?: stage->row;
	flow_note(found, &key, is_new, true, packet->tcp_flags, flow_second(flight->now_ns));
	if (packet->tcp_flags & NAT_TCP_ENDS)
		nat_end(found, packet->tcp_flags, flight);
	if (!nat_may_hop(ctx, packet))
		return nat_refuse(flight, ABI_DROP_TTL, 0);
	int verdict = fib_find(ctx, &to.source, &to.dest, packet->is_v4, packet->proto,
			       context_wire_bytes(ctx, packet, 0), &way);

	if (verdict == verdict_drop(ABI_DROP_TOO_BIG))
		return nat_refuse(flight, ABI_DROP_TOO_BIG, way.mtu);
	if (verdict == verdict_drop(ABI_DROP_NO_NEIGHBOUR)) {
		flight->backend = 0; /* it is the client's that is missing */
		flight->packet.source = to.dest;
		return nat_refuse(flight, ABI_DROP_NO_NEIGHBOUR, 0);
	}
	if (verdict != VERDICT_OPEN)
		return verdict;
	nat_mss(ctx, packet, way.mtu);
	if (!rewrite_packet((void *)(long)ctx->data, (const void *)(long)ctx->data_end, packet,
			    &from, &to, flight->flags & FLIGHT_LATER))
		return verdict_drop(ABI_DROP_MALFORMED);
	if (!(flight->flags & FLIGHT_LATER))
		context_seal(ctx, packet->l3, packet->at, packet->proto);
	return fib_send(ctx, packet, &way, ABI_SEND_RETURNED);
}

SEC(CONTEXT_SECTION)
int answer(struct xdp_md *ctx)
{
	struct stage stage;

	if (!stage_begin(&stage))
		return XDP_PASS;
	int verdict = nat_back(ctx, &stage);

	if (verdict & VERDICT_STAGE) {
		stage_call(ctx, ABI_STAGE_ICMP);
		verdict = verdict_drop(stage.flight->why);
	}
	return stage_end(ctx, &stage, verdict);
}

#endif
