/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CONTEXT_SKB_H
#define CONTEXT_SKB_H

/*
 * context_skb: the kernel plane's context where its program is one of tc's. Part of context.h,
 * whose functions these are.
 *
 * A socket buffer differs from a frame in five ways: its headers may lie outside the part that
 * programs read; its outer VLAN tag is not in the data; several segments may have been merged into
 * one (GRO); its checksum may be left for the device to fill in; and what passes goes to the next
 * program of the interface, which tc itself calls.
 */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The same names for what is only called otherwise. Included before anything that uses them. */
#define xdp_md			  __sk_buff
#define ingress_ifindex		  ifindex
#define bpf_xdp_get_buff_len(ctx) ((ctx)->len)
#define bpf_xdp_load_bytes	  bpf_skb_load_bytes
#define bpf_xdp_adjust_tail(ctx, delta) \
	bpf_skb_change_tail(ctx, (__u32)((long)(ctx)->len + (delta)), 0)
#define XDP_PASS     (-1) /* TC_ACT_UNSPEC, TCX_NEXT: other programs go on */
#define XDP_DROP     2	  /* TC_ACT_SHOT */
#define XDP_REDIRECT 7	  /* TC_ACT_REDIRECT */

#include "parse.h"

#define CONTEXT_SECTION	      "tc"
#define CONTEXT_SECTION_ASIDE "?tc"

enum {
	CONTEXT_HEADERS = 192, /* what we like to see at once */
	CONTEXT_PULL = 512,
	CONTEXT_SUM_TCP = 16, /* offsets of the checksums */
	CONTEXT_SUM_UDP = 6,
	CONTEXT_DECAP_V4 = 1 << 7, /* BPF_F_ADJ_ROOM_DECAP_L3_IPV4, since Linux 6.3 */
	CONTEXT_DECAP_V6 = 1 << 8,
};

static __always_inline void context_begin(struct __sk_buff *ctx)
{
	__u32 seen = ctx->data_end - ctx->data, length = ctx->len;

	if (seen < CONTEXT_HEADERS && seen < length)
		bpf_skb_pull_data(ctx, length < CONTEXT_PULL ? length : CONTEXT_PULL);
}

static __always_inline __u32 context_tags(const struct __sk_buff *ctx)
{
	return ctx->vlan_present ? 1 : 0;
}

static __always_inline __u32 context_outer_tag(const struct __sk_buff *ctx, __u32 tag_bytes)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	const __be16 *tag = data + PARSE_TAGS_AT;

	if (ctx->vlan_present)
		return (__u32)bpf_ntohs(ctx->vlan_proto) << 16 | (ctx->vlan_tci & 0xffff);
	if (!tag_bytes || (const void *)(tag + 2) > end)
		return 0;
	return (__u32)bpf_ntohs(tag[0]) << 16 | bpf_ntohs(tag[1]);
}

static __always_inline long context_retag(struct __sk_buff *ctx, __u32 tag_bytes, __u32 tag)
{
	(void)tag_bytes;
	/* The kernel's own takes the tag out of the frame, and the next one. */
	for (int i = 0; i < 3 && (ctx->vlan_present || tag_bytes); i++) {
		if (bpf_skb_vlan_pop(ctx))
			return -1;
		tag_bytes = 0;
	}
	return tag ? bpf_skb_vlan_push(ctx, bpf_htons(tag >> 16), tag & 0xffff) : 0;
}

/* Merged segments are split again on the way out; those of TCP by the kernel so that a tunnel fits.
 */
static __always_inline __u32 context_wire_bytes(const struct __sk_buff *ctx,
						const struct packet *packet, __u32 more)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	__u32 size = ctx->gso_size, header = sizeof(struct udphdr);

	if (!size)
		return packet->at + packet->rest - packet->l3 + more;
	if (packet->proto == IPPROTO_TCP) {
		const struct tcphdr *tcp = data + parse_within(packet->at);

		more = 0;
		header = sizeof(*tcp);
		if ((const void *)(tcp + 1) <= end)
			header = tcp->doff * 4;
	}
	return packet->at - packet->l3 + header + size + more;
}

/*
 * Whether the checksum is left to the device. Nothing says so but this: a change that does not
 * concern the pseudo header is made in a checksum only when it is there.
 */
static __always_inline int context_is_unsummed(struct __sk_buff *ctx, __u32 at)
{
	__u16 before, after;

	if (bpf_skb_load_bytes(ctx, at, &before, sizeof(before)) ||
	    bpf_l4_csum_replace(ctx, at, 0, 1, 0) ||
	    bpf_skb_load_bytes(ctx, at, &after, sizeof(after)))
		return 0;
	if (before == after)
		return 1;
	bpf_skb_store_bytes(ctx, at, &before, sizeof(before), 0);
	return 0;
}

static __always_inline __u32 context_sum_at(__u32 at, __u32 proto)
{
	return at + (proto == IPPROTO_TCP ? CONTEXT_SUM_TCP : CONTEXT_SUM_UDP);
}

/* A message about the packet has a checksum of its own, and is no longer several segments. */
static __always_inline long context_grow(struct __sk_buff *ctx, const struct packet *packet,
					 __u32 bytes)
{
	if (ctx->gso_size || ((packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP) &&
			      context_is_unsummed(ctx, context_sum_at(packet->at, packet->proto))))
		return -1;
	return bpf_skb_change_head(ctx, bytes, 0);
}

static __always_inline long context_push(struct __sk_buff *ctx, const struct packet *packet,
					 __u32 bytes, bool is_v4, bool is_udp)
{
	__u64 flags = is_v4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	/* The kernel makes room behind the link header; a second tag would be in its place. */
	if (packet->l3 != sizeof(struct ethhdr))
		return -1;
	if (is_udp)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	if (packet->proto != IPPROTO_TCP)
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	return bpf_skb_adjust_room(ctx, (int)bytes, BPF_ADJ_ROOM_MAC, flags);
}

/* Before Linux 6.3 a packet cannot come out of a tunnel of the other family. */
static __always_inline long context_pull(struct __sk_buff *ctx, const struct packet *packet,
					 __u32 bytes, bool is_v4)
{
	__u64 flags = is_v4 == packet->is_v4 ? 0 : is_v4 ? CONTEXT_DECAP_V4 : CONTEXT_DECAP_V6;

	if (packet->l3 != sizeof(struct ethhdr))
		return -1;
	return bpf_skb_adjust_room(ctx, -(int)bytes, BPF_ADJ_ROOM_MAC,
				   flags | BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* What the device expects where it is to put the checksum: the sum of the pseudo header. */
static __always_inline __u16 context_pseudo(const void *data, const void *end, __u32 l3, __u32 at,
					    __u32 proto)
{
	const struct iphdr *v4 = data + (l3 & 31);
	const struct ipv6hdr *v6 = data + (l3 & 31);
	__u32 bytes;
	__u64 sum = bpf_htons(proto);

	if ((const void *)(v4 + 1) > end)
		return 0;
	if (v4->version == 4) {
		bytes = bpf_ntohs(v4->tot_len) - (at - l3);
		sum += (__u64)v4->saddr + v4->daddr;
	} else {
		if ((const void *)(v6 + 1) > end)
			return 0;
		bytes = bpf_ntohs(v6->payload_len) - (at - l3 - sizeof(*v6));
		for (int i = 0; i < 4; i++)
			sum += (__u64)v6->saddr.in6_u.u6_addr32[i] + v6->daddr.in6_u.u6_addr32[i];
	}
	sum += bpf_htons(bytes);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

__noinline int context_seal(struct __sk_buff *ctx, __u32 l3, __u32 at, __u32 proto)
{
	__u32 sum_at = context_sum_at(at, proto);
	__u16 sum;

	if ((proto != IPPROTO_TCP && proto != IPPROTO_UDP) || !context_is_unsummed(ctx, sum_at))
		return 0;
	sum = context_pseudo((const void *)(long)ctx->data, (const void *)(long)ctx->data_end, l3,
			     at, proto);
	return bpf_skb_store_bytes(ctx, sum_at, &sum, sizeof(sum), 0);
}

static __always_inline int context_tx(struct __sk_buff *ctx)
{
	return bpf_redirect(ctx->ifindex, 0);
}

#endif
