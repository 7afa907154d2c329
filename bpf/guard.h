/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef GUARD_H
#define GUARD_H

/*
 * guard: the stage that looks for the socket of a TCP segment which opens no connection.
 *
 * All segments come here while some entry is under pressure, else one in SHIELD_SAMPLE. One that
 * belongs to no connection and completes no cookie's handshake is a stray: the network stack would
 * answer it with a reset. Strays are dropped while their entry has too many of them.
 */

#include "known.h"
#include "shield.h"
#include "stage.h"

enum { GUARD_LISTEN = 10, GUARD_ACK = 16, GUARD_FLAGS = 63 };

/* Whether the segment completes the handshake that a cookie of ours, or of the stack, began. */
static __always_inline bool guard_cookie_is_valid(const struct xdp_md *ctx,
						  const struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = packet->l3, at = packet->at;

	if (l3 > 32 || at > PARSE_HEADERS_MAX || !(packet->tcp_flags & GUARD_ACK))
		return false;
	struct tcphdr *tcp = data + at;

	if ((void *)(tcp + 1) > end)
		return false;
	if (packet->is_v4) {
		struct iphdr *ip = data + l3;

		return (void *)(ip + 1) <= end && !bpf_tcp_raw_check_syncookie_ipv4(ip, tcp);
	}
	struct ipv6hdr *ip6 = data + l3;

	return (void *)(ip6 + 1) <= end && !bpf_tcp_raw_check_syncookie_ipv6(ip6, tcp);
}

/* Whether there is a connection, or the rest of one. */
static __always_inline bool guard_has_socket(struct xdp_md *ctx, const struct packet *packet)
{
	struct bpf_sock_tuple tuple = {};
	__u32 bytes = sizeof(tuple.ipv6);

	if (packet->is_v4) {
		tuple.ipv4.saddr = packet->source.word[3];
		tuple.ipv4.daddr = packet->dest.word[3];
		tuple.ipv4.sport = packet->source_port;
		tuple.ipv4.dport = packet->dest_port;
		bytes = sizeof(tuple.ipv4);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, &packet->source, sizeof(packet->source));
		__builtin_memcpy(tuple.ipv6.daddr, &packet->dest, sizeof(packet->dest));
		tuple.ipv6.sport = packet->source_port;
		tuple.ipv6.dport = packet->dest_port;
	}
	struct bpf_sock *sk = bpf_skc_lookup_tcp(ctx, &tuple, bytes, BPF_F_CURRENT_NETNS, 0);

	if (!sk)
		return false;
	bool is_listener = sk->state == GUARD_LISTEN;

	bpf_sk_release(sk);
	return !is_listener;
}

/* The bare segment that ends a handshake: its source has proved that it is there. */
static __always_inline int guard_end_handshake(struct xdp_md *ctx, const struct stage *stage)
{
	const struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 slot = (flight->generation & 1) * ABI_POLICIES + flight->policy % ABI_POLICIES;
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);
	struct abi_shield *row = shield_row();

	if ((packet->tcp_flags & GUARD_FLAGS) != GUARD_ACK ||
	    known_is(packet, flight->now_ns, stage->control) || !guard_cookie_is_valid(ctx, packet))
		return VERDICT_OPEN;
	if (flight->policy && rules && rules->flags & ABI_POLICY_CONNECTIONS && row &&
	    row->loaded & ABI_SHIELD_CONNECTIONS &&
	    conn_is_over(packet, rules, slot, false, stage->control))
		return verdict_drop(ABI_DROP_CONNECTIONS);
	known_add(packet, flight->now_ns, stage->control);
	return verdict_pass(ABI_PASS_COOKIE);
}

static __always_inline int guard_look(struct xdp_md *ctx, const struct stage *stage)
{
	const struct flight *flight = stage->flight;
	__u32 entry_id = flight->entry % ABI_ENTRIES, weight = SHIELD_SAMPLE;
	struct abi_pressure *at = bpf_map_lookup_elem(&pressure, &entry_id);
	struct abi_counter *all = count_row(0);
	int verdict = VERDICT_OPEN;

	if (!at || !all)
		return flight->verdict;
	bool is_guarded = at->guard_until_ns > flight->now_ns;

	if (at->cookies_until_ns > flight->now_ns)
		verdict = guard_end_handshake(ctx, stage);
	if (verdict != VERDICT_OPEN)
		return verdict;
	if (is_guarded)
		weight = 1;
	else if (stage->row->received % SHIELD_SAMPLE)
		return flight->verdict;
	if (guard_has_socket(ctx, &flight->packet) || guard_cookie_is_valid(ctx, &flight->packet))
		return flight->verdict;
	/* Counted in batches, as SYNs are. */
	if (weight == 1 && ++all->strays % SHIELD_BATCH == 0)
		weight = SHIELD_BATCH;
	if (weight > 1)
		shield_count(entry_id, 1, weight, flight->now_ns);
	return is_guarded ? verdict_drop(ABI_DROP_COOKIE_BAD) : (int)flight->verdict;
}

SEC(CONTEXT_SECTION)
int guard(struct xdp_md *ctx)
{
	struct stage stage;

	if (!stage_begin(&stage))
		return XDP_PASS;
	return stage_end(ctx, &stage, guard_look(ctx, &stage));
}

#endif
