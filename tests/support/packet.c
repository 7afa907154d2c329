// SPDX-License-Identifier: Apache-2.0
/* packet: see packet.h. */
#include "packet.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

enum {
	HOP_BY_HOP = 255,
	V6_HEADER = 40,
	V4_HEADER = 20,
	TCP_HEADER = 20,
	UDP_HEADER = 8,
	ICMP_HEADER = 8
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t sum(const uint8_t *at, size_t n, uint32_t start)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		start += (uint32_t)at[i] << 8 | at[i + 1];
	if (n & 1)
		start += (uint32_t)at[n - 1] << 8;
	return start;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static size_t put_transport(const struct packet_spec *spec, uint8_t proto, uint8_t *at)
{
	size_t header = proto == IPPROTO_TCP   ? TCP_HEADER
			: proto == IPPROTO_UDP ? UDP_HEADER
					       : ICMP_HEADER;

	if (spec->fragment_offset) /* a later fragment holds payload only */
		return spec->payload_bytes;
	put16(at, spec->source_port ? spec->source_port : 40000);
	put16(at + 2, spec->dest_port ? spec->dest_port : 80);
	if (proto == IPPROTO_TCP) {
		at[12] = (uint8_t)((spec->say_doff ? spec->say_doff : 5) << 4);
		at[13] = spec->tcp_flags ? spec->tcp_flags : PACKET_ACK;
		put16(at + 14, 65535);
	} else if (proto == IPPROTO_UDP) {
		put16(at + 4, UDP_HEADER + spec->payload_bytes);
	} else {
		at[0] = proto == IPPROTO_ICMPV6 ? 128 : 8;
		at[1] = 0;
	}
	for (unsigned i = 0; i < spec->payload_bytes; i++)
		at[header + i] = (uint8_t)i;
	return header + spec->payload_bytes;
}

/* The checksum over the pseudo header; addresses stand behind each other in both families. */
static void put_checksum(uint8_t proto, const uint8_t *addrs, size_t addr_bytes, uint8_t *at,
			 size_t n)
{
	size_t where = proto == IPPROTO_TCP ? 16 : proto == IPPROTO_UDP ? 6 : 2;
	uint32_t pseudo =
		proto == IPPROTO_ICMP ? 0 : sum(addrs, addr_bytes * 2, proto + (uint32_t)n);

	if (n < where + 2)
		return;
	put16(at + where, 0);
	put16(at + where, fold(sum(at, n, pseudo)));
}

static size_t put_v4(const struct packet_spec *spec, uint8_t *at)
{
	size_t header = V4_HEADER + spec->option_words * 4u;
	uint8_t proto = spec->proto ? spec->proto : IPPROTO_TCP;
	size_t rest = put_transport(spec, proto, at + header);
	size_t total = spec->say_length ? (size_t)spec->say_length : header + rest;

	at[0] = (uint8_t)((spec->say_version ? spec->say_version : 4) << 4 |
			  (spec->say_ihl ? spec->say_ihl : 5 + spec->option_words));
	put16(at + 2, (uint32_t)total);
	put16(at + 6, (spec->more_fragments ? 0x2000u : 0) | spec->fragment_offset);
	at[8] = 64;
	at[9] = proto;
	inet_pton(AF_INET, spec->source ? spec->source : "198.51.100.7", at + 12);
	inet_pton(AF_INET, spec->dest ? spec->dest : "192.0.2.1", at + 16);
	memset(at + V4_HEADER, 1, spec->option_words * 4u); /* no-operation */
	put16(at + 10, 0);
	put16(at + 10, fold(sum(at, header, 0)));
	if (!spec->fragment_offset)
		put_checksum(proto, at + 12, 4, at + header, rest);
	return header + rest;
}

static size_t put_ext(const struct packet_spec *spec, uint8_t kind, uint8_t *at)
{
	if (kind == IPPROTO_FRAGMENT) {
		put16(at + 2,
		      (uint32_t)spec->fragment_offset << 3 | (spec->more_fragments ? 1 : 0));
		return 8;
	}
	at[1] = spec->ext_units;
	if (kind == IPPROTO_AH) {
		at[1] = 4;
		return 24;
	}
	return (spec->ext_units + 1u) * 8;
}

static size_t put_v6(const struct packet_spec *spec, uint8_t *at)
{
	uint8_t proto = spec->proto ? spec->proto : IPPROTO_TCP, *next = at + 6;
	size_t n = V6_HEADER;

	at[0] = (uint8_t)((spec->say_version ? spec->say_version : 6) << 4);
	at[7] = 64;
	inet_pton(AF_INET6, spec->source, at + 8);
	inet_pton(AF_INET6, spec->dest ? spec->dest : "2001:db8::1", at + 24);
	for (int i = 0; i < PACKET_EXTS_MAX && spec->exts[i]; i++) {
		uint8_t kind = spec->exts[i] == HOP_BY_HOP ? 0 : spec->exts[i];

		*next = kind;
		next = at + n;
		n += put_ext(spec, kind, at + n);
	}
	*next = proto;
	size_t rest = put_transport(spec, proto, at + n);

	if (!spec->fragment_offset)
		put_checksum(proto, at + 8, 16, at + n, rest);
	n += rest;
	put16(at + 4, spec->say_length ? (uint32_t)spec->say_length : (uint32_t)(n - V6_HEADER));
	return n;
}

size_t packet_build(const struct packet_spec *spec, uint8_t ret_frame[PACKET_ROOM])
{
	bool is_v6 = spec->source && strchr(spec->source, ':');
	uint8_t *at = ret_frame + 12;

	memset(ret_frame, 0, PACKET_ROOM);
	memcpy(ret_frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
	for (int i = 0; i < spec->n_vlans; i++) {
		put16(at, !i && spec->vlan_type ? spec->vlan_type : ETH_P_8021Q);
		put16(at + 2, 100u + (uint32_t)i);
		at += 4;
	}
	put16(at, spec->ether_type ? spec->ether_type : is_v6 ? ETH_P_IPV6 : ETH_P_IP);
	at += 2;
	at += is_v6 ? put_v6(spec, at) : put_v4(spec, at);

	size_t n = (size_t)(at - ret_frame);

	assert(n <= PACKET_ROOM && spec->frame_bytes <= PACKET_ROOM);
	return n < spec->frame_bytes ? spec->frame_bytes : n;
}

void packet_set_source(uint8_t *frame, const char *first, uint32_t index)
{
	uint8_t *ip = frame + ETH_HLEN;
	bool is_v6 = ip[0] >> 4 == 6;
	uint8_t *source = ip + (is_v6 ? 8 : 12);
	/* IPv4 hosts, IPv6 /64 networks */
	uint8_t *word = source + (is_v6 ? 4 : 0);
	uint32_t value;

	inet_pton(is_v6 ? AF_INET6 : AF_INET, first, source);
	memcpy(&value, word, sizeof(value));
	value = htonl(ntohl(value) + index);
	memcpy(word, &value, sizeof(value));
	if (!is_v6) {
		put16(ip + 10, 0);
		put16(ip + 10, fold(sum(ip, (ip[0] & 15) * 4u, 0)));
	}
}
