/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef HOP_H
#define HOP_H

/*
 * hop: whether a flow is another node's. Every node computes the same owner from the ring of nodes
 * (service 0), whichever node a router chose. Who is not the owner, or not known to be, goes on in
 * the stage "hop".
 */

#include "choose.h"
#include "verdict.h"

/* VERDICT_OPEN: the flow is ours. The flight's slot and backend tell the node's slot and number. */
static __always_inline int hop_check(const struct packet *packet, __u32 half,
				     const struct abi_control *settings)
{
	__u32 zero = 0;
	struct abi_service *nodes = bpf_map_lookup_elem(&service, &zero);
	struct abi_here *self = bpf_map_lookup_elem(&here, &half);

	if (!nodes || !self)
		return VERDICT_OPEN;
	__u32 rings = *(volatile __u32 *)&nodes->ring;
	__u64 hash = flow_hash(&packet->source, packet->source_port, packet->dest_port,
			       settings->flow_seed);
	__u32 slot = ring_slot(rings, hash), value = choose_in(rings, slot);

	/* No ring, or ours in a slot that nobody else had. */
	if (!value || value == self->self_node)
		return VERDICT_OPEN;
	struct flight_way way = {.hash = hash, .slot = slot, .backend = value & ABI_RING_BACKEND};

	return choose_keep(&way, verdict_stage(ABI_STAGE_HOP));
}

#endif
