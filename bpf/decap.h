/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef DECAP_H
#define DECAP_H

/*
 * decap: opens tunnels that end at this machine (IPIP, IP6IP6, their mixtures, GUE), from those who
 * may send them, and starts over with what was inside. A stage.
 */

#include "stage.h"
#include "steer.h"

enum { DECAP_ECN = 3, DECAP_CE = 3 };

/* The bytes before the packet inside; VERDICT_OPEN when the tunnel may be opened. */
static __always_inline int decap_check(struct stage *stage, __u32 *ret_bytes)
{
	struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 half = flight->generation & 1, index;
	struct abi_entry *found;

	if (packet->proto != IPPROTO_UDP) {
		found = steer_vip(&packet->dest, 0, packet->proto, half, stage->control->seed,
				  &index);
		if (!found || found->target != ABI_TARGET_DECAP)
			return verdict_pass(ABI_PASS_OTHER_PROTO);
	}
	found = steer_vip(&packet->source, 0, ABI_PROTO_PEER, half, stage->control->seed, &index);
	if (!found || found->target != ABI_TARGET_PEER)
		return verdict_drop(ABI_DROP_TUNNEL_SOURCE);
	if (packet->is_fragment) /* tunnels are never fragmented by us */
		return verdict_pass(ABI_PASS_FRAGMENT);
	*ret_bytes = packet->at - packet->l3 +
		     (packet->proto == IPPROTO_UDP ? sizeof(struct udphdr) : 0);
	if (packet->proto == IPPROTO_UDP &&
	    bpf_ntohs(packet->source_port) >> 14 == ABI_GUE_AGAIN >> 14)
		flight->flags |= FLIGHT_FINAL;
	return VERDICT_OPEN;
}

/* RFC 6040 4.2: congestion that the tunnel met is the packet's. */
static __always_inline void decap_congestion_v4(struct iphdr *ip)
{
	__u32 old = ip->tos, sum;

	if (!(old & DECAP_ECN) || (old & DECAP_ECN) == DECAP_CE)
		return;
	ip->tos |= DECAP_CE;
	sum = (__u16)~ip->check + (__u16)~bpf_htons(old) + bpf_htons(ip->tos);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~(sum + (sum >> 16));
}

static __always_inline void decap_congestion_v6(struct ipv6hdr *ip)
{
	__be32 *word = (__be32 *)ip;

	if (*word & bpf_htonl(DECAP_ECN << 20))
		*word |= bpf_htonl(DECAP_CE << 20);
}

/* Whether the tunnel's own header says so. */
static __always_inline bool decap_is_congested(const void *l3, bool is_v4)
{
	if (is_v4)
		return (((const struct iphdr *)l3)->tos & DECAP_ECN) == DECAP_CE;
	return (bpf_ntohl(*(const __be32 *)l3) >> 20 & DECAP_ECN) == DECAP_CE;
}

/* Takes `bytes` at l3 out of the frame. 0, or -1 when it is not what it says. */
static __always_inline int decap_strip(struct xdp_md *ctx, const struct packet *packet, __u32 bytes)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 tags = packet->l3 - sizeof(struct ethhdr), l3 = tags + sizeof(struct ethhdr), link[6];
	bool is_congested;
	struct iphdr *ip;

	if (tags > 8 || bytes > PARSE_HEADERS_MAX || data + 24 > end ||
	    data + l3 + sizeof(*ip) > end)
		return -1;
	ip = data + l3 + bytes;
	if ((void *)(ip + 1) > end || (ip->version != 4 && ip->version != 6))
		return -1;
	bool is_v4 = ip->version == 4;

	is_congested = decap_is_congested(data + l3, packet->is_v4);
#pragma unroll
	for (int i = 0; i < 6; i++)
		link[i] = ((__u32 *)data)[i];
	if (context_pull(ctx, packet, bytes, is_v4))
		return -1;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + 24 > end || data + l3 + sizeof(*ip) > end)
		return -1;
	__be16 *type = data + 12 + tags;

	if ((void *)(type + 1) > end)
		return -1;
	*(__u32 *)data = link[0];
	*(__u32 *)(data + 4) = link[1];
	*(__u32 *)(data + 8) = link[2];
	if (tags) {
		*(__u16 *)(data + 12) = link[3];
		*(__u16 *)(data + 14) = link[3] >> 16;
		*(__u16 *)(data + 16) = link[4];
	}
	if (tags > 4) {
		*(__u16 *)(data + 18) = link[4] >> 16;
		*(__u16 *)(data + 20) = link[5];
	}
	*type = is_v4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (is_congested && is_v4)
		decap_congestion_v4(data + l3);
	else if (is_congested)
		decap_congestion_v6(data + l3);
	return 0;
}

SEC(CONTEXT_SECTION)
int decap(struct xdp_md *ctx)
{
	struct stage stage;
	__u32 bytes = 0;

	if (!stage_begin(&stage))
		return XDP_PASS;
	int verdict = decap_check(&stage, &bytes);

	if (verdict == VERDICT_OPEN) {
		if (decap_strip(ctx, &stage.flight->packet, bytes))
			verdict = verdict_drop(ABI_DROP_MALFORMED);
		else
			stage_call(ctx, ABI_STAGE_INNER);
	}
	return stage_end(ctx, &stage,
			 verdict == VERDICT_OPEN ? verdict_drop(ABI_DROP_NO_STAGE) : verdict);
}

#endif
