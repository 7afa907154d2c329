// SPDX-License-Identifier: Apache-2.0
/* packet_make_test: frames have the right ends, lengths and checksums. */
#include "app/packet_make.h"

#include <netinet/in.h>
#include <string.h>

#include "app/packet_line.h"
#include "check.h"

enum { WORDS_MAX = 12 };

static size_t build(const char *text, struct packet_frame frames[PACKET_MAKE_MAX])
{
	struct str words[WORDS_MAX], rest = str_of(text);
	struct strs list = {words, 0};
	struct packet_spec_fault fault;
	struct packet_spec spec;

	while (list.n < WORDS_MAX && str_next(&rest, ' ', &words[list.n]))
		list.n++;
	if (packet_spec(&list, &spec, &fault))
		fail_msg("%s: expected %s", text, fault.expected);
	return packet_make(&spec, frames);
}

static uint32_t sum(const uint8_t *at, size_t n)
{
	uint32_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

static void frames_are_whole(void **state)
{
	static const struct {
		const char *text;
		uint8_t proto;
		size_t bytes;
		uint16_t port;
	} rows[] = {
		{"tcp 198.51.100.7:4000 192.0.2.1:443 syn", IPPROTO_TCP, 54, 443},
		{"udp 198.51.100.7 192.0.2.1:53 payload=101", IPPROTO_UDP, 143, 53},
		{"icmp 198.51.100.7 192.0.2.1 ttl=1", IPPROTO_ICMP, 42, 0},
		{"icmp 198.51.100.7 192.0.2.1 unreachable about tcp 192.0.2.1 192.0.2.9",
		 IPPROTO_ICMP, 70, 0},
		{"tcp [2001:db8::7]:4000 [2001:db8::1]:80 vlan=7", IPPROTO_TCP, 78, 80},
		{"tcp [2001:db8::7]:4000 [2001:db8::1]:80 vlan=7 vlan=8", IPPROTO_TCP, 82, 80},
		{"icmp 2001:db8::7 2001:db8::1", IPPROTO_ICMPV6, 62, 0},
		{"icmp 2001:db8::7 2001:db8::1 too-big=1400 about udp 2001:db8::1 2001:db8::9",
		 IPPROTO_ICMPV6, 110, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct packet_frame frames[PACKET_MAKE_MAX], *frame = &frames[0];
		struct packet_ends ends;

		CHECK_INT(rows[i].text, build(rows[i].text, frames), 1);
		CHECK_INT(rows[i].text, frame->n, rows[i].bytes);
		assert_true(packet_ends(frame->at, frame->n, &ends));
		CHECK_INT(rows[i].text, ends.proto, rows[i].proto);
		CHECK_INT(rows[i].text, ends.dest_port, rows[i].port);
		bool is_v4 = addr_is_v4(&ends.dest);
		size_t l3 = 14 + 4 * (frame->at[12] == 0x81 || frame->at[12] == 0x88) *
					 (frame->at[16] == 0x81 ? 2 : 1);
		size_t at = l3 + (is_v4 ? 20 : 40), length = frame->n - at;

		if (is_v4)
			CHECK_INT("IPv4 header", sum(frame->at + l3, 20), 0xffff);
		/* Addresses, protocol and length stand for the pseudo header. */
		uint32_t pseudo = rows[i].proto == IPPROTO_ICMP
					  ? 0
					  : sum(frame->at + at - (is_v4 ? 8 : 32), is_v4 ? 8 : 32) +
						    rows[i].proto + (uint32_t)length;
		uint32_t all = sum(frame->at + at, length) + pseudo;

		while (all >> 16)
			all = (all & 0xffff) + (all >> 16);
		CHECK_INT(rows[i].text, all, 0xffff);
	}
}

static void fragments_follow_each_other(void **state)
{
	struct packet_frame frames[PACKET_MAKE_MAX];

	(void)state;
	CHECK_INT("v4",
		  build("udp 192.0.2.7:9 192.0.2.1:53 payload=100 fragment=next id=258", frames),
		  2);
	/* 108 bytes: 14 units; the next one begins there and is the last. */
	CHECK_INT("first", frames[0].n, 14 + 20 + 112);
	assert_memory_equal(frames[0].at + 18, "\1\2\x20\0", 4);
	assert_memory_equal(frames[1].at + 18, "\1\2\0\x0e", 4);
	CHECK_INT("v6", build("tcp ::7 ::1 fragment=next id=5", frames), 2);
	CHECK_INT("header", frames[0].at[20], 44);
	assert_memory_equal(frames[0].at + 54, "\6\0\0\1\0\0\0\5", 8);
	assert_memory_equal(frames[1].at + 54, "\6\0\0\x18\0\0\0\5", 8);
	CHECK_INT("late", build("tcp 192.0.2.7 192.0.2.1 fragment=late", frames), 1);
	CHECK_INT("offset", frames[0].at[21], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_whole),
		cmocka_unit_test(fragments_follow_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
