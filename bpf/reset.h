/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef RESET_H
#define RESET_H

/*
 * reset: answers a TCP segment of a connection that nobody has with a reset (RFC 9293 3.10.7.1), as
 * the stack would: the client then knows at once, instead of sending again for minutes.
 */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "context.h"
#include "parse.h"
#include "sum.h"

enum { RESET_TTL = 64, RESET_FLAGS = 13, RESET_FIN = 1, RESET_SYN = 2, RESET_ACK = 16 };

/* Both MAC addresses change places. */
static __always_inline void reset_turn(struct ethhdr *eth)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
}

/* The segment, without its checksum; old is the one that it answers. */
static __always_inline struct tcphdr reset_segment(const struct tcphdr *old, __u32 payload)
{
	struct tcphdr made = {.source = old->dest, .dest = old->source, .doff = 5, .rst = 1};

	if (old->ack) {
		made.seq = old->ack_seq;
	} else {
		made.ack = 1;
		made.ack_seq = bpf_htonl(bpf_ntohl(old->seq) + payload + old->syn + old->fin);
	}
	return made;
}

/* Sums from sender to receiver: the answer's pseudo header and segment. */
static __always_inline __u16 reset_sum(const struct packet *packet, const struct tcphdr *tcp)
{
	const __u16 *word = (const __u16 *)tcp;
	__u64 sum = bpf_htons(IPPROTO_TCP) + bpf_htons(sizeof(*tcp));
	const __be32 *a = packet->source.word, *b = packet->dest.word;

	for (int i = 0; i < 4; i++)
		if (i == 3 || !packet->is_v4)
			sum += (__u64)a[i] + b[i];
	for (int i = 0; i < 10; i++)
		sum += word[i];
	return ~sum_fold(sum);
}

static __always_inline void reset_network(void *l3, const struct packet *packet)
{
	if (packet->is_v4) {
		struct iphdr *ip = l3;
		struct iphdr made = {
			.version = 4,
			.ihl = 5,
			.tot_len = bpf_htons(sizeof(*ip) + sizeof(struct tcphdr)),
			.frag_off = bpf_htons(0x4000),
			.ttl = RESET_TTL,
			.protocol = IPPROTO_TCP,
			.saddr = packet->dest.word[3],
			.daddr = packet->source.word[3],
		};
		const __u16 *word = (const __u16 *)&made;
		__u64 sum = 0;

		for (int i = 0; i < 10; i++)
			sum += word[i];
		made.check = ~sum_fold(sum);
		__builtin_memcpy(ip, &made, sizeof(made));
		return;
	}
	struct ipv6hdr *ip = l3;

	*(__be32 *)ip = bpf_htonl(6u << 28);
	ip->payload_len = bpf_htons(sizeof(struct tcphdr));
	ip->nexthdr = IPPROTO_TCP;
	ip->hop_limit = RESET_TTL;
	__builtin_memcpy(&ip->saddr, &packet->dest, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &packet->source, sizeof(ip->daddr));
}

/* Turns the frame into the reset and sends it back the way it came. */
static __always_inline int reset_answer(struct xdp_md *ctx, const struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = packet->l3 & 31, at = packet->at;
	__u32 bytes = packet->is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (at > PARSE_HEADERS_MAX)
		return verdict_drop(ABI_DROP_MALFORMED);
	const struct tcphdr *old = data + at;

	if (data + sizeof(struct ethhdr) > end || (const void *)(old + 1) > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	struct tcphdr made = reset_segment(old, packet->rest - old->doff * 4);

	made.check = reset_sum(packet, &made);
	/* Either header with its segment is at least as long as IPv6's header alone. */
	void *ip = data + l3, *segment = ip + bytes;

	if (ip + sizeof(struct ipv6hdr) > end || segment + sizeof(made) > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	reset_turn(data);
	reset_network(ip, packet);
	__builtin_memcpy(segment, &made, sizeof(made));
	int surplus = (int)bpf_xdp_get_buff_len(ctx) - (int)(l3 + bytes + sizeof(made));

	if (surplus > 0 && bpf_xdp_adjust_tail(ctx, -surplus))
		return verdict_drop(ABI_DROP_MALFORMED);
	context_seal(ctx, l3, l3 + bytes, IPPROTO_TCP);
	return verdict_tx(ABI_SEND_RESET);
}

#endif
