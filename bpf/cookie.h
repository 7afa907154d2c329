/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef COOKIE_H
#define COOKIE_H

/*
 * cookie: the stage that answers SYNs with SYN cookies, for entries under pressure.
 *
 * The cookie is the network stack's own (bpf_tcp_raw_gen_syncookie), so its listener takes the
 * segment that completes the handshake, and no state is kept here. It does so only if it has seen a
 * SYN lately, with net.ipv4.tcp_syncookies=2: one a second of each family is let through. What TCP
 * agrees on in a SYN is offered as the stack does it with cookies (RFC 7323 3.2): an MSS always;
 * window scale and selective acknowledgements in the low bits of the timestamp, if the client sends
 * timestamps and the stack will read them there, which needs net.ipv4.tcp_timestamps=2.
 */

#include "cookie_packet.h"
#include "guard.h"
#include "known.h"
#include "shield.h"
#include "stage.h"

#define COOKIE_LET_NS (1ULL << 30)

/* Back to where the frame came from; what came out of a tunnel goes its own way. */
static __always_inline int cookie_send(struct xdp_md *ctx, const struct packet *packet,
				       bool is_inner)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u8 mac[ETH_ALEN];

	if ((void *)(eth + 1) > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	if (!is_inner) {
		__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
		__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
		__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
		return verdict_tx(ABI_SEND_SYN_COOKIE);
	}
	struct bpf_fib_lookup way = {
		.family = packet->is_v4 ? 2 : 10, /* AF_INET, AF_INET6 */
		.ifindex = ctx->ingress_ifindex,
		.l4_protocol = IPPROTO_TCP,
	};

	if (packet->is_v4) {
		way.ipv4_src = packet->dest.word[3];
		way.ipv4_dst = packet->source.word[3];
	} else {
		__builtin_memcpy(way.ipv6_src, &packet->dest, sizeof(packet->dest));
		__builtin_memcpy(way.ipv6_dst, &packet->source, sizeof(packet->source));
	}
	if (bpf_fib_lookup(ctx, &way, sizeof(way), 0))
		return verdict_drop(ABI_DROP_NO_ROUTE);
	__builtin_memcpy(eth->h_dest, way.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, way.smac, ETH_ALEN);
	bpf_redirect(way.ifindex, 0);
	return verdict_redirect(ABI_SEND_SYN_COOKIE);
}

/* Whether this SYN is the one of its second that the stack must see. */
static __always_inline bool cookie_lets(struct abi_pressure *at, bool is_v4, __u64 now_ns)
{
	__u32 which = !is_v4;

	asm volatile("" : "+r"(which)); /* or the compiler knows better what a bool can be */
	__u64 *let_ns = &at->let_ns[which & 1], seen = *(volatile __u64 *)let_ns;

	return seen <= now_ns &&
	       __sync_val_compare_and_swap(let_ns, seen, now_ns + COOKIE_LET_NS) == seen;
}

static __always_inline long cookie_length(const struct xdp_md *ctx)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;

	long length = end - data;

	asm volatile("" : "+r"(length)); /* the verifier wants all 64 bits of a pointer */
	return length;
}

static __always_inline int cookie_answer(struct xdp_md *ctx, const struct stage *stage)
{
	const struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 entry_id = flight->entry % ABI_ENTRIES, l3 = packet->l3;
	__u32 at = l3 + (packet->is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u32 slot = (flight->generation & 1) * ABI_POLICIES + flight->policy % ABI_POLICIES;
	struct abi_pressure *pressed = bpf_map_lookup_elem(&pressure, &entry_id);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);
	__u32 entry_slot = (flight->generation & 1) * ABI_ENTRIES + entry_id;
	struct abi_entry *to = bpf_map_lookup_elem(&entry, &entry_slot);
	struct abi_shield *row = shield_row();
	struct cookie_options options;
	long missing;

	if (!pressed || !row || !to)
		return flight->verdict;
	bool is_let = known_is(packet, flight->now_ns, stage->control) ||
		      cookie_lets(pressed, packet->is_v4, flight->now_ns);

	/* A SYN that gets a cookie leaves no trace: nobody is refused for what was sent in his
	 * name. */
	if (flight->policy && rules && rules->flags & ABI_POLICY_CONNECTIONS &&
	    row->loaded & ABI_SHIELD_CONNECTIONS &&
	    conn_is_over(packet, rules, slot, is_let, stage->control))
		return verdict_drop(ABI_DROP_CONNECTIONS);
	if (is_let)
		return flight->verdict;
	/* Segments of the entry are looked at from now on: who answers becomes known. */
	if (to->flags & ABI_ENTRY_COOKIES) {
		shield_extend(&pressed->cookies_until_ns, flight->now_ns);
		shield_extend(&row->until_ns, flight->now_ns);
	}
	/* With options between the headers, or in pieces: no client's stack does that to a SYN. */
	if (packet->at != at || packet->is_fragment)
		return verdict_drop(ABI_DROP_COOKIE_BAD);
	missing = (long)(at + COOKIE_TCP_MAX) - cookie_length(ctx);
	if (missing > 0 && bpf_xdp_adjust_tail(ctx, missing))
		return verdict_drop(ABI_DROP_NO_ROOM);
	cookie_read_options(ctx, at, &options);
	options.has_time &= row->flags & ABI_SHIELD_TIMES ? 1 : 0;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 bytes = packet->is_v4 ? cookie_answer4(data, end, l3, &options, row)
				    : cookie_answer6(data, end, l3, &options, row);

	if (!bytes)
		return verdict_drop(ABI_DROP_COOKIE_BAD);
	if (bpf_xdp_adjust_tail(ctx, (long)bytes - cookie_length(ctx)))
		return verdict_drop(ABI_DROP_NO_ROOM);
	context_seal(ctx, l3, at, IPPROTO_TCP);
	return cookie_send(ctx, packet, flight->flags & FLIGHT_INNER);
}

SEC(CONTEXT_SECTION)
int cookie(struct xdp_md *ctx)
{
	struct stage stage;

	if (!stage_begin(&stage))
		return XDP_PASS;
	return stage_end(ctx, &stage, cookie_answer(ctx, &stage));
}

#endif
