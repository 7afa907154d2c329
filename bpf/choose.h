/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CHOOSE_H
#define CHOOSE_H

/*
 * choose: which backend a packet's flow belongs to.
 *
 * The ring alone says so, without memory of flows: a table of them would be most of a packet's cost
 * and the first thing that a flood fills. Only slots whose owner changed bear a mark, and only
 * their flows are looked up in "stick": a flow from before the change stays where it was as long as
 * that backend lives, a new one goes to the new owner, and both are written down so that they stay
 * apart. How many are written is limited per tick and CPU; what is not follows the ring that its
 * kind of packet belongs to.
 */

#include "flight.h"
#include "flow_hash.h"
#include "maps.h"
#include "vip_key.h"

enum {
	CHOOSE_STICKS_PER_TICK = 64,
	CHOOSE_OTHERS_PER_TICK = 32, /* of those, for what is no SYN: anybody can make it up */
	CHOOSE_SEEN_NS = 1000000000, /* seen_ns is not renewed more often */
	CHOOSE_QUIC_LONG = 0x80,     /* RFC 8999 5.1 */
	CHOOSE_QUIC_UNROUTABLE = 7,
};

static __always_inline __u32 choose_in(__u32 of_ring, __u32 slot)
{
	__u32 at = (of_ring >> 2) + slot / ABI_RING_SLOTS;
	struct abi_ring_line *line = of_ring ? bpf_map_lookup_elem(&ring, &at) : NULL;

	return line ? line->slot[slot % ABI_RING_SLOTS] : 0;
}

static __always_inline struct abi_backend *choose_row(__u32 id)
{
	id &= ABI_RING_BACKEND;
	return bpf_map_lookup_elem(&backend, &id);
}

/* Whether one more flow may be written down on this CPU in this tick. */
static __always_inline bool choose_may_stick(struct flight *flight, bool is_syn)
{
	if (flight->stick_tick_ns != flight->now_ns) {
		flight->stick_tick_ns = flight->now_ns;
		flight->n_sticks = 0;
	}
	if (flight->n_sticks >= (is_syn ? CHOOSE_STICKS_PER_TICK : CHOOSE_OTHERS_PER_TICK))
		return false;
	flight->n_sticks++;
	return true;
}

static __always_inline bool choose_stick(struct flight *flight, const struct abi_stick_key *key,
					 __u32 id, bool is_syn, struct abi_service_stat *stat)
{
	struct abi_backend *row = choose_row(id);
	struct abi_stick value = {
		.seen_ns = flight->now_ns,
		.backend = id,
		.tag = row ? row->tag : 0,
		.service = flight->service,
		.slot = flight->slot,
	};

	if (!choose_may_stick(flight, is_syn)) {
		stat->stick_limit++;
		return false;
	}
	stat->sticks++;
	return !bpf_map_update_elem(&stick, key, &value, BPF_ANY);
}

/*
 * A flow of a marked slot: flight has its entry, service, slot, backend (the ring's) and time. A
 * function of its own: rarely called.
 */
__noinline __u32 choose_marked(const struct packet *packet, struct flight *flight,
			       __u32 ring_before, __u32 slot_before)
{
	if (!packet || !flight)
		return 0;
	__u32 owner = flight->backend, service_id = flight->service, keep = 0;
	__u32 old = choose_in(ring_before, slot_before) & ABI_RING_BACKEND;
	struct abi_service_stat *stat = bpf_map_lookup_elem(&service_stat, &service_id);
	struct abi_stick_key key = {
		.source = packet->source,
		.source_port = packet->source_port,
		.dest_port = packet->dest_port,
		.entry = flight->entry,
		.proto = packet->proto,
	};
	struct abi_stick *found = bpf_map_lookup_elem(&stick, &key);
	struct abi_backend *row;

	if (!stat)
		return owner;
	if (packet->is_syn) {
		/* A new connection, of a port that was used before perhaps: never to an old place.
		 */
		if ((found && found->backend != owner) || (!found && old && old != owner)) {
			row = choose_row(old);
			/* Not written down, its next packets would be taken for an old flow's. */
			if (!choose_stick(flight, &key, owner, true, stat) && !found && row &&
			    row->state != ABI_BACKEND_DEAD)
				return old;
		}
		return owner;
	}
	if (found) {
		row = choose_row(found->backend);
		if (row && row->mode && row->tag == found->tag && row->state != ABI_BACKEND_DEAD) {
			if (flight->now_ns - found->seen_ns > CHOOSE_SEEN_NS)
				found->seen_ns = flight->now_ns;
			return found->backend;
		}
	} else {
		if (!old || old == owner)
			return owner;
		row = choose_row(old);
		if (row && row->state != ABI_BACKEND_DEAD)
			keep = old;
	}
	/* A connection that moves ends; datagrams go on, and must not return when that backend is
	 * back. */
	if (keep || packet->proto != IPPROTO_TCP)
		choose_stick(flight, &key, keep ?: owner, false, stat);
	if (keep)
		return keep;
	stat->moved++;
	return owner;
}

/*
 * The backend that a QUIC packet's connection id names, or 0. Our ids follow QUIC-LB's plaintext
 * form: an octet whose upper three bits are not 7, two octets of server id, and the server's own.
 * Packets whose id the client made up (Initial, 0-RTT) have none.
 */
__noinline __u32 choose_quic(struct xdp_md *ctx, __u32 at, __u32 service_id)
{
	const __u8 *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	__u32 zero = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);

	if (at > PARSE_HEADERS_MAX || !settings || data + at + 9 > end)
		return 0;
	data += at;
	const __u8 *id = data + 1;

	if (*data & CHOOSE_QUIC_LONG) {
		/* RFC 9369 3.2: version 2 counts types from one. */
		__u32 type = *data >> 4 & 3, is_v2 = data[1] == 0x6b;

		if (((type - is_v2) & 3) != 2 || data[5] < 3)
			return 0; /* only Handshake packets bear a server's id */
		id = data + 6;
	}
	if (*id >> 5 == CHOOSE_QUIC_UNROUTABLE)
		return 0;
	__u32 server_id = (__u32)id[1] << 8 | id[2];
	__u64 hash = quic_hash(service_id, server_id, settings->seed);

#pragma unroll
	for (int i = 0; i < 2; i++) {
		__u32 cell = quic_cell(hash, i), line_at = cell / 32;
		struct abi_quic_line *line = bpf_map_lookup_elem(&quic, &line_at);
		__u32 found = line ? line->backend[cell % 32] : 0;
		struct abi_backend *row = found ? choose_row(found) : NULL;

		if (row && row->quic_id == server_id && row->service == service_id && server_id &&
		    row->state != ABI_BACKEND_DEAD)
			return found;
	}
	return 0;
}

static __always_inline struct flight *choose_flight(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flight, &zero);
}

/* Another program goes on with the packet: it is to know. Returns the verdict that says so. */
static __always_inline int choose_keep(const struct flight_way *way, int verdict)
{
	struct flight *own = choose_flight();

	if (own) {
		own->hash = way->hash;
		own->service = way->service;
		own->backend = way->backend;
		own->slot = way->slot;
		own->why = way->why;
		own->mtu = way->mtu;
	}
	return verdict;
}

/* choose_marked() with what it wants. */
static __always_inline __u32 choose_by_memory(const struct packet *packet, __u32 entry_id,
					      __u64 now_ns, __u32 before, __u64 key,
					      const struct flight_way *way)
{
	struct flight *own = choose_flight();

	if (!own)
		return way->backend;
	own->entry = entry_id;
	own->now_ns = now_ns;
	own->service = way->service;
	own->slot = way->slot;
	own->backend = way->backend;
	return choose_marked(packet, own, before, ring_slot(before, key));
}

/* Fills in way->service, hash, slot and backend; 0 when nobody is there. */
static __always_inline __u32 choose_backend(struct xdp_md *ctx, const struct packet *packet,
					    const struct abi_service *from, __u32 service_id,
					    __u32 entry_id, __u64 now_ns, struct flight_way *way,
					    const struct abi_control *settings)
{
	__u64 rings = *(volatile __u64 *)&from->rings;
	__u64 hash = flow_hash(&packet->source, packet->source_port, packet->dest_port,
			       settings->flow_seed);
	__u64 key = hash;

	if (from->affinity == ABI_AFFINITY_SOURCE)
		key = flow_hash(&packet->source, 0, 0, settings->flow_seed);
	way->hash = hash;
	way->service = service_id;
	if (from->affinity == ABI_AFFINITY_QUIC && packet->proto == IPPROTO_UDP) {
		__u32 named = choose_quic(ctx, packet->at + sizeof(struct udphdr), service_id);

		if (named)
			return way->backend = named;
	}
	__u32 slot = ring_slot(rings, key), value = choose_in(rings, slot);

	way->slot = slot;
	way->backend = value & ABI_RING_BACKEND;
	if (value & ABI_RING_CHECK)
		way->backend = choose_by_memory(packet, entry_id, now_ns, rings >> 32, key, way);
	return way->backend;
}

#endif
