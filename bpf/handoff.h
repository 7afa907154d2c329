/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef HANDOFF_H
#define HANDOFF_H

/*
 * handoff: the stage "hop": gives a packet to the node that owns its flow, in a GUE tunnel, client
 * address and all; that node answers the client itself.
 *
 * The owner follows from the ring of nodes. In slots that changed hands, a flow may still live
 * where it was: a node that is given a segment of a connection that it does not know hands it on,
 * once, to the owner by the ring before (the source port of the tunnel says that nobody else is to
 * be asked). So a change of the set costs no flow of the nodes that stay, and no node keeps a table
 * of others' flows. New connections are never handed on.
 */

#include "hop.h"
#include "nat.h"
#include "push.h"
#include "stage.h"
#include "steer.h"

enum { HANDOFF_LISTEN = 10 /* BPF_TCP_LISTEN */ };

static __always_inline struct abi_node *handoff_node(__u32 id)
{
	id %= ABI_NODES;
	return bpf_map_lookup_elem(&node, &id);
}

/* A socket of this machine that has the connection. */
static __always_inline bool handoff_has_socket(struct xdp_md *ctx, const struct packet *flow)
{
	struct bpf_sock_tuple ends = {};
	__u32 bytes = flow->is_v4 ? sizeof(ends.ipv4) : sizeof(ends.ipv6);

	if (flow->is_v4) {
		ends.ipv4.saddr = flow->source.word[3];
		ends.ipv4.daddr = flow->dest.word[3];
		ends.ipv4.sport = flow->source_port;
		ends.ipv4.dport = flow->dest_port;
	} else {
		__builtin_memcpy(ends.ipv6.saddr, &flow->source, sizeof(ends.ipv6.saddr));
		__builtin_memcpy(ends.ipv6.daddr, &flow->dest, sizeof(ends.ipv6.daddr));
		ends.ipv6.sport = flow->source_port;
		ends.ipv6.dport = flow->dest_port;
	}
	struct bpf_sock *found = bpf_skc_lookup_tcp(ctx, &ends, bytes, BPF_F_CURRENT_NETNS, 0);

	if (!found)
		return false;
	bool is_listener = found->state == HANDOFF_LISTEN;

	bpf_sk_release(found);
	return !is_listener;
}

/* Whether a connection that is translated is known here. */
static __always_inline bool handoff_has_flow(struct xdp_md *ctx, struct stage *stage,
					     const struct packet *flow, const struct abi_entry *to)
{
	struct flight *flight = stage->flight;
	__u32 half = flight->generation & 1, service_id = to->service % ABI_SERVICES;
	struct abi_service *from = bpf_map_lookup_elem(&service, &service_id);
	struct abi_here *self = bpf_map_lookup_elem(&here, &half);
	struct flight_way way = {};
	bool is_new;

	if (!from || !self)
		return true;
	__u32 id = choose_backend(ctx, flow, from, service_id, flight->entry, flight->now_ns, &way,
				  stage->control);
	struct abi_backend *row = choose_row(id);

	/* Tunnels and link addresses need no memory of flows: any node does. */
	if (!row || row->mode != ABI_MODE_NAT)
		return true;
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

	return flow_look(&want, &want.key, &is_new);
}

static __always_inline bool handoff_is_known(struct xdp_md *ctx, struct stage *stage,
					     const struct packet *flow)
{
	struct abi_entry *to = steer_entry(stage->flight->entry, stage->flight->generation & 1);

	if (!to || flow->proto != IPPROTO_TCP || flow->is_syn)
		return true;
	if (to->target == ABI_TARGET_LOCAL)
		return handoff_has_socket(ctx, flow);
	return handoff_has_flow(ctx, stage, flow, to);
}

/* The node to give it to, 0: it stays here. */
static __always_inline __u32 handoff_choose(struct xdp_md *ctx, struct stage *stage,
					    const struct packet *flow, __u32 self_node)
{
	struct flight *flight = stage->flight;
	__u32 owner = flight->backend & ABI_RING_BACKEND, zero = 0;
	struct abi_service *nodes = bpf_map_lookup_elem(&service, &zero);
	__u64 hash = flight->hash;

	if (!(flight->flags & FLIGHT_INNER) && owner != self_node)
		return owner;
	/* It was given to us, or is ours since the last change: if it is not known here... */
	if (!nodes || handoff_is_known(ctx, stage, flow))
		return 0;
	flight->flags |= FLIGHT_FINAL;
	if (owner != self_node)
		return owner;
	__u32 before = nodes->ring_before;

	owner = choose_in(before, ring_slot(before, hash)) & ABI_RING_BACKEND;
	return before && owner != self_node ? owner : 0;
}

/* The tunnel's source port says that nobody else is to be asked. */
static __always_inline void handoff_mark(struct xdp_md *ctx, bool is_v4)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct udphdr *udp = data + vlan_bytes(data, end) +
			     (is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

	if ((void *)(udp + 1) <= end)
		udp->source &= bpf_htons((__u16) ~(ABI_GUE_FIRST ^ ABI_GUE_AGAIN));
}

static __always_inline int handoff_send(struct xdp_md *ctx, struct stage *stage,
					struct abi_backend *way, const struct abi_here *self)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	bool is_final = flight->flags & FLIGHT_FINAL;
	int fault = way_check(ctx, way, flight->now_ns);

	if (fault == ABI_HOP_NO_NEIGHBOUR) {
		flight->backend = 0; /* it is a node's that is missing */
		flight->packet.source = way->addr;
		return nat_refuse(flight, ABI_DROP_NO_NEIGHBOUR, 0);
	}
	if (fault)
		return verdict_drop(ABI_DROP_NO_ROUTE);
	__u32 more = way_more(way);
	struct flight_way found = {};
	int verdict = push_check(ctx, packet, way, more, &found);

	flight->why = found.why;
	flight->mtu = found.mtu;
	if (verdict != VERDICT_OPEN)
		return packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP
			       ? verdict
			       : verdict_drop(flight->why); /* no error is told of an error */
	verdict = push_send(ctx, packet, way, self, more, flight->hash, ABI_SEND_NODE);
	if (is_final)
		handoff_mark(ctx, way_is_v4(&way->addr));
	return verdict;
}

SEC(CONTEXT_SECTION)
int hop(struct xdp_md *ctx)
{
	struct stage stage;
	int verdict;

	if (!stage_begin(&stage))
		return XDP_PASS;
	struct flight *flight = stage.flight;
	__u32 half = flight->generation & 1;
	struct abi_here *self = bpf_map_lookup_elem(&here, &half);
	bool has_ports = flight->packet.proto == IPPROTO_TCP || flight->packet.proto == IPPROTO_UDP;
	__u32 to = self ? handoff_choose(ctx, &stage,
					 has_ports ? &flight->packet : &flight->quote.flow,
					 self->self_node)
			: 0;
	struct abi_node *whose = handoff_node(to);

	if (!to || !self || !whose || whose->way.state == ABI_BACKEND_DEAD) {
		flight->flags |= FLIGHT_FINAL;
		stage_call(ctx, ABI_STAGE_INNER);
		verdict = verdict_drop(ABI_DROP_NO_STAGE);
	} else {
		verdict = handoff_send(ctx, &stage, &whose->way, self);
	}
	if (verdict & VERDICT_STAGE) {
		stage_call(ctx, verdict & VERDICT_WHY);
		verdict = verdict_drop(flight->why);
	}
	return stage_end(ctx, &stage, verdict);
}

#endif
