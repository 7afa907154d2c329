// SPDX-License-Identifier: Apache-2.0
/*
 * packet_spec: see the header. Words are rows of a table: a name, whether a value follows "=", and
 * the function that takes it.
 */
#include "app/packet_spec.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/num.h"

enum {
	TTL = 64,
	PORT_SOURCE = 40000,
	PORT_DEST = 80,
	FLAG_FIN = 1,
	FLAG_SYN = 2,
	FLAG_RST = 4,
	FLAG_PSH = 8,
	FLAG_ACK = 16,
	FLAG_URG = 32,
	VLAN_MAX = 4094,
	QUIC_ID_MAX = 20,
	QUIC_BYTES = 64,
	QUIC_SHORT = 0x40,
	QUIC_INITIAL = 0xc0,
};

/* Takes a word's value; false: it is not one. */
typedef bool (*take_fn)(struct packet_spec *spec, struct str value, uint8_t of_row);

static bool take_flag(struct packet_spec *spec, struct str value, uint8_t bit)
{
	(void)value;
	spec->tcp_flags |= bit;
	return spec->proto == IPPROTO_TCP;
}

static bool take_icmp(struct packet_spec *spec, struct str value, uint8_t kind)
{
	uint64_t mtu = 0;

	if (kind == PACKET_TOO_BIG && (num_uint64(value, &mtu) || mtu < 68 || mtu > UINT16_MAX))
		return false;
	spec->mtu = (uint16_t)mtu;
	spec->icmp = (enum packet_icmp)kind;
	return spec->proto == IPPROTO_ICMP;
}

static bool take_vlan(struct packet_spec *spec, struct str value, uint8_t unused)
{
	uint64_t tag;

	(void)unused;
	if (num_uint64(value, &tag) || !tag || tag > VLAN_MAX || spec->n_tags == PACKET_SPEC_TAGS)
		return false;
	spec->tags[spec->n_tags++] = (uint16_t)tag;
	return true;
}

static bool take_ttl(struct packet_spec *spec, struct str value, uint8_t unused)
{
	uint64_t ttl;

	(void)unused;
	if (num_uint64(value, &ttl) || ttl > UINT8_MAX)
		return false;
	spec->ttl = (uint8_t)ttl;
	return true;
}

static bool take_payload(struct packet_spec *spec, struct str value, uint8_t unused)
{
	uint64_t n;

	(void)unused;
	if (num_uint64(value, &n) || n > PACKET_SPEC_PAYLOAD_MAX)
		return false;
	spec->payload_bytes = (uint16_t)n;
	return true;
}

static int digit_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Pairs of hexadecimal digits; the number of bytes, or 0. */
static size_t read_hex(struct str text, uint8_t *ret, size_t max)
{
	if (text.len % 2 || text.len / 2 > max)
		return 0;
	for (size_t i = 0; i < text.len / 2; i++) {
		int high = digit_of(text.at[2 * i]), low = digit_of(text.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return 0;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return text.len / 2;
}

static bool take_data(struct packet_spec *spec, struct str value, uint8_t unused)
{
	(void)unused;
	spec->payload_bytes = (uint16_t)read_hex(value, spec->payload, sizeof(spec->payload));
	return spec->payload_bytes;
}

/* RFC 8999 5: the connection id stands behind the first byte, or behind version and length. */
static bool take_quic(struct packet_spec *spec, struct str value, uint8_t first)
{
	uint8_t id[QUIC_ID_MAX], *at = spec->payload;
	size_t n = read_hex(value, id, sizeof(id));

	*at++ = first;
	if (first == QUIC_INITIAL) {
		memcpy(at, "\0\0\0\1", 4);
		at[4] = (uint8_t)n;
		at += 5;
	}
	memcpy(at, id, n);
	spec->payload_bytes = QUIC_BYTES;
	return n && spec->proto == IPPROTO_UDP;
}

static bool take_fragment(struct packet_spec *spec, struct str value, uint8_t unused)
{
	static const struct str names[] = {[PACKET_FIRST] = {"first", 5},
					   [PACKET_NEXT] = {"next", 4},
					   [PACKET_LATE] = {"late", 4}};

	(void)unused;
	for (unsigned i = PACKET_FIRST; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(value, names[i]))
			spec->fragment = (enum packet_fragment)i;
	return spec->fragment != PACKET_WHOLE;
}

static bool take_id(struct packet_spec *spec, struct str value, uint8_t unused)
{
	uint64_t id;

	(void)unused;
	if (num_uint64(value, &id) || id > UINT16_MAX)
		return false;
	spec->id = (uint16_t)id;
	return true;
}

struct word {
	struct str name;
	const char *expected;
	take_fn take;
	uint8_t of_row;
	bool has_value;
};

#define WORD(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
static const char of_tcp[] = "a TCP packet for a TCP flag";
static const char of_icmp[] = "an ICMP packet for a kind of ICMP";
static const char hex_id[] = "udp, and 1 to 20 bytes of a connection id as hexadecimal digits";

static const struct word rows[] = {
	{WORD("syn"), of_tcp, take_flag, FLAG_SYN, false},
	{WORD("ack"), of_tcp, take_flag, FLAG_ACK, false},
	{WORD("fin"), of_tcp, take_flag, FLAG_FIN, false},
	{WORD("rst"), of_tcp, take_flag, FLAG_RST, false},
	{WORD("psh"), of_tcp, take_flag, FLAG_PSH, false},
	{WORD("urg"), of_tcp, take_flag, FLAG_URG, false},
	{WORD("echo"), of_icmp, take_icmp, PACKET_ECHO, false},
	{WORD("reply"), of_icmp, take_icmp, PACKET_ECHO_REPLY, false},
	{WORD("unreachable"), of_icmp, take_icmp, PACKET_UNREACHABLE, false},
	{WORD("time-exceeded"), of_icmp, take_icmp, PACKET_TIME_EXCEEDED, false},
	{WORD("too-big"), "an ICMP packet, and an MTU of 68 to 65535", take_icmp, PACKET_TOO_BIG,
	 true},
	{WORD("vlan"), "a VLAN of 1 to 4094, at most two of them", take_vlan, 0, true},
	{WORD("ttl"), "a number of 0 to 255", take_ttl, 0, true},
	{WORD("payload"), "0 to 1400 bytes", take_payload, 0, true},
	{WORD("data"), "1 to 1400 bytes as hexadecimal digits", take_data, 0, true},
	{WORD("quic"), hex_id, take_quic, QUIC_SHORT, true},
	{WORD("initial"), hex_id, take_quic, QUIC_INITIAL, true},
	{WORD("fragment"), "first, next or late", take_fragment, 0, true},
	{WORD("id"), "a number of 0 to 65535", take_id, 0, true},
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static int wrong(struct packet_spec_fault *fault, struct str word, const char *expected)
{
	*fault = (struct packet_spec_fault){.word = word, .expected = expected};
	return -EINVAL;
}

static int read_word(struct str word, struct packet_spec *spec, struct packet_spec_fault *fault)
{
	ptrdiff_t equal = str_find(word, '=');
	struct str name = equal < 0 ? word : str_take(word, (size_t)equal), names[N_ROWS];

	for (size_t i = 0; i < N_ROWS; i++) {
		const struct word *row = &rows[i];

		names[i] = row->name;
		if (!str_eq_nocase(name, row->name))
			continue;
		if (row->has_value != (equal >= 0) ||
		    !row->take(spec, str_from(word, (size_t)equal + 1), row->of_row))
			return wrong(fault, word, row->expected);
		return 0;
	}
	wrong(fault, word,
	      "syn, ack, fin, rst, psh, urg, vlan=, ttl=, payload=, data=, quic=, initial=, "
	      "fragment=, id=, echo, reply, unreachable, time-exceeded, too-big= or about");
	fault->suggestion = str_nearest(name, names, N_ROWS);
	return -EINVAL;
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80" */
static bool read_end(struct str word, struct packet_end *end)
{
	ptrdiff_t colon = str_rfind(word, ':');
	uint64_t number;

	if (addr_parse(word, &end->addr) == 0)
		return true;
	if (colon < 1 || num_uint64(str_from(word, (size_t)colon + 1), &number) ||
	    number > UINT16_MAX)
		return false;
	end->port = (uint16_t)number;
	word = str_take(word, (size_t)colon);
	if (word.len > 2 && word.at[0] == '[' && word.at[word.len - 1] == ']')
		word = str_n(word.at + 1, word.len - 2);
	return addr_parse(word, &end->addr) == 0;
}

/* PROTOCOL SOURCE DEST from the word at `from` on. */
static int read_ends(const struct strs *words, size_t from, uint8_t *ret_proto,
		     struct packet_end *ret_source, struct packet_end *ret_dest,
		     struct packet_spec_fault *fault)
{
	static const struct str names[] = {{"tcp", 3}, {"udp", 3}, {"icmp", 4}};
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	struct packet_end *ends[] = {ret_source, ret_dest};
	struct str word = from < words->n ? words->at[from] : (struct str){0};

	*ret_proto = 0;
	for (size_t i = 0; i < sizeof(protos); i++)
		if (str_eq_nocase(word, names[i]))
			*ret_proto = protos[i];
	if (!*ret_proto) {
		wrong(fault, word, "tcp, udp or icmp, then SOURCE[:PORT] DEST[:PORT]");
		fault->suggestion = str_nearest(word, names, sizeof(protos));
		return -EINVAL;
	}
	for (size_t i = 0; i < 2; i++) {
		word = from + 1 + i < words->n ? words->at[from + 1 + i] : (struct str){0};
		if (!read_end(word, ends[i]))
			return wrong(fault, word,
				     i ? "the packet's destination, an address with or without a "
					 "port, such as 192.0.2.1:80 or [2001:db8::1]:80"
				       : "the packet's source, an address with or without a port, "
					 "such as 198.51.100.7:4000 or [2001:db8::7]:4000");
	}
	if (addr_is_v4(&ret_source->addr) != addr_is_v4(&ret_dest->addr))
		return wrong(fault, word, "a destination of the source's family");
	return 0;
}

static int read_about(const struct strs *words, size_t from, struct packet_spec *spec,
		      struct packet_spec_fault *fault)
{
	int rc = read_ends(words, from, &spec->about_proto, &spec->about_source, &spec->about_dest,
			   fault);

	if (!rc && addr_is_v4(&spec->about_dest.addr) != addr_is_v4(&spec->dest.addr))
		return wrong(fault, words->at[from + 1], "an address of the error's own family");
	if (!rc && from + 3 < words->n)
		return wrong(fault, words->at[from + 3],
			     "nothing behind what the error is about: other words stand before it");
	return rc;
}

/* What goes together. */
static int check(const struct packet_spec *spec, struct packet_spec_fault *fault)
{
	bool is_error = spec->icmp != PACKET_ECHO && spec->icmp != PACKET_ECHO_REPLY;

	if (is_error && !spec->about_proto)
		return wrong(fault, (struct str){0},
			     "about PROTOCOL SOURCE DEST: the packet that the ICMP error is about, "
			     "as it was sent");
	if (!is_error && spec->about_proto)
		return wrong(fault, STR("about"),
			     "an ICMP error before it: unreachable, time-exceeded or too-big=MTU");
	if (spec->fragment && spec->proto == IPPROTO_ICMP)
		return wrong(fault, STR("fragment"), "a TCP or UDP packet for fragments");
	return 0;
}

int packet_spec(const struct strs *words, struct packet_spec *ret_spec,
		struct packet_spec_fault *ret_fault)
{
	struct packet_spec spec = {.ttl = TTL,
				   .source.port = PORT_SOURCE,
				   .dest.port = PORT_DEST,
				   .about_source.port = PORT_DEST,
				   .about_dest.port = PORT_SOURCE,
				   .id = 1};
	int rc = read_ends(words, 0, &spec.proto, &spec.source, &spec.dest, ret_fault);

	for (size_t i = 3; !rc && i < words->n; i++) {
		if (str_eq_nocase(words->at[i], STR("about"))) {
			rc = read_about(words, i + 1, &spec, ret_fault);
			break;
		}
		rc = read_word(words->at[i], &spec, ret_fault);
	}
	if (!rc)
		rc = check(&spec, ret_fault);
	if (!rc && spec.proto == IPPROTO_TCP && !spec.tcp_flags)
		spec.tcp_flags = FLAG_ACK;
	if (!rc)
		*ret_spec = spec;
	return rc;
}
