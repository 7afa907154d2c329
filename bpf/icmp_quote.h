/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ICMP_QUOTE_H
#define ICMP_QUOTE_H

/* icmp_quote: the packet that an ICMP error quotes: reading it, and translating it. */

#include "flight.h"
#include "icmp_make.h"
#include "rewrite.h"

static __always_inline bool icmp_is_error(const struct packet *packet, __u8 type)
{
	if (!packet->is_v4)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
}

static __always_inline bool icmp_quote_v4(const void *data, const void *end,
					  struct flight_quote *ret)
{
	const struct iphdr *ip = data + parse_within(ret->l3);

	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5 ||
	    ip->frag_off & bpf_htons(PARSE_V4_OFFSET))
		return false;
	ret->at = ret->l3 + ip->ihl * 4;
	ret->flow.proto = ip->protocol;
	ret->flow.source = (struct abi_addr){{0, 0, bpf_htonl(0xffff), ip->daddr}};
	ret->flow.dest = (struct abi_addr){{0, 0, bpf_htonl(0xffff), ip->saddr}};
	return true;
}

static __always_inline bool icmp_quote_v6(const void *data, const void *end,
					  struct flight_quote *ret)
{
	const struct ipv6hdr *ip = data + parse_within(ret->l3);

	if ((const void *)(ip + 1) > end || ip->version != 6)
		return false;
	ret->at = ret->l3 + sizeof(*ip);
	ret->flow.proto = ip->nexthdr;
	__builtin_memcpy(&ret->flow.source, &ip->daddr, sizeof(ret->flow.source));
	__builtin_memcpy(&ret->flow.dest, &ip->saddr, sizeof(ret->flow.dest));
	return true;
}

/* False: there is no packet of TCP or UDP in it, or too little of it. */
static __always_inline bool icmp_read_quote(const struct xdp_md *ctx, const struct packet *packet,
					    struct flight_quote *ret)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;

	__builtin_memset(ret, 0, sizeof(*ret));
	ret->flow.is_v4 = packet->is_v4;
	ret->flow.l3 = packet->l3;
	/* Where no QUIC header is looked for. */
	ret->flow.at = PARSE_HEADERS_MAX + 1;
	ret->l3 = packet->at + PARSE_ICMP_BYTES;
	if (packet->at > PARSE_HEADERS_MAX)
		return false;
	if (packet->is_v4 ? !icmp_quote_v4(data, end, ret) : !icmp_quote_v6(data, end, ret))
		return false;
	const __be16 *port = data + parse_within(ret->at);

	/* RFC 792: eight bytes of it are there. */
	if ((const void *)(port + 4) > end ||
	    (ret->flow.proto != IPPROTO_TCP && ret->flow.proto != IPPROTO_UDP))
		return false;
	ret->flow.dest_port = port[0];
	ret->flow.source_port = port[1];
	return true;
}

/* Changes a word of the quoted packet's own checksum, if it is quoted; returns the change. */
static __always_inline __u64 icmp_inner_check(void *data, const void *end,
					      const struct flight_quote *quote, __u64 change,
					      __u64 sum)
{
	bool is_tcp = quote->flow.proto == IPPROTO_TCP;
	__u32 at = quote->at + (is_tcp ? REWRITE_TCP_CHECK : REWRITE_UDP_CHECK);
	__u16 *check = data + parse_within(at);

	if ((const void *)(check + 1) > end)
		return sum;
	__u16 old = *check, now = is_tcp ? sum_apply(old, change) : sum_apply_udp(old, change);

	*check = now;
	return sum_change16(sum, old, now);
}

/*
 * Gives the quoted packet other ends and the error itself other addresses. inner is what the quoted
 * packet says and what it shall say, outer the same of the error's own header.
 */
static __always_inline bool icmp_rewrite(struct xdp_md *ctx, const struct packet *packet,
					 const struct flight_quote *quote,
					 const struct rewrite_ends inner[2],
					 const struct rewrite_ends outer[2])
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = parse_within(quote->l3), at = packet->at;
	__be16 *port = data + parse_within(quote->at);
	struct icmp_make_words *words = data + parse_within(at);
	__u64 change = rewrite_change(&inner[0], &inner[1], true), sum = change;

	if (data + sizeof(struct ethhdr) > end || (void *)(words + 1) > end ||
	    (void *)(port + 2) > end || packet->l3 > REWRITE_L3_MAX)
		return false;
	port[0] = inner[1].source_port;
	port[1] = inner[1].dest_port;
	sum = icmp_inner_check(data, end, quote, change, sum);
	if (packet->is_v4) {
		struct iphdr *ip = data + l3;

		if ((void *)(ip + 1) > end)
			return false;
		__u16 old = ip->check;

		if (!rewrite_network(data, end, l3, true, &inner[0], &inner[1], false))
			return false;
		sum = sum_change16(sum, old, ip->check);
	} else {
		if (!rewrite_network(data, end, l3, false, &inner[0], &inner[1], false))
			return false;
		sum += rewrite_change(&outer[0], &outer[1], false);
	}
	words->check = sum_apply(words->check, sum);
	return rewrite_network(data, end, packet->l3, packet->is_v4, &outer[0], &outer[1], true);
}

#endif
