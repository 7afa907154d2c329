// SPDX-License-Identifier: Apache-2.0
/* packet_make: see the header. */
#include "app/packet_make.h"

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/in.h>
#include <string.h>

enum {
	TCP_BYTES = 20,
	UDP_BYTES = 8,
	ICMP_BYTES = 8,
	FRAGMENT_BYTES = 8, /* IPv6's header of fragments, and the unit of their offsets */
	LATER_BYTES = 16,   /* of a later fragment */
	WINDOW = 64240,
	DONT_FRAGMENT = 0x4000,
	MORE_V4 = 0x2000,
	MORE_V6 = 1,
	/* IANA's numbers of ICMP and ICMPv6 types; codes: 3 and 4 of "unreachable": port, too big.
	 */
	CODE_PORT_V4 = 3,
	CODE_PORT_V6 = 4,
	CODE_TOO_BIG_V4 = 4,
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t sum_of(const uint8_t *at, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	return n % 2 ? sum + (uint32_t)(at[n - 1] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint8_t number_of(const struct packet_spec *spec, bool is_v4)
{
	return spec->proto == IPPROTO_ICMP && !is_v4 ? IPPROTO_ICMPV6 : spec->proto;
}

struct ends {
	const struct packet_end *source, *dest;
	uint8_t proto, ttl;
};

/* An IP header for n bytes behind it; returns its length. flags: IPv4's word of fragments. */
static size_t put_ip(uint8_t *ip, const struct ends *ends, size_t n, uint16_t id, uint32_t flags)
{
	if (!addr_is_v4(&ends->dest->addr)) {
		ip[0] = 0x60;
		put16(ip + 4, (uint32_t)n);
		ip[6] = ends->proto;
		ip[7] = ends->ttl;
		memcpy(ip + 8, ends->source->addr.byte, 16);
		memcpy(ip + 24, ends->dest->addr.byte, 16);
		return sizeof(struct ipv6hdr);
	}
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(sizeof(struct iphdr) + n));
	put16(ip + 4, id);
	put16(ip + 6, flags);
	ip[8] = ends->ttl;
	ip[9] = ends->proto;
	memcpy(ip + 12, ends->source->addr.byte + 12, 4);
	memcpy(ip + 16, ends->dest->addr.byte + 12, 4);
	put16(ip + 10, fold(sum_of(ip, sizeof(struct iphdr), 0)));
	return sizeof(struct iphdr);
}

/* The packet that an error is about: its IP header and the first eight bytes behind. */
static size_t put_quote(const struct packet_spec *spec, uint8_t *at)
{
	bool is_v4 = addr_is_v4(&spec->dest.addr);
	const struct ends ends = {.source = &spec->about_source,
				  .dest = &spec->about_dest,
				  .proto = spec->about_proto == IPPROTO_ICMP && !is_v4
						   ? IPPROTO_ICMPV6
						   : spec->about_proto,
				  .ttl = spec->ttl};
	size_t n = put_ip(at, &ends, TCP_BYTES, 0, DONT_FRAGMENT);

	put16(at + n, spec->about_source.port);
	put16(at + n + 2, spec->about_dest.port);
	return n + ICMP_BYTES;
}

static size_t put_icmp(const struct packet_spec *spec, uint8_t *at)
{
	static const uint8_t types[][2] = {[PACKET_ECHO] = {128, 8},
					   [PACKET_ECHO_REPLY] = {129, 0},
					   [PACKET_UNREACHABLE] = {1, 3},
					   [PACKET_TOO_BIG] = {2, 3},
					   [PACKET_TIME_EXCEEDED] = {3, 11}};
	bool is_v4 = addr_is_v4(&spec->dest.addr);

	at[0] = types[spec->icmp][is_v4];
	if (spec->icmp == PACKET_UNREACHABLE)
		at[1] = is_v4 ? CODE_PORT_V4 : CODE_PORT_V6;
	else if (spec->icmp == PACKET_TOO_BIG && is_v4)
		at[1] = CODE_TOO_BIG_V4;
	if (spec->icmp == PACKET_TOO_BIG)
		put16(at + 6, spec->mtu);
	if (spec->about_proto)
		return ICMP_BYTES + put_quote(spec, at + ICMP_BYTES);
	memcpy(at + ICMP_BYTES, spec->payload, spec->payload_bytes);
	return ICMP_BYTES + (size_t)spec->payload_bytes;
}

/* The transport header and payload at `at`; returns their length. */
static size_t put_transport(const struct packet_spec *spec, uint8_t *at)
{
	bool is_v4 = addr_is_v4(&spec->dest.addr);
	size_t head = spec->proto == IPPROTO_TCP ? TCP_BYTES : UDP_BYTES;
	size_t n = head + spec->payload_bytes;
	uint32_t pseudo = 0;
	uint8_t *sum = at + 2; /* ICMP's place */

	/* A fragment that another one follows is of whole units. */
	if (spec->fragment)
		n = (n + FRAGMENT_BYTES - 1) / FRAGMENT_BYTES * FRAGMENT_BYTES;
	if (spec->proto == IPPROTO_ICMP) {
		n = put_icmp(spec, at);
	} else {
		memcpy(at + head, spec->payload, spec->payload_bytes);
		put16(at, spec->source.port);
		put16(at + 2, spec->dest.port);
	}
	if (spec->proto == IPPROTO_TCP) {
		at[12] = TCP_BYTES / 4 << 4;
		at[13] = spec->tcp_flags;
		put16(at + 14, WINDOW);
		sum = at + 16;
	} else if (spec->proto == IPPROTO_UDP) {
		put16(at + 4, (uint32_t)n + (spec->fragment ? LATER_BYTES : 0));
		sum = at + 6;
	}
	/* ICMP over IPv4 alone has no pseudo header. */
	if (spec->proto != IPPROTO_ICMP || !is_v4) {
		size_t skip = is_v4 ? 12 : 0;

		pseudo = sum_of(spec->source.addr.byte + skip, 16 - skip, 0);
		pseudo = sum_of(spec->dest.addr.byte + skip, 16 - skip, pseudo);
		pseudo += (uint32_t)n + number_of(spec, is_v4);
	}
	put16(sum, fold(sum_of(at, n, pseudo)));
	return n;
}

static size_t put_link(const struct packet_spec *spec, uint8_t *frame)
{
	bool is_v4 = addr_is_v4(&spec->dest.addr);
	size_t at = 12;

	frame[5] = 2; /* link addresses of nobody */
	frame[11] = 1;
	frame[0] = frame[6] = 2;
	for (size_t i = 0; i < spec->n_tags; i++, at += 4) {
		put16(frame + at, spec->n_tags == 2 && !i ? ETH_P_8021AD : ETH_P_8021Q);
		put16(frame + at + 2, spec->tags[i]);
	}
	put16(frame + at, is_v4 ? ETH_P_IP : ETH_P_IPV6);
	return at + 2;
}

/* A packet, or the piece of one: later tells which. */
static void put_frame(const struct packet_spec *spec, bool is_later, struct packet_frame *frame)
{
	bool is_v4 = addr_is_v4(&spec->dest.addr);
	struct ends ends = {&spec->source, &spec->dest, number_of(spec, is_v4), spec->ttl};
	uint8_t transport[PACKET_MAKE_ROOM] = {0};
	size_t n = put_transport(spec, transport), units = n / FRAGMENT_BYTES, extra = 0;
	uint32_t flags = !spec->fragment ? DONT_FRAGMENT : is_later ? (uint32_t)units : MORE_V4;

	memset(frame, 0, sizeof(*frame));
	size_t at = put_link(spec, frame->at);

	if (is_later) {
		memset(transport, 0, LATER_BYTES);
		n = LATER_BYTES;
	}
	if (spec->fragment && !is_v4) {
		extra = FRAGMENT_BYTES;
		ends.proto = IPPROTO_FRAGMENT;
	}
	at += put_ip(frame->at + at, &ends, n + extra, spec->id, flags);
	if (extra) {
		frame->at[at] = number_of(spec, is_v4);
		put16(frame->at + at + 2, is_later ? (uint32_t)units << 3 : MORE_V6);
		put16(frame->at + at + 6, spec->id);
		at += extra;
	}
	memcpy(frame->at + at, transport, n);
	frame->n = at + n;
}

size_t packet_make(const struct packet_spec *spec, struct packet_frame ret_frames[PACKET_MAKE_MAX])
{
	size_t n = 0;

	if (spec->fragment == PACKET_NEXT)
		put_frame(spec, false, &ret_frames[n++]);
	put_frame(spec, spec->fragment == PACKET_NEXT || spec->fragment == PACKET_LATE,
		  &ret_frames[n++]);
	return n;
}
