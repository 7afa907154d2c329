/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef PARSE_H
#define PARSE_H

/*
 * parse: a frame's headers, without a map or a helper, so that it runs in a fuzzer on the host
 * unchanged.
 *
 * Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with up to PARSE_EXT_MAX extension
 * headers, TCP, UDP, ICMP. What the kernel would throw away too (short, lying or impossible
 * headers) is dropped here and counted; what is none of our business passes. Fragments: a first one
 * is handled like a whole packet but must hold its TCP or UDP header; later ones pass, because
 * without the first they are never delivered.
 *
 * Only the first buffer of a multi-buffer frame is read: headers that do not fit in it count as
 * malformed.
 */

#include <stdbool.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "abi.h"
#include "verdict.h"

enum {
	PARSE_VLAN_MAX = 2,
	PARSE_TAGS_AT = 12,	     /* offset of VLAN tags: behind the addresses */
	PARSE_TAG_PRIORITY = 0xf000, /* of a tag */
	PARSE_EXT_MAX = 6,
	PARSE_ICMP_BYTES = 8,
	PARSE_HEADERS_MAX = 16384,
	PARSE_V4_OFFSET = 0x1fff,
	PARSE_V4_MORE = 0x2000,
	PARSE_V6_OFFSET = 0xfff8,
	PARSE_V6_MORE = 0x0001,
	PARSE_TCP_FLAGS = 13, /* offset of the byte */
	PARSE_SYN = 0x02,
	PARSE_SYN_ACK = 0x12,
};

struct packet {
	struct abi_addr source __attribute__((aligned(8))), dest __attribute__((aligned(8)));
	__be16 source_port, dest_port;
	__u8 proto;
	bool is_v4;
	bool is_syn;	  /* asks for a new TCP connection */
	bool is_fragment; /* the first of several */
	__u8 l3;	  /* offset of the IP header */
	__u8 tcp_flags;	  /* the header's byte 13 */
	__u16 pad;
	__u32 at;	   /* offset of the header that proto names */
	__u32 rest;	   /* bytes from there to the end, as the IP header says */
	__u32 first_bytes; /* in the frame's first buffer */
	__u32 bytes; /* of the frame: what is there, or what the headers say if that is more */
};

/*
 * An offset as the verifier wants to see it, whatever it has lost sight of: verifiers before Linux
 * 6.18 forget what was checked of a value when another one is made of it, and compilers drop a mask
 * that they know to change nothing.
 */
static __always_inline __u32 parse_within(__u32 at)
{
	asm volatile("" : "+r"(at));
	return at & (2 * PARSE_HEADERS_MAX - 1);
}

struct parse_vlan {
	__be16 tag;
	__be16 proto;
};

struct parse_ext {
	__u8 next;
	__u8 length;
	__be16 fragment; /* of a fragment header: offset and the "more" bit */
	__be32 id;
};

/*
 * Addresses are written in halves: who reads eight bytes that were just written as twice four waits
 * until they have left the processor's store queue.
 */
typedef __u64 __attribute__((may_alias)) parse_half;

static __always_inline void parse_put_v4(struct abi_addr *ret, __be32 addr)
{
	parse_half *half = (parse_half *)ret;

	half[0] = 0;
	half[1] = (__u64)addr << 32 | bpf_htonl(0xffff);
}

static __always_inline void parse_put_v6(struct abi_addr *ret, const struct in6_addr *addr)
{
	parse_half *half = (parse_half *)ret;
	__u64 high, low;

	__builtin_memcpy(&high, addr, sizeof(high));
	__builtin_memcpy(&low, (const __u8 *)addr + sizeof(high), sizeof(low));
	half[0] = high;
	half[1] = low;
}

static __always_inline int parse_ipv4(const void *data, __u32 at, const void *end,
				      struct packet *ret)
{
	const struct iphdr *ip = data + at;

	if ((const void *)(ip + 1) > end)
		return verdict_drop(ABI_DROP_MALFORMED);

	__u32 header_bytes = ip->ihl * 4u;
	__u32 total_bytes = bpf_ntohs(ip->tot_len);

	/* RFC 791 3.1: at least five words of header, all of it inside the datagram. */
	if (ip->version != 4 || header_bytes < sizeof(*ip) || total_bytes < header_bytes)
		return verdict_drop(ABI_DROP_MALFORMED);
	ret->is_v4 = true;
	ret->proto = ip->protocol;
	ret->at = at + header_bytes;
	ret->rest = total_bytes - header_bytes;
	parse_put_v4(&ret->source, ip->saddr);
	parse_put_v4(&ret->dest, ip->daddr);
	if (ip->frag_off & bpf_htons(PARSE_V4_OFFSET))
		return verdict_pass(ABI_PASS_FRAGMENT);
	ret->is_fragment = ip->frag_off & bpf_htons(PARSE_V4_MORE);
	return VERDICT_OPEN;
}

static __always_inline int parse_ipv6(const void *data, __u32 at, const void *end,
				      struct packet *ret)
{
	const struct ipv6hdr *ip = data + at;

	if ((const void *)(ip + 1) > end || ip->version != 6)
		return verdict_drop(ABI_DROP_MALFORMED);
	parse_put_v6(&ret->source, &ip->saddr);
	parse_put_v6(&ret->dest, &ip->daddr);
	/* An IPv4-mapped source must not be taken for the IPv4 host; Linux drops it as well. */
	if (!ret->source.word[0] && !ret->source.word[1] &&
	    ret->source.word[2] == bpf_htonl(0xffff))
		return verdict_drop(ABI_DROP_MALFORMED);
	ret->proto = ip->nexthdr;
	ret->at = at + sizeof(*ip);
	ret->rest = bpf_ntohs(ip->payload_len);
	/* RFC 2675: length 0 before a hop-by-hop header is a jumbogram; the frame's length counts
	 * then. */
	if (!ret->rest && ip->nexthdr == IPPROTO_HOPOPTS && end - data > ret->at)
		ret->rest = end - data - ret->at;
	return VERDICT_OPEN;
}

/* Ethernet, VLAN tags and the IP header. *ret must be zeroed before. */
static __always_inline int parse_network(const void *data, const void *end, struct packet *ret)
{
	const struct ethhdr *eth = data;
	__u32 at = sizeof(*eth);
	int verdict;

	ret->first_bytes = end - data;
	ret->bytes = ret->first_bytes;
	if ((const void *)(eth + 1) > end)
		return verdict_drop(ABI_DROP_MALFORMED);

	/* By its place: the struct is packed, and would be read by bytes. */
	__be16 proto = *(const __be16 *)(data + 2 * ETH_ALEN);

	for (int i = 0; i < PARSE_VLAN_MAX; i++) {
		const struct parse_vlan *vlan = data + at;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((const void *)(vlan + 1) > end)
			return verdict_drop(ABI_DROP_MALFORMED);
		at += sizeof(*vlan);
		proto = vlan->proto;
	}
	ret->l3 = at;
	if (proto == bpf_htons(ETH_P_IP))
		verdict = parse_ipv4(data, at, end, ret);
	else if (proto == bpf_htons(ETH_P_IPV6))
		verdict = parse_ipv6(data, at, end, ret);
	else
		return verdict_pass(ABI_PASS_NOT_IP);
	/* Longer than the first buffer: a multi-buffer frame, or a lie that the caller finds out.
	 */
	if (ret->at + ret->rest > ret->bytes)
		ret->bytes = ret->at + ret->rest;
	return verdict;
}

/* Whether the header is one that we step over. */
static __always_inline bool parse_is_ext(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_DSTOPTS || proto == IPPROTO_AH;
}

enum { PARSE_WALK_FRAGMENT = 1 << 8, PARSE_WALK_SHIFT = 16 };

/*
 * Walks over extension headers that start at offset at. Returns the verdict when it is final, else
 * bytes << PARSE_WALK_SHIFT | PARSE_WALK_FRAGMENT | next header, with bit 31 set: a scalar, so that
 * it can be a function of its own for the verifier.
 */
static __always_inline __u32 parse_walk(const void *data, const void *end, __u32 at, __u32 proto)
{
	__u32 flags = 1u << 31, start = at;

	for (int i = 0; i < PARSE_EXT_MAX && parse_is_ext(proto); i++) {
		const struct parse_ext *ext = data + parse_within(at);

		if (at > PARSE_HEADERS_MAX || (const void *)(ext + 1) > end)
			return verdict_drop(ABI_DROP_MALFORMED);
		__u32 bytes = (ext->length + 1u) * 8; /* RFC 8200 4.3 */

		if (proto == IPPROTO_FRAGMENT) {
			if (ext->fragment & bpf_htons(PARSE_V6_OFFSET))
				return verdict_pass(ABI_PASS_FRAGMENT);
			if (ext->fragment & bpf_htons(PARSE_V6_MORE))
				flags |= PARSE_WALK_FRAGMENT;
			bytes = sizeof(*ext);
		} else if (proto == IPPROTO_AH) {
			bytes = (ext->length + 2u) * 4; /* RFC 4302 2.2 */
		}
		proto = ext->next;
		at += bytes;
	}
	if (parse_is_ext(proto))
		return verdict_drop(ABI_DROP_EXT_HEADERS);
	return flags | (at - start) << PARSE_WALK_SHIFT | proto;
}

/* Takes over what parse_walk() returned. */
static __always_inline int parse_walked(__u32 walked, struct packet *ret)
{
	__u32 bytes = walked >> PARSE_WALK_SHIFT & 0x7fff;

	if (!(walked >> 31))
		return walked;
	if (ret->rest < bytes)
		return verdict_drop(ABI_DROP_MALFORMED);
	ret->proto = walked;
	ret->is_fragment = walked & PARSE_WALK_FRAGMENT;
	ret->at += bytes;
	ret->rest -= bytes;
	return VERDICT_OPEN;
}

/* The TCP or UDP header; VERDICT_OPEN when the packet has ports. */
static __always_inline int parse_transport(const void *data, const void *end, struct packet *ret)
{
	int cut = verdict_drop(ret->is_fragment ? ABI_DROP_TINY_FRAGMENT : ABI_DROP_MALFORMED);
	__u32 at = ret->at, rest = ret->rest;

	/* The bound is for the verifier: no chain of headers that gets here is longer. */
	if (at > PARSE_HEADERS_MAX)
		return verdict_drop(ABI_DROP_MALFORMED);
	at = parse_within(at);
	if (ret->proto == IPPROTO_TCP) {
		const struct tcphdr *tcp = data + at;

		if ((const void *)(tcp + 1) > end || rest < sizeof(*tcp))
			return cut;
		/* RFC 9293 3.1: the data offset counts 32-bit words and is at least 5. */
		if (tcp->doff < 5 || rest < tcp->doff * 4u)
			return cut;
		ret->source_port = tcp->source;
		ret->dest_port = tcp->dest;
		ret->tcp_flags = ((const __u8 *)tcp)[PARSE_TCP_FLAGS];
		ret->is_syn = (ret->tcp_flags & PARSE_SYN_ACK) == PARSE_SYN;
		return VERDICT_OPEN;
	}
	if (ret->proto == IPPROTO_UDP) {
		const struct udphdr *udp = data + at;

		if ((const void *)(udp + 1) > end || rest < sizeof(*udp))
			return cut;
		ret->source_port = udp->source;
		ret->dest_port = udp->dest;
		return VERDICT_OPEN;
	}
	if (ret->proto == (ret->is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) &&
	    (data + at + PARSE_ICMP_BYTES > end || rest < PARSE_ICMP_BYTES))
		return cut;
	return verdict_pass(ABI_PASS_OTHER_PROTO);
}

#endif
