// SPDX-License-Identifier: Apache-2.0
/* packet_spec_test: words become frames with the right ends and checksums, or say what is wrong. */
#include "app/packet_spec.h"

#include <netinet/in.h>
#include <string.h>

#include "app/packet_line.h"
#include "check.h"

static size_t build(const char *text, uint8_t *frame, const char **wrong)
{
	struct str words[8], rest = str_of(text), word;
	struct strs list = {words, 0};

	while (str_next(&rest, ' ', &word) && list.n < 8)
		words[list.n++] = word;
	return packet_spec(&list, frame, wrong, &word);
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

static void words_become_a_frame(void **state)
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
		{"tcp [2001:db8::7]:4000 [2001:db8::1]:80 vlan=7", IPPROTO_TCP, 78, 80},
		{"icmp 2001:db8::7 2001:db8::1", IPPROTO_ICMPV6, 62, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t frame[PACKET_SPEC_ROOM];
		struct packet_ends ends;
		const char *wrong;
		size_t n = build(rows[i].text, frame, &wrong);

		CHECK_INT(rows[i].text, n, rows[i].bytes);
		assert_true(packet_ends(frame, n, &ends));
		CHECK_INT(rows[i].text, ends.proto, rows[i].proto);
		CHECK_INT(rows[i].text, ends.dest_port, rows[i].port);
		if (!addr_is_v4(&ends.dest))
			continue;
		CHECK_INT("IPv4 header", sum(frame + 14, 20), 0xffff);
		/* Addresses, protocol and length stand for the pseudo header. */
		uint32_t pseudo = rows[i].proto == IPPROTO_ICMP
					  ? 0
					  : sum(frame + 26, 8) + rows[i].proto + (uint32_t)(n - 34);
		uint32_t all = sum(frame + 34, n - 34) + pseudo;

		CHECK_INT("transport", (all & 0xffff) + (all >> 16), 0xffff);
	}
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"tcp 198.51.100.7", "PROTOCOL SOURCE DEST"},
		{"sctp 198.51.100.7 192.0.2.1", "no protocol"},
		{"tcp x 192.0.2.1", "no address"},
		{"tcp 198.51.100.7 192.0.2.1:70000", "no address"},
		{"tcp 198.51.100.7 2001:db8::1", "another family"},
		{"tcp 198.51.100.7 192.0.2.1 urg", "none of syn"},
		{"tcp 198.51.100.7 192.0.2.1 vlan=5000", "none of syn"},
		{"tcp 198.51.100.7 192.0.2.1 payload=1401", "none of syn"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t frame[PACKET_SPEC_ROOM];
		const char *wrong;

		CHECK_INT(rows[i].text, build(rows[i].text, frame, &wrong), 0);
		if (!strstr(wrong, rows[i].says))
			fail_msg("%s: %s", rows[i].text, wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_a_frame),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
