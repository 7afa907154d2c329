/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef PUSH_H
#define PUSH_H

/*
 * push: sends a packet to a backend that answers by itself: by its link address alone, or in a
 * tunnel: IPIP, IP6IP6 and both mixtures (RFC 2003, RFC 2473, RFC 4213), or the same in UDP (GUE
 * variant 1: the payload is the IP packet, whose first bits say so). VLAN tags stay.
 */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "context.h"
#include "flight.h"
#include "maps.h"
#include "verdict.h"
#include "way.h"

enum {
	PUSH_TTL = 64,
	PUSH_DONT_FRAGMENT = 0x4000,
	PUSH_LABEL = 0x000fffff,
};

/* RFC 1624: one less in the upper byte of a word of the header. */
static __always_inline void push_age_v4(struct iphdr *ip)
{
	__u32 sum = (__u32)ip->check + bpf_htons(0x0100);

	ip->check = sum + (sum >= 0xffff);
	ip->ttl--;
}

static __always_inline void push_v4(struct iphdr *ip, __be32 from, __be32 to, __u32 bytes,
				    __u8 proto, __u8 tos)
{
	__u32 sum;

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = tos;
	ip->tot_len = bpf_htons(bytes);
	ip->id = 0; /* RFC 6864 4: of no meaning with DF */
	ip->frag_off = bpf_htons(PUSH_DONT_FRAGMENT);
	ip->ttl = PUSH_TTL;
	ip->protocol = proto;
	ip->saddr = from;
	ip->daddr = to;
	sum = bpf_htons(0x4500 | tos) + bpf_htons(bytes) + bpf_htons(PUSH_DONT_FRAGMENT) +
	      bpf_htons(PUSH_TTL << 8 | proto) + (from & 0xffff) + (from >> 16) + (to & 0xffff) +
	      (to >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	ip->check = ~sum;
}

static __always_inline void push_v6(struct ipv6hdr *ip, const struct abi_addr *from,
				    const struct abi_addr *to, __u32 bytes, __u8 proto, __u8 tos,
				    __u32 hash)
{
	*(__be32 *)ip = bpf_htonl(6u << 28 | (__u32)tos << 20 | (hash & PUSH_LABEL));
	ip->payload_len = bpf_htons(bytes);
	ip->nexthdr = proto;
	ip->hop_limit = PUSH_TTL;
	__builtin_memcpy(&ip->saddr, from, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, to, sizeof(ip->daddr));
}

/* One hop less for the packet itself; its DSCP and ECN (RFC 6040: the tunnel bears them, too). */
static __always_inline __u8 push_age(void *l3, bool is_v4)
{
	if (is_v4) {
		struct iphdr *ip = l3;

		push_age_v4(ip);
		return ip->tos;
	}
	struct ipv6hdr *ip = l3;

	ip->hop_limit--;
	return bpf_ntohl(*(__be32 *)ip) >> 20;
}

/* What must be so before the packet is touched: VERDICT_OPEN, or why it cannot be sent. */
static __always_inline int push_check(const struct xdp_md *ctx, const struct packet *packet,
				      const struct abi_backend *row, __u32 more,
				      struct flight_way *way)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	const struct iphdr *ip = data + packet->l3;

	if ((const void *)(ip + 1) > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	/* The hop limit of IPv6 is the byte before the source address. */
	__u8 ttl = packet->is_v4 ? ip->ttl : ((const __u8 *)ip)[7];

	way->why = 0;
	if (ttl <= 1) {
		way->why = ABI_DROP_TTL;
		return verdict_stage(ABI_STAGE_ICMP);
	}
	if (row->mtu && context_wire_bytes(ctx, packet, more) > row->mtu) {
		way->why = ABI_DROP_TOO_BIG;
		way->mtu = row->mtu - more;
		return verdict_stage(ABI_STAGE_ICMP);
	}
	return VERDICT_OPEN;
}

/* What a tunnel looks like; constants where the code is made for one kind of it. */
struct push_shape {
	__u32 l3, more;	  /* where the packet begins, and by how much the frame grows */
	bool is_v4;	  /* the packet */
	bool is_outer_v4; /* the tunnel */
	bool is_gue;
};

/* The outer header, at data + l3. */
static __always_inline int push_outer(void *at, const void *end, const struct packet *packet,
				      const struct push_shape *shape, const struct abi_backend *row,
				      const struct abi_here *self, __u8 tos, __u64 hash)
{
	__u32 bytes = packet->at + packet->rest - shape->l3;
	__u8 inner = shape->is_v4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	struct udphdr *udp;

	if (shape->is_gue)
		bytes += sizeof(*udp);
	if (shape->is_outer_v4) {
		struct iphdr *ip = at;

		udp = (void *)(ip + 1);
		if ((void *)(ip + 1) > end)
			return -1;
		push_v4(ip, self->v4.word[3], row->addr.word[3], sizeof(*ip) + bytes,
			shape->is_gue ? IPPROTO_UDP : inner, tos);
	} else {
		struct ipv6hdr *ip = at;

		udp = (void *)(ip + 1);
		if ((void *)(ip + 1) > end)
			return -1;
		push_v6(ip, &self->v6, &row->addr, bytes, shape->is_gue ? IPPROTO_UDP : inner, tos,
			hash);
	}
	if (shape->is_gue) {
		if ((void *)(udp + 1) > end)
			return -1;
		udp->source = bpf_htons(ABI_GUE_FIRST | (hash & 0x3fff));
		udp->dest = bpf_htons(ABI_GUE_PORT);
		udp->len = bpf_htons(bytes);
		udp->check = 0; /* RFC 6935: the packet inside has its own */
	}
	return 0;
}

/* Moves the link header to the front of the frame, which has grown. */
static __always_inline int push_link(void *data, const void *end, const struct push_shape *shape,
				     const struct abi_backend *row)
{
	__u32 tags = shape->l3 - sizeof(struct ethhdr);
	__be16 *type = data + 12 + tags;

	if (tags > 8) /* for the verifier */
		return -1;
	if (tags) {
		/* One or two tags: they begin with the old link header's type. */
		if (data + sizeof(struct ethhdr) + 8 > end ||
		    data + shape->more + sizeof(struct ethhdr) + 8 > end)
			return -1;
		*(__u16 *)(data + 12) = *(__u16 *)(data + shape->more + 12);
		*(__u32 *)(data + 14) = *(__u32 *)(data + shape->more + 14);
		if (tags > 4)
			*(__u32 *)(data + 18) = *(__u32 *)(data + shape->more + 18);
	}
	if ((void *)(type + 1) > end)
		return -1;
	way_write(data, row);
	*type = shape->is_outer_v4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return 0;
}

static __always_inline int push_tunnel(struct xdp_md *ctx, const struct packet *packet,
				       const struct push_shape *shape,
				       const struct abi_backend *row, const struct abi_here *self,
				       __u64 hash)
{
	__u32 least = shape->is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (context_push(ctx, packet, shape->more, shape->is_outer_v4, shape->is_gue))
		return verdict_drop(ABI_DROP_NO_ROOM);

	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *inner = data + shape->l3 + shape->more;

	if (shape->more > sizeof(struct ipv6hdr) + 8 || inner + least > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	__u8 tos = push_age(inner, shape->is_v4);

	if (push_link(data, end, shape, row) ||
	    push_outer(data + shape->l3, end, packet, shape, row, self, tos, hash))
		return verdict_drop(ABI_DROP_MALFORMED);
	return VERDICT_OPEN;
}

/* Without a tunnel: the link header alone changes. */
static __always_inline int push_flat(struct xdp_md *ctx, const struct packet *packet,
				     const struct abi_backend *row)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *inner = data + packet->l3;

	if (data + sizeof(struct ethhdr) > end ||
	    inner + (packet->is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	push_age(inner, packet->is_v4);
	way_write(data, row);
	return VERDICT_OPEN;
}

/*
 * The row's way is good, the verdict of push_check() was OPEN; self is needed for tunnels only. The
 * tunnel that most packets take has code of its own, in which all offsets are constants.
 */
static __always_inline int push_send(struct xdp_md *ctx, const struct packet *packet,
				     const struct abi_backend *row, const struct abi_here *self,
				     __u32 more, __u64 hash, enum abi_send why)
{
	const struct push_shape common = {
		.l3 = sizeof(struct ethhdr),
		.more = sizeof(struct iphdr),
		.is_v4 = true,
		.is_outer_v4 = true,
	};
	int verdict;

	if (!more) {
		verdict = push_flat(ctx, packet, row);
	} else if (!self) {
		verdict = verdict_drop(ABI_DROP_MALFORMED);
	} else if (more == common.more && packet->l3 == common.l3 && packet->is_v4) {
		verdict = push_tunnel(ctx, packet, &common, row, self, hash);
	} else {
		const struct push_shape any = {
			.l3 = packet->l3,
			.more = more,
			.is_v4 = packet->is_v4,
			.is_outer_v4 = way_is_v4(&row->addr),
			.is_gue = row->mode == ABI_MODE_DSR_GUE,
		};

		verdict = push_tunnel(ctx, packet, &any, row, self, hash);
	}
	return verdict == VERDICT_OPEN ? way_send(ctx, packet, row, why) : verdict;
}

#endif
