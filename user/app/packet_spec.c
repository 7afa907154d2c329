// SPDX-License-Identifier: Apache-2.0
/* packet_spec: see the header. */
#include "app/packet_spec.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/in.h>
#include <string.h>

#include "base/addr.h"
#include "base/num.h"

enum {
	TTL = 64,
	PORT_SOURCE = 40000,
	PORT_DEST = 80,
	TCP_BYTES = 20,
	UDP_BYTES = 8,
	ICMP_BYTES = 8,
	FLAG_FIN = 1,
	FLAG_SYN = 2,
	FLAG_RST = 4,
	FLAG_ACK = 16,
	WINDOW = 64240,
};

struct spec {
	uint8_t proto, flags, ttl;
	struct addr source, dest;
	uint16_t source_port, dest_port, vlan, payload;
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80" */
static bool read_end(struct str word, struct addr *addr, uint16_t *port)
{
	ptrdiff_t colon = str_rfind(word, ':');
	uint64_t number;

	if (addr_parse(word, addr) == 0)
		return true;
	if (colon < 1 || num_uint64(str_from(word, (size_t)colon + 1), &number) ||
	    number > UINT16_MAX)
		return false;
	*port = (uint16_t)number;
	word = str_take(word, (size_t)colon);
	if (word.len > 2 && word.at[0] == '[' && word.at[word.len - 1] == ']')
		word = str_n(word.at + 1, word.len - 2);
	return addr_parse(word, addr) == 0;
}

static bool read_word(struct str word, struct spec *spec)
{
	static const struct {
		struct str name;
		uint8_t bit;
	} bits[] = {{{"syn", 3}, FLAG_SYN},
		    {{"ack", 3}, FLAG_ACK},
		    {{"fin", 3}, FLAG_FIN},
		    {{"rst", 3}, FLAG_RST}};
	ptrdiff_t equal = str_find(word, '=');
	uint64_t number = 0;

	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		if (str_eq_nocase(word, bits[i].name)) {
			spec->flags |= bits[i].bit;
			return true;
		}
	}
	if (equal < 0 || num_uint64(str_from(word, (size_t)equal + 1), &number))
		return false;
	word = str_take(word, (size_t)equal);
	if (str_eq(word, STR("vlan")) && number > 0 && number < 4095)
		spec->vlan = (uint16_t)number;
	else if (str_eq(word, STR("ttl")) && number <= UINT8_MAX)
		spec->ttl = (uint8_t)number;
	else if (str_eq(word, STR("payload")) && number <= PACKET_SPEC_PAYLOAD_MAX)
		spec->payload = (uint16_t)number;
	else
		return false;
	return true;
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

/* The transport header and payload at `at`; returns their length. */
static size_t put_transport(const struct spec *spec, bool is_v4, uint8_t *at)
{
	size_t head = spec->proto == IPPROTO_TCP   ? TCP_BYTES
		      : spec->proto == IPPROTO_UDP ? UDP_BYTES
						   : ICMP_BYTES;
	size_t n = head + spec->payload;
	uint32_t pseudo = 0;
	uint8_t *sum = at + 2; /* ICMP's place */

	put16(at, spec->source_port);
	put16(at + 2, spec->dest_port);
	if (spec->proto == IPPROTO_TCP) {
		at[12] = TCP_BYTES / 4 << 4;
		at[13] = spec->flags ? spec->flags : FLAG_ACK;
		put16(at + 14, WINDOW);
		sum = at + 16;
	} else if (spec->proto == IPPROTO_UDP) {
		put16(at + 4, (uint32_t)n);
		sum = at + 6;
	} else {
		memset(at, 0, ICMP_BYTES);
		at[0] = is_v4 ? 8 : 128; /* an echo request */
	}
	/* ICMP over IPv4 alone has no pseudo header. */
	if (spec->proto != IPPROTO_ICMP) {
		size_t skip = is_v4 ? 12 : 0;

		pseudo = sum_of(spec->source.byte + skip, 16 - skip, 0);
		pseudo = sum_of(spec->dest.byte + skip, 16 - skip, pseudo);
		pseudo += (uint32_t)n + spec->proto;
	}
	put16(sum, fold(sum_of(at, n, pseudo)));
	return n;
}

static size_t put_frame(struct spec *spec, uint8_t *frame)
{
	bool is_v4 = addr_is_v4(&spec->dest);
	size_t at = 12;

	memset(frame, 0, PACKET_SPEC_ROOM);
	frame[5] = 2; /* link addresses of nobody */
	frame[11] = 1;
	frame[0] = frame[6] = 2;
	if (spec->vlan) {
		put16(frame + at, ETH_P_8021Q);
		put16(frame + at + 2, spec->vlan);
		at += 4;
	}
	put16(frame + at, is_v4 ? ETH_P_IP : ETH_P_IPV6);
	uint8_t *ip = frame + at + 2;
	size_t head = is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (!is_v4 && spec->proto == IPPROTO_ICMP)
		spec->proto = IPPROTO_ICMPV6;
	size_t n = put_transport(spec, is_v4, ip + head);

	if (is_v4) {
		ip[0] = 0x45;
		put16(ip + 2, (uint32_t)(head + n));
		put16(ip + 6, 0x4000); /* do not fragment */
		ip[8] = spec->ttl;
		ip[9] = spec->proto;
		memcpy(ip + 12, spec->source.byte + 12, 4);
		memcpy(ip + 16, spec->dest.byte + 12, 4);
		put16(ip + 10, fold(sum_of(ip, head, 0)));
	} else {
		ip[0] = 0x60;
		put16(ip + 4, (uint32_t)n);
		ip[6] = spec->proto;
		ip[7] = spec->ttl;
		memcpy(ip + 8, spec->source.byte, 16);
		memcpy(ip + 24, spec->dest.byte, 16);
	}
	return at + 2 + head + n;
}

size_t packet_spec(const struct strs *words, uint8_t ret_frame[PACKET_SPEC_ROOM],
		   const char **ret_wrong, struct str *ret_word)
{
	struct spec spec = {.ttl = TTL, .source_port = PORT_SOURCE, .dest_port = PORT_DEST};

	*ret_word = words->n ? words->at[0] : (struct str){0};
	*ret_wrong = "wants PROTOCOL SOURCE DEST [WORD...], such as tcp 198.51.100.7:4000 "
		     "192.0.2.1:80 syn";
	if (words->n < 3)
		return 0;
	*ret_wrong = "is no protocol: tcp, udp or icmp";
	if (str_eq_nocase(words->at[0], STR("tcp")))
		spec.proto = IPPROTO_TCP;
	else if (str_eq_nocase(words->at[0], STR("udp")))
		spec.proto = IPPROTO_UDP;
	else if (str_eq_nocase(words->at[0], STR("icmp")))
		spec.proto = IPPROTO_ICMP;
	else
		return 0;
	*ret_wrong = "is no address, with or without a port";
	*ret_word = words->at[1];
	if (!read_end(words->at[1], &spec.source, &spec.source_port))
		return 0;
	*ret_word = words->at[2];
	if (!read_end(words->at[2], &spec.dest, &spec.dest_port))
		return 0;
	*ret_wrong = "is of another family than the source";
	if (addr_is_v4(&spec.source) != addr_is_v4(&spec.dest))
		return 0;
	*ret_wrong = "is none of syn, ack, fin, rst, vlan=1..4094, ttl=0..255, payload=0..1400";
	for (size_t i = 3; i < words->n; i++) {
		*ret_word = words->at[i];
		if (!read_word(words->at[i], &spec))
			return 0;
	}
	return put_frame(&spec, ret_frame);
}
