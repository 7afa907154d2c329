/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ICMP_MAKE_H
#define ICMP_MAKE_H

/*
 * icmp_make: ICMP that we send ourselves: errors about packets that cannot go on (RFC 1812 4.3, RFC
 * 4443 3), answers to echo requests, and the request by which the kernel is made to look for a
 * neighbour. All of it within limits, so that it is no tool for a flood.
 *
 * Errors come from the address that the packet was sent to: the sender's firewall knows it, and it
 * can be reached.
 */

#include <linux/bpf.h>

#include <linux/icmpv6.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "gcra.h"
#include "icmp_type.h"
#include "reset.h"
#include "rewrite.h"
#include "sum.h"
#include "way.h"

enum {
	ICMP_MAKE_TTL = 64,
	ICMP_MAKE_V4_QUOTE = 28, /* RFC 792: the header and eight bytes */
	ICMP_MAKE_V6_QUOTE = 48,
	ICMP_MAKE_QUOTE = 128,
	ICMP_MAKE_LONG_QUOTE = 472, /* the packet stays within 576 bytes */
	ICMP_MAKE_MTU_MIN = 68,
	ICMP_MAKE_HEADERS_MAX = sizeof(struct ipv6hdr) + PARSE_ICMP_BYTES,
};

#define ICMP_MAKE_COST_NS  1000000ULL /* 1000 a second of each kind */
#define ICMP_MAKE_AHEAD_NS 200000000ULL

enum icmp_make_kind { ICMP_MAKE_ERROR, ICMP_MAKE_ECHO, ICMP_MAKE_RESOLVE, ICMP_MAKE__KINDS };

__u64 icmp_make_due_ns[ICMP_MAKE__KINDS] = {};

static __always_inline bool icmp_make_may(enum icmp_make_kind kind, __u64 now_ns)
{
	__u64 *due = &icmp_make_due_ns[kind], old = *(volatile __u64 *)due;
	__u64 next = gcra_admit(old, now_ns, ICMP_MAKE_COST_NS, ICMP_MAKE_AHEAD_NS);

	return next && __sync_val_compare_and_swap(due, old, next) == old;
}

struct icmp_make_words {
	__u8 type, code;
	__u16 check;
	__be32 rest;
};

/* Writes the IP header and what the checksum of ICMPv6 takes from it. */
static __always_inline __u64 icmp_make_network(void *l3, bool is_v4, const struct abi_addr *from,
					       const struct abi_addr *to, __u32 bytes)
{
	if (is_v4) {
		struct iphdr made = {
			.version = 4,
			.ihl = 5,
			.tot_len = bpf_htons(sizeof(made) + bytes),
			.ttl = ICMP_MAKE_TTL,
			.protocol = IPPROTO_ICMP,
			.saddr = from->word[3],
			.daddr = to->word[3],
		};
		const __u16 *word = (const __u16 *)&made;
		__u64 sum = 0;

		for (int i = 0; i < 10; i++)
			sum += word[i];
		made.check = ~sum_fold(sum);
		__builtin_memcpy(l3, &made, sizeof(made));
		return 0;
	}
	struct ipv6hdr *ip = l3;
	__u64 sum = bpf_htonl(bytes) + (__u64)bpf_htonl(IPPROTO_ICMPV6);

	*(__be32 *)ip = bpf_htonl(6u << 28);
	ip->payload_len = bpf_htons(bytes);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = ICMP_MAKE_TTL;
	__builtin_memcpy(&ip->saddr, from, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, to, sizeof(ip->daddr));
	for (int i = 0; i < 4; i++)
		sum += (__u64)from->word[i] + to->word[i];
	return sum;
}

/* Cuts the frame to bytes. */
static __always_inline bool icmp_make_cut(struct xdp_md *ctx, __u32 bytes)
{
	int surplus = (int)bpf_xdp_get_buff_len(ctx) - (int)bytes;

	return surplus <= 0 || !bpf_xdp_adjust_tail(ctx, -surplus);
}

/*
 * Turns the frame into an echo request from an address to one of this machine and hands it to the
 * stack, which answers and thereby looks for the address's link address. The packet itself is lost:
 * its sender sends it again.
 */
static __always_inline int icmp_make_resolve(struct xdp_md *ctx, const struct packet *packet,
					     const struct abi_addr *whose,
					     const struct abi_here *self)
{
	bool is_v4 = way_is_v4(whose);
	__u32 l3 = packet->l3 & 31, header = is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct icmp_make_words made = {.type = is_v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST};
	int more = (int)(l3 + header + sizeof(made)) - (int)bpf_xdp_get_buff_len(ctx);

	if (more && bpf_xdp_adjust_tail(ctx, more))
		return verdict_drop(ABI_DROP_NO_NEIGHBOUR);
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *ip = data + l3;
	__be16 *type = data + ((packet->l3 - sizeof(*type)) & 31);
	__u64 sum;

	if (ip + ICMP_MAKE_V4_QUOTE > end || (void *)(type + 1) > end)
		return verdict_drop(ABI_DROP_NO_NEIGHBOUR);
	*type = is_v4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (is_v4) {
		sum = icmp_make_network(ip, true, whose, &self->v4, sizeof(made));
		made.check = ~sum_fold(sum + *(const __u16 *)&made);
		__builtin_memcpy(ip + sizeof(struct iphdr), &made, sizeof(made));
		return verdict_pass(ABI_PASS_RESOLVE);
	}
	if (ip + ICMP_MAKE_V6_QUOTE > end)
		return verdict_drop(ABI_DROP_NO_NEIGHBOUR);
	sum = icmp_make_network(ip, false, whose, &self->v6, sizeof(made));
	made.check = ~sum_fold(sum + *(const __u16 *)&made);
	__builtin_memcpy(ip + sizeof(struct ipv6hdr), &made, sizeof(made));
	return verdict_pass(ABI_PASS_RESOLVE);
}

/* An echo request to an address of ours that no interface has: turned round. */
static __always_inline int icmp_make_echo(struct xdp_md *ctx, const struct packet *packet)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = packet->l3 & 31, at = packet->at;
	struct icmp_make_words *words = data + parse_within(at);
	void *ip = data + l3;
	__u8 type = packet->is_v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;

	if (at > PARSE_HEADERS_MAX || data + sizeof(struct ethhdr) > end ||
	    (void *)(words + 1) > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	words->check = sum_apply(words->check, sum_change16(0, words->type, type));
	words->type = type;
	if (packet->is_v4) {
		struct iphdr *v4 = ip;

		if ((void *)(v4 + 1) > end)
			return verdict_drop(ABI_DROP_MALFORMED);
		__u16 old = v4->ttl;

		v4->saddr = packet->dest.word[3];
		v4->daddr = packet->source.word[3];
		v4->ttl = ICMP_MAKE_TTL;
		v4->check = sum_apply(v4->check, sum_change16(0, bpf_htons(old << 8),
							      bpf_htons(ICMP_MAKE_TTL << 8)));
	} else {
		struct ipv6hdr *v6 = ip;

		if ((void *)(v6 + 1) > end)
			return verdict_drop(ABI_DROP_MALFORMED);
		__builtin_memcpy(&v6->saddr, &packet->dest, sizeof(v6->saddr));
		__builtin_memcpy(&v6->daddr, &packet->source, sizeof(v6->daddr));
		v6->hop_limit = ICMP_MAKE_TTL;
	}
	reset_turn(data);
	return verdict_tx(ABI_SEND_ICMP_ECHO);
}

/* Type, code and the word behind, or false: no error tells of this. */
static __always_inline bool icmp_make_reason(__u32 why, __u32 mtu, bool is_v4,
					     struct icmp_make_words *ret)
{
	*ret = (struct icmp_make_words){};
	switch (why) {
	case ABI_DROP_TTL:
		ret->type = is_v4 ? ICMP_TIME_EXCEEDED : ICMPV6_TIME_EXCEED;
		return true;
	case ABI_DROP_TOO_BIG:
		ret->type = is_v4 ? ICMP_DEST_UNREACH : ICMPV6_PKT_TOOBIG;
		ret->code = is_v4 ? ICMP_FRAG_NEEDED : 0;
		ret->rest = bpf_htonl(mtu > 0xffff ? 0xffff : mtu);
		return mtu >= ICMP_MAKE_MTU_MIN;
	case ABI_DROP_NO_ROUTE:
		ret->type = is_v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
		ret->code = is_v4 ? ICMP_HOST_UNREACH : ICMPV6_NOROUTE;
		return true;
	case ABI_DROP_NO_BACKEND:
		ret->type = is_v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
		ret->code = is_v4 ? ICMP_PORT_UNREACH : ICMPV6_PORT_UNREACH;
		return true;
	default:
		return false;
	}
}

/* Nobody in particular, or many: never told of an error (RFC 1812 4.3.2.7, RFC 4443 2.4 e). */
static __always_inline bool icmp_make_is_nobody(const struct packet *packet)
{
	__u8 first =
		*(const __u8 *)(packet->is_v4 ? &packet->source.word[3] : &packet->source.word[0]);

	if (packet->is_v4)
		return !first || first == 127 || first >= 224;
	return first == 0xff || !(packet->source.word[0] | packet->source.word[1] |
				  packet->source.word[2] | packet->source.word[3]);
}

/* Moves the link header, which is l3 bytes, `more` bytes forward and turns it round. */
static __always_inline bool icmp_make_link(void *data, const void *end, __u32 l3, __u32 more)
{
	if (data + REWRITE_L3_MAX + ICMP_MAKE_HEADERS_MAX > end)
		return false;
	/* As words of two bytes: 7, and 2 for each tag. */
	__u16 *to = data;
	const __u16 *from = data + (more & 63);

#pragma unroll
	for (__u32 i = 0; i < REWRITE_L3_MAX / 2; i++)
		if (i * 2 < l3)
			to[i] = from[i];
	reset_turn(data);
	return true;
}

/* Cuts the frame, whose new headers are before the quoted packet, and writes them. */
static __always_inline int icmp_make_write(struct xdp_md *ctx, const struct packet *packet,
					   struct icmp_make_words words, const __u32 quote)
{
	__u32 l3 = packet->l3 & 31,
	      header = packet->is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 bytes = sizeof(words) + quote;

	if (!icmp_make_cut(ctx, l3 + header + bytes))
		return verdict_drop(ABI_DROP_MALFORMED);
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *ip = data + l3, *at = ip + header;

	if (!icmp_make_link(data, end, l3, header + sizeof(words)) ||
	    ip + sizeof(struct ipv6hdr) > end || at + bytes > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	__u64 sum = icmp_make_network(ip, packet->is_v4, &packet->dest, &packet->source, bytes);

	__builtin_memcpy(at, &words, sizeof(words));
	__s64 diff = bpf_csum_diff(NULL, 0, at, bytes, 0);

	if (diff < 0)
		return verdict_drop(ABI_DROP_MALFORMED);
	((struct icmp_make_words *)at)->check = ~sum_fold(sum + (__u32)diff);
	return verdict_tx(ABI_SEND_ICMP_ERROR);
}

static __always_inline int icmp_make_error(struct xdp_md *ctx, const struct packet *packet,
					   __u32 why, __u32 mtu, __u64 now_ns)
{
	__u32 have = packet->at + packet->rest - packet->l3;
	__u32 more = (packet->is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
		     sizeof(struct icmp_make_words);
	struct icmp_make_words words;

	if (icmp_make_is_nobody(packet) || !icmp_make_reason(why, mtu, packet->is_v4, &words))
		return verdict_drop(why);
	if (!icmp_make_may(ICMP_MAKE_ERROR, now_ns))
		return verdict_drop(why);
	if (context_grow(ctx, packet, more))
		return verdict_drop(why);
	if (have >= ICMP_MAKE_LONG_QUOTE)
		return icmp_make_write(ctx, packet, words, ICMP_MAKE_LONG_QUOTE);
	if (have >= ICMP_MAKE_QUOTE)
		return icmp_make_write(ctx, packet, words, ICMP_MAKE_QUOTE);
	if (packet->is_v4)
		return icmp_make_write(ctx, packet, words, ICMP_MAKE_V4_QUOTE);
	return icmp_make_write(ctx, packet, words, ICMP_MAKE_V6_QUOTE);
}

#endif
