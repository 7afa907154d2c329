/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CONTEXT_H
#define CONTEXT_H

/*
 * context: what the kernel hands us: a frame of XDP, or, for ingress_tc, a socket buffer.
 *
 * Everything else is written for struct xdp_md. What differs beyond names is here and, for the
 * socket buffer, in context_skb.h, which gives the same functions and renames the rest.
 */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef CONTEXT_SKB
#include "context_skb.h"
#else

#include "parse.h"

/* The section of our packet programs. */
#define CONTEXT_SECTION	      "xdp.frags"
#define CONTEXT_SECTION_ASIDE "?xdp.frags"

/* Lets the headers be read: nothing to do. */
static __always_inline void context_begin(struct xdp_md *ctx)
{
	(void)ctx;
}

/* VLAN tags that are not in the frame itself. */
static __always_inline __u32 context_tags(const struct xdp_md *ctx)
{
	(void)ctx;
	return 0;
}

/* The first tag, TPID << 16 | TCI, of tag_bytes in the frame; 0: none. */
static __always_inline __u32 context_outer_tag(const struct xdp_md *ctx, __u32 tag_bytes)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	const __be16 *tag = data + PARSE_TAGS_AT;

	if (!tag_bytes || (const void *)(tag + 2) > end)
		return 0;
	return (__u32)bpf_ntohs(tag[0]) << 16 | bpf_ntohs(tag[1]);
}

/* Puts that one tag, or none (0), in place of those of the frame. */
static __always_inline long context_retag(struct xdp_md *ctx, __u32 tag_bytes, __u32 tag)
{
	__u32 want = tag ? sizeof(struct parse_vlan) : 0, words[PARSE_TAGS_AT / 4];
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__be16 *type_at, type;

	if (tag_bytes > 2 * sizeof(struct parse_vlan) || data + sizeof(struct ethhdr) > end)
		return -1;
	type_at = data + PARSE_TAGS_AT + tag_bytes;
	asm volatile("" : "+r"(type_at)); /* the verifier follows this pointer only */
	if ((void *)(type_at + 1) > end)
		return -1;
	type = *type_at;
#pragma unroll
	for (int i = 0; i < PARSE_TAGS_AT / 4; i++)
		words[i] = ((__u32 *)data)[i];
	if (tag_bytes != want && bpf_xdp_adjust_head(ctx, (int)tag_bytes - (int)want))
		return -1;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + sizeof(struct ethhdr) + sizeof(struct parse_vlan) > end)
		return -1;
#pragma unroll
	for (int i = 0; i < PARSE_TAGS_AT / 4; i++)
		((__u32 *)data)[i] = words[i];
	if (tag) {
		*(__be16 *)(data + PARSE_TAGS_AT) = bpf_htons(tag >> 16);
		*(__be16 *)(data + PARSE_TAGS_AT + 2) = bpf_htons(tag & 0xffff);
	}
	*(__be16 *)(data + PARSE_TAGS_AT + want) = type;
	return 0;
}

/* Bytes of the IP packet as it will be on the wire with `more` bytes of tunnel before it. */
static __always_inline __u32 context_wire_bytes(const struct xdp_md *ctx,
						const struct packet *packet, __u32 more)
{
	(void)ctx;
	return packet->at + packet->rest - packet->l3 + more;
}

/* Room before the link header, for a message about the packet. */
static __always_inline long context_grow(struct xdp_md *ctx, const struct packet *packet,
					 __u32 bytes)
{
	(void)packet;
	return bpf_xdp_adjust_head(ctx, -(int)bytes);
}

/* Room for the header of a tunnel; the link header is then to be moved to the front. */
static __always_inline long context_push(struct xdp_md *ctx, const struct packet *packet,
					 __u32 bytes, bool is_v4, bool is_udp)
{
	(void)is_v4;
	(void)is_udp;
	return context_grow(ctx, packet, bytes);
}

/* Takes the tunnel's header away; the link header is then to be written anew. */
static __always_inline long context_pull(struct xdp_md *ctx, const struct packet *packet,
					 __u32 bytes, bool is_v4)
{
	(void)packet;
	(void)is_v4;
	return bpf_xdp_adjust_head(ctx, (int)bytes);
}

/* After a change of the TCP or UDP header at `at`, before the frame is sent. */
static __always_inline void context_seal(struct xdp_md *ctx, __u32 l3, __u32 at, __u32 proto)
{
	(void)ctx;
	(void)l3;
	(void)at;
	(void)proto;
}

static __always_inline int context_tx(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_TX;
}

#endif
#endif
