/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef REWRITE_H
#define REWRITE_H

/*
 * rewrite: other addresses and ports in a packet, with its checksums, its time to live and its MSS.
 *
 * Without a map or a helper, so that it runs in tests and in a fuzzer on the host unchanged. The
 * packet keeps its length. A rewrite either happens as a whole or, when a header is not where the
 * caller says, not at all.
 */

#include "parse.h"
#include "sum.h"

enum {
	REWRITE_L3_MAX = 22, /* Ethernet and two tags */
	REWRITE_OPTIONS_MAX = 40,
	REWRITE_OPTIONS_MASK = 511,
	REWRITE_MSS_KIND = 2,
	REWRITE_MSS_BYTES = 4,
	REWRITE_TCP_CHECK = 16, /* offsets of the checksums */
	REWRITE_UDP_CHECK = 6,
	REWRITE_ICMP_CHECK = 2,
};

/* What a packet's ends are, or should become. */
struct rewrite_ends {
	struct abi_addr source, dest;
	__be16 source_port, dest_port;
};

static __always_inline struct rewrite_ends rewrite_ends_of(const struct packet *packet)
{
	return (struct rewrite_ends){packet->source, packet->dest, packet->source_port,
				     packet->dest_port};
}

/* What a checksum over pseudo header and ports has to take in. */
static __always_inline __u64 rewrite_change(const struct rewrite_ends *old,
					    const struct rewrite_ends *new, bool has_ports)
{
	__u64 change = sum_change_addr(0, &old->source, &new->source);

	change = sum_change_addr(change, &old->dest, &new->dest);
	if (!has_ports)
		return change;
	change = sum_change16(change, old->source_port, new->source_port);
	return sum_change16(change, old->dest_port, new->dest_port);
}

/* Addresses in the IP header at offset l3, and one hop less to live if so asked. */
static __always_inline bool rewrite_network(void *data, const void *end, __u32 l3, bool is_v4,
					    const struct rewrite_ends *old,
					    const struct rewrite_ends *new, bool takes_hop)
{
	if (is_v4) {
		struct iphdr *ip = data + l3;

		if ((const void *)(ip + 1) > end)
			return false;
		__u64 change = sum_change32(0, old->source.word[3], new->source.word[3]);

		change = sum_change32(change, old->dest.word[3], new->dest.word[3]);
		if (takes_hop) {
			__u16 before = ip->ttl, after = before - 1;

			change =
				sum_change16(change, bpf_htons(before << 8), bpf_htons(after << 8));
			ip->ttl = after;
		}
		ip->saddr = new->source.word[3];
		ip->daddr = new->dest.word[3];
		ip->check = sum_apply(ip->check, change);
		return true;
	}
	struct ipv6hdr *ip = data + l3;

	if ((const void *)(ip + 1) > end)
		return false;
	__builtin_memcpy(&ip->saddr, &new->source, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &new->dest, sizeof(ip->daddr));
	if (takes_hop)
		ip->hop_limit--;
	return true;
}

/* Ports and checksum of the TCP or UDP header at offset at. */
static __always_inline bool rewrite_transport(void *data, const void *end, __u32 at, __u8 proto,
					      __u64 change, const struct rewrite_ends *new)
{
	if (at > PARSE_HEADERS_MAX)
		return false;
	if (proto == IPPROTO_TCP) {
		struct tcphdr *tcp = data + at;

		if ((const void *)(tcp + 1) > end)
			return false;
		tcp->source = new->source_port;
		tcp->dest = new->dest_port;
		tcp->check = sum_apply(tcp->check, change);
		return true;
	}
	struct udphdr *udp = data + at;

	if ((const void *)(udp + 1) > end)
		return false;
	udp->source = new->source_port;
	udp->dest = new->dest_port;
	udp->check = sum_apply_udp(udp->check, change);
	return true;
}

/*
 * All of it for a packet of TCP or UDP, old being what it says now. is_later: a later fragment,
 * which has no ports: the first one's checksum covers the whole datagram.
 */
static __always_inline bool rewrite_packet(void *data, const void *end, const struct packet *packet,
					   const struct rewrite_ends *old,
					   const struct rewrite_ends *new, bool is_later)
{
	__u32 l3 = packet->l3;

	if (l3 > REWRITE_L3_MAX)
		return false;
	if (!is_later && !rewrite_transport(data, end, packet->at, packet->proto,
					    rewrite_change(old, new, true), new))
		return false;
	return rewrite_network(data, end, l3, packet->is_v4, old, new, true);
}

/*
 * A SYN's largest segment, if it is larger than limit (RFC 9293 3.7.1). at: of the TCP header.
 * Returns whether it was changed.
 */
static __always_inline bool rewrite_mss(void *data, const void *end, __u32 at, __u32 limit)
{
	struct tcphdr *tcp = data + parse_within(at);

	if ((const void *)(tcp + 1) > end)
		return false;
	__u32 room = tcp->doff * 4 - sizeof(*tcp), i = 0;

	for (int n = 0; n < REWRITE_OPTIONS_MAX && i + REWRITE_MSS_BYTES <= room; n++) {
		__u8 *option = (void *)(tcp + 1) + i;

		if ((const void *)(option + REWRITE_MSS_BYTES) > end || !option[0])
			return false;
		if (option[0] == REWRITE_MSS_KIND && option[1] == REWRITE_MSS_BYTES) {
			__u32 mss = option[2] << 8 | option[3];
			/* The words that the checksum sees depend on where the option begins. */
			bool is_odd = i & 1;
			__u16 old =
				is_odd ? bpf_htons((mss & 0xff) << 8 | mss >> 8) : bpf_htons(mss);
			__u16 new = is_odd ? bpf_htons((limit & 0xff) << 8 | limit >> 8)
					   : bpf_htons(limit);

			if (mss <= limit)
				return false;
			option[2] = limit >> 8;
			option[3] = limit;
			tcp->check = sum_apply(tcp->check, sum_change16(0, old, new));
			return true;
		}
		/* The mask says nothing new; it lets the verifier see all rounds as one. */
		i = (i + (option[0] == 1 || option[1] < 2 ? 1 : option[1])) & REWRITE_OPTIONS_MASK;
	}
	return false;
}

#endif
