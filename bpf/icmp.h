/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ICMP_H
#define ICMP_H

/*
 * icmp: a stage for packets of ICMP, and for packets of which an ICMP error tells.
 *
 * An error quotes the packet that it is about. Read the other way round, its ends are those of the
 * flow, and the error goes where the flow goes: to the backend as it is (DSR), with the quoted
 * packet translated back (NAT), or from a backend's side to the client. Path MTU discovery lives
 * on that. An error about a flow that is not forwarded here passes.
 */

#include "forward.h"
#include "hop.h"
#include "icmp_make.h"
#include "icmp_quote.h"
#include "nat.h"
#include "steer.h"

/* To a backend that sees this machine's address and a port of ours. */
static __always_inline int icmp_to_nat(struct xdp_md *ctx, struct stage *stage,
				       struct flight_quote *quote, const struct abi_backend *row,
				       const struct abi_here *self)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	const struct packet *flow = &quote->flow;
	const struct abi_addr *node = packet->is_v4 ? &self->v4 : &self->v6;
	struct flow_want want = {
		.key.backend = row->addr,
		.key.backend_port = row->port ? row->port : flow->dest_port,
		.key.proto = flow->proto,
		.ends = rewrite_ends_of(flow),
		.hash = flow_ends_hash(&flow->source, &flow->dest, flow->source_port,
				       flow->dest_port, flow->proto, stage->control->seed),
		.first = self->nat_first,
		.last = self->nat_last,
	};
	bool is_new;

	if (!flow_look(&want, &want.key, &is_new))
		return verdict_drop(ABI_DROP_NO_FLOW);
	struct rewrite_ends inner[2] = {
		{flow->dest, flow->source, flow->dest_port, flow->source_port},
		{row->addr, *node, want.key.backend_port, want.key.node_port}};
	struct rewrite_ends outer[2] = {{packet->source, packet->dest, 0, 0},
					{*node, row->addr, 0, 0}};

	if (!icmp_rewrite(ctx, packet, quote, inner, outer))
		return verdict_drop(ABI_DROP_MALFORMED);
	if ((void *)(long)ctx->data + sizeof(struct ethhdr) > (void *)(long)ctx->data_end)
		return verdict_drop(ABI_DROP_MALFORMED);
	way_write((void *)(long)ctx->data, row);
	return way_send(ctx, packet, row, ABI_SEND_ICMP_FORWARDED);
}

/* From the side of a backend, about a packet that we translated: to the client. */
static __always_inline int icmp_to_client(struct xdp_md *ctx, struct stage *stage,
					  struct flight_quote *quote)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	const struct packet *flow = &quote->flow;
	struct abi_flow_key key;
	struct fib_way way = {};
	bool is_new;
	/* Changed over, the quoted packet reads like the backend's answer. */
	struct abi_flow *found = nat_flow_of(flow, &key, &is_new);

	if (!found)
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	struct rewrite_ends inner[2] = {
		{flow->dest, flow->source, flow->dest_port, flow->source_port},
		{found->client, found->vip, found->client_port, found->vip_port}};
	struct rewrite_ends outer[2] = {{packet->source, packet->dest, 0, 0},
					{found->vip, found->client, 0, 0}};

	flight->entry = found->entry;
	stage->row = count_row(found->entry % ABI_ENTRIES) ?: stage->row;
	int verdict = fib_find(ctx, &outer[1].source, &outer[1].dest, packet->is_v4, packet->proto,
			       context_wire_bytes(ctx, packet, 0), &way);

	if (verdict != VERDICT_OPEN)
		return verdict;
	if (!icmp_rewrite(ctx, packet, quote, inner, outer))
		return verdict_drop(ABI_DROP_MALFORMED);
	return fib_send(ctx, packet, &way, ABI_SEND_ICMP_FORWARDED);
}

/* To the backend that owns the flow. */
static __always_inline int icmp_to_backend(struct xdp_md *ctx, struct stage *stage,
					   struct flight_quote *quote, const struct abi_entry *to,
					   __u32 entry_id, const struct abi_here *self)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 service_id = to->service % ABI_SERVICES;
	struct abi_service *from = bpf_map_lookup_elem(&service, &service_id);
	struct flight_way way = {};

	if (!from)
		return verdict_drop(ABI_DROP_NO_BACKEND);
	__u32 id = choose_backend(ctx, &quote->flow, from, service_id, entry_id, flight->now_ns,
				  &way, stage->control);
	struct abi_backend *row = choose_row(id);

	if (!id || !row)
		return verdict_drop(ABI_DROP_NO_BACKEND);
	if (row->is_here && row->mode != ABI_MODE_NAT)
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	int fault = way_check(ctx, row, flight->now_ns);

	if (fault)
		return verdict_drop(fault == ABI_HOP_NO_NEIGHBOUR ? ABI_DROP_NO_NEIGHBOUR
								  : ABI_DROP_NO_ROUTE);
	if (row->mode == ABI_MODE_NAT)
		return icmp_to_nat(ctx, stage, quote, row, self);
	__u32 more = way_more(row);

	/* No error is told of an error. */
	if (push_check(ctx, packet, row, more, &way) != VERDICT_OPEN)
		return verdict_drop(way.why);
	return push_send(ctx, packet, row, self, more, way.hash, ABI_SEND_ICMP_FORWARDED);
}

static __always_inline bool icmp_is_self(const struct packet *packet, const struct abi_here *self)
{
	return flow_same_addr(&packet->dest, packet->is_v4 ? &self->v4 : &self->v6);
}

static __always_inline int icmp_follow(struct xdp_md *ctx, struct stage *stage)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 half = flight->generation & 1, entry_id = 0;
	struct abi_here *self = bpf_map_lookup_elem(&here, &half);
	struct flight_quote *quote = &flight->quote;

	if (!self || !icmp_read_quote(ctx, packet, quote))
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	if (icmp_is_self(packet, self))
		return icmp_to_client(ctx, stage, quote);
	/* About a packet of ours, and sent to where it came from. */
	if (!flow_same_addr(&packet->dest, &quote->flow.dest))
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	struct abi_entry *to = steer_find(&quote->flow, half, &entry_id);

	if (!to)
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	flight->entry = entry_id;
	stage->row = count_row(entry_id % ABI_ENTRIES) ?: stage->row;
	if (to->flags & ABI_ENTRY_SPREAD && !(flight->flags & FLIGHT_FINAL)) {
		int verdict = hop_check(&quote->flow, half, stage->control);

		if (verdict != VERDICT_OPEN)
			return verdict;
	}
	if (to->target != ABI_TARGET_SERVICE)
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	return icmp_to_backend(ctx, stage, quote, to, entry_id, self);
}

static __always_inline int icmp_of_wire(struct xdp_md *ctx, struct stage *stage)
{
	const struct packet *packet = &stage->flight->packet;
	__u32 half = stage->flight->generation & 1, at = packet->at, index;
	const __u8 *type = (const void *)(long)ctx->data + parse_within(at);
	struct abi_entry *found;

	if ((const void *)(type + PARSE_ICMP_BYTES) > (const void *)(long)ctx->data_end)
		return verdict_drop(ABI_DROP_MALFORMED);
	if (icmp_is_error(packet, *type))
		return icmp_follow(ctx, stage);
	if (*type != (packet->is_v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) || packet->is_fragment)
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	found = steer_vip(&packet->dest, 0, packet->proto, half, stage->control->seed, &index);
	if (!found || found->target != ABI_TARGET_ECHO)
		return verdict_pass(ABI_PASS_OTHER_PROTO);
	if (!icmp_make_may(ICMP_MAKE_ECHO, stage->flight->now_ns))
		return verdict_drop(ABI_DROP_ICMP_LIMIT);
	return icmp_make_echo(ctx, packet);
}

/* What becomes of a packet that cannot go on. */
static __always_inline int icmp_of_fault(struct xdp_md *ctx, struct stage *stage)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 half = flight->generation & 1, id = flight->backend & ABI_RING_BACKEND;
	struct abi_here *self = bpf_map_lookup_elem(&here, &half);
	struct abi_backend *row = bpf_map_lookup_elem(&backend, &id);

	if (flight->why == ABI_DROP_NO_NEIGHBOUR) {
		if (!self || !row || !icmp_make_may(ICMP_MAKE_RESOLVE, flight->now_ns))
			return verdict_drop(ABI_DROP_NO_NEIGHBOUR);
		return icmp_make_resolve(ctx, packet, id ? &row->addr : &packet->source, self);
	}
	/* RFC 1122 3.2.2: only the first fragment is told of. */
	if (flight->flags & FLIGHT_LATER)
		return verdict_drop(flight->why);
	if (flight->why == ABI_DROP_NO_BACKEND && packet->proto == IPPROTO_TCP)
		return packet->is_syn ? reset_answer(ctx, packet)
				      : verdict_drop(ABI_DROP_NO_BACKEND);
	return icmp_make_error(ctx, packet, flight->why, flight->mtu, flight->now_ns);
}

SEC(CONTEXT_SECTION)
int icmp(struct xdp_md *ctx)
{
	struct stage stage;
	int verdict;

	if (!stage_begin(&stage))
		return XDP_PASS;
	if (stage.flight->why)
		verdict = icmp_of_fault(ctx, &stage);
	else
		verdict = icmp_of_wire(ctx, &stage);
	if (verdict & VERDICT_STAGE) {
		stage_call(ctx, verdict & VERDICT_WHY);
		verdict = verdict_drop(ABI_DROP_NO_STAGE);
	}
	return stage_end(ctx, &stage, verdict);
}

#endif
