// SPDX-License-Identifier: Apache-2.0
/* packet_spec_test: words become the description of a packet, or it is said what is wrong. */
#include "app/packet_spec.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "check.h"

enum { WORDS_MAX = 12 };

static int read_spec(const char *text, struct packet_spec *spec, struct packet_spec_fault *fault)
{
	struct str words[WORDS_MAX], rest = str_of(text);
	struct strs list = {words, 0};

	while (list.n < WORDS_MAX && str_next(&rest, ' ', &words[list.n]))
		list.n++;
	return packet_spec(&list, spec, fault);
}

static void words_become_a_packet(void **state)
{
	struct packet_spec_fault fault;
	struct packet_spec spec;

	(void)state;
	CHECK_INT("tcp",
		  read_spec("tcp 198.51.100.7 192.0.2.1:443 SYN ack vlan=7 vlan=8 ttl=3", &spec,
			    &fault),
		  0);
	CHECK_INT("flags", spec.tcp_flags, 0x12);
	CHECK_INT("source port", spec.source.port, 40000);
	CHECK_INT("tags", spec.n_tags * 100 + spec.tags[0] * 10 + spec.tags[1], 278);
	CHECK_INT("ttl", spec.ttl, 3);
	CHECK_INT("udp",
		  read_spec("udp [2001:db8::7]:9 [2001:db8::1]:443 quic=0a0b fragment=next", &spec,
			    &fault),
		  0);
	assert_memory_equal(spec.payload, "\x40\x0a\x0b", 3);
	CHECK_INT("fragment", spec.fragment, PACKET_NEXT);
	CHECK_INT("initial", read_spec("udp ::1 ::2 initial=0aff", &spec, &fault), 0);
	assert_memory_equal(spec.payload, "\xc0\0\0\0\1\2\x0a\xff", 8);
	CHECK_INT("data", read_spec("udp 192.0.2.7 192.0.2.1 data=fF00", &spec, &fault), 0);
	CHECK_INT("bytes", spec.payload_bytes * 256 + spec.payload[0], 2 * 256 + 255);
	CHECK_INT("error",
		  read_spec("icmp 203.0.113.1 192.0.2.1 too-big=1400 about tcp "
			    "192.0.2.1:443 198.51.100.7:4000",
			    &spec, &fault),
		  0);
	CHECK_INT("mtu", spec.mtu, 1400);
	CHECK_INT("about", spec.about_source.port * 10 + (spec.about_proto == IPPROTO_TCP), 4431);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *expected, *found, *suggestion;
	} rows[] = {
		{"tcp 198.51.100.7", "the packet's destination", "", ""},
		{"", "tcp, udp or icmp", "", ""},
		{"udq 198.51.100.7 192.0.2.1", "tcp, udp or icmp", "udq", "udp"},
		{"tcp x 192.0.2.1", "the packet's source", "x", ""},
		{"tcp 198.51.100.7 192.0.2.1:70000", "destination", "192.0.2.1:70000", ""},
		{"tcp 198.51.100.7 2001:db8::1", "the source's family", "2001:db8::1", ""},
		{"tcp 198.51.100.7 192.0.2.1 sny", "syn, ack", "sny", "syn"},
		{"udp 198.51.100.7 192.0.2.1 syn", "a TCP packet", "syn", ""},
		{"tcp 198.51.100.7 192.0.2.1 vlan=5000", "1 to 4094", "vlan=5000", ""},
		{"tcp 198.51.100.7 192.0.2.1 vlan", "1 to 4094", "vlan", ""},
		{"tcp 198.51.100.7 192.0.2.1 vlan=1 vlan=2 vlan=3", "at most two", "vlan=3", ""},
		{"tcp 198.51.100.7 192.0.2.1 payload=1401", "0 to 1400", "payload=1401", ""},
		{"tcp 198.51.100.7 192.0.2.1 data=0g", "hexadecimal", "data=0g", ""},
		{"tcp 198.51.100.7 192.0.2.1 quic=00", "udp", "quic=00", ""},
		{"udp 198.51.100.7 192.0.2.1 fragment=last", "first, next", "fragment=last", ""},
		{"icmp 198.51.100.7 192.0.2.1 fragment=first", "TCP or UDP", "fragment", ""},
		{"icmp 198.51.100.7 192.0.2.1 unreachable", "about PROTOCOL", "", ""},
		{"icmp 198.51.100.7 192.0.2.1 about tcp 192.0.2.1 192.0.2.2", "unreachable,",
		 "about", ""},
		{"icmp 198.51.100.7 192.0.2.1 unreachable about tcp ::1 ::2", "own family", "::1",
		 ""},
		{"icmp 198.51.100.7 192.0.2.1 unreachable about tcp 192.0.2.1 192.0.2.2 ttl=1",
		 "nothing behind", "ttl=1", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct packet_spec_fault fault = {0};
		struct packet_spec spec;

		CHECK_INT(rows[i].text, read_spec(rows[i].text, &spec, &fault), -EINVAL);
		if (!strstr(fault.expected, rows[i].expected))
			fail_msg("%s: %s", rows[i].text, fault.expected);
		assert_true(str_eq(fault.word, str_of(rows[i].found)));
		assert_true(str_eq(fault.suggestion, str_of(rows[i].suggestion)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_a_packet),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
