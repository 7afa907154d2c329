/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef EVENT_H
#define EVENT_H

/*
 * event: sampled drops for people. At most one per CPU, entry point and gap, so that a flood costs
 * a comparison; on full: the event is lost, the counters are not.
 */

#include "maps.h"
#include "parse.h"

static __always_inline void event_drop(const struct packet *packet, __u32 reason, __u32 entry_id,
				       __u32 policy_id, const struct xdp_md *ctx, __u64 now_ns,
				       const struct abi_control *control, struct abi_counter *row)
{
	if (!control->event_gap_ns || row->event_due_ns > now_ns)
		return;
	row->event_due_ns = now_ns + control->event_gap_ns;

	struct abi_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return;
	*event = (struct abi_event){
		.time_ns = now_ns,
		.source = packet->source,
		.dest = packet->dest,
		.source_port = packet->source_port,
		.dest_port = packet->dest_port,
		.proto = packet->proto,
		.reason = reason,
		.entry = entry_id,
		.policy = policy_id,
		.ifindex = ctx->ingress_ifindex,
	};
	bpf_ringbuf_submit(event, 0);
}

#endif
