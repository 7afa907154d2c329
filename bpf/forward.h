/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef FORWARD_H
#define FORWARD_H

/* forward: from a service to a backend: choose, count, find the way, send. */

#include "choose.h"
#include "push.h"
#include "stage.h"
#include "track.h"
#include "way.h"

static __always_inline void forward_count(const struct packet *packet, __u32 service_id,
					  __u32 backend_id, bool is_fault)
{
	struct abi_service_stat *of_service = bpf_map_lookup_elem(&service_stat, &service_id);
	struct abi_backend_stat *of_backend = bpf_map_lookup_elem(&backend_stat, &backend_id);

	if (!of_service || !of_backend)
		return;
	of_service->packets++;
	of_service->bytes += packet->bytes;
	of_backend->packets++;
	of_backend->bytes += packet->bytes;
	if (packet->is_syn) {
		of_service->flows++;
		of_backend->flows++;
	}
	if (is_fault)
		of_backend->faults++;
}

/* The stage tells the sender, or helps to make it work the next time. */
static __always_inline int forward_refuse(struct flight_way *way, enum abi_drop why)
{
	way->why = why;
	way->mtu = 0;
	return choose_keep(way, verdict_stage(ABI_STAGE_ICMP));
}

/* Whether it opens one connection too many; those of trusted sources are not counted. */
static __always_inline bool forward_is_over(const struct packet *packet, const struct abi_entry *to,
					    __u32 entry_id, bool both_ways, int passed, __u32 half,
					    __u64 now_ns)
{
	if (!(to->flags & ABI_ENTRY_TRACK) || passed != verdict_pass(ABI_PASS_ADMITTED))
		return false;
	return !track_allows(packet, entry_id, half * ABI_POLICIES + to->policy % ABI_POLICIES,
			     both_ways, now_ns);
}

static __always_inline int forward(struct xdp_md *ctx, const struct packet *packet,
				   const struct abi_entry *to, __u32 entry_id, int passed,
				   __u32 half, __u64 now_ns, const struct abi_control *settings)
{
	__u32 service_id = to->service % ABI_SERVICES;
	struct abi_service *from = bpf_map_lookup_elem(&service, &service_id);
	struct flight_way way = {};

	if (!from)
		return verdict_drop(ABI_DROP_NO_BACKEND);
	/* Out of reach for packets of the other family: the local proxy's, if it listens. */
	if (!(from->families >> !packet->is_v4 & 1))
		return forward_is_over(packet, to, entry_id, false, passed, half, now_ns)
			       ? verdict_drop(ABI_DROP_CONNECTIONS)
			       : passed;
	__u32 id = choose_backend(ctx, packet, from, service_id, entry_id, now_ns, &way, settings);
	struct abi_backend *row = choose_row(id);

	if (!id || !row)
		return forward_refuse(&way, ABI_DROP_NO_BACKEND);
	if (forward_is_over(packet, to, entry_id, row->mode == ABI_MODE_NAT, passed, half, now_ns))
		return verdict_drop(ABI_DROP_CONNECTIONS);
	if (row->is_here && row->mode != ABI_MODE_NAT) {
		forward_count(packet, service_id, id, false);
		return passed;
	}
	int fault = way_check(ctx, row, now_ns);

	forward_count(packet, service_id, id, fault);
	if (fault)
		return forward_refuse(&way, fault == ABI_HOP_NO_NEIGHBOUR ? ABI_DROP_NO_NEIGHBOUR
									  : ABI_DROP_NO_ROUTE);
	if (row->mode == ABI_MODE_NAT)
		return choose_keep(&way, verdict_stage(ABI_STAGE_NAT));
	__u32 more = way_more(row);
	int verdict = push_check(ctx, packet, row, more, &way);

	if (verdict & VERDICT_STAGE)
		return choose_keep(&way, verdict);
	if (verdict != VERDICT_OPEN)
		return verdict;
	struct abi_here *self = more ? bpf_map_lookup_elem(&here, &half) : NULL;

	return push_send(ctx, packet, row, self, more, way.hash, ABI_SEND_FORWARDED);
}

#endif
