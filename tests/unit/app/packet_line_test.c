// SPDX-License-Identifier: Apache-2.0
/* packet_line_test: what is read from frames, whole, tagged, cut and strange ones. */
#include "app/packet_line.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "packet.h"

static void ends_are_read_from_every_kind_of_frame(void **state)
{
	static const struct {
		const char *name;
		struct packet_spec spec;
		const char *source;
		bool is_ip;
		uint16_t port;
		uint8_t proto;
	} rows[] = {
		{"TCP", {0}, "198.51.100.7", true, 80, IPPROTO_TCP},
		{"UDP, tagged",
		 {.proto = IPPROTO_UDP, .n_vlans = 1},
		 "198.51.100.7",
		 true,
		 80,
		 IPPROTO_UDP},
		{"IPv6, two tags",
		 {.source = "2001:db8::7", .n_vlans = 2, .vlan_type = 0x88a8},
		 "2001:db8::7",
		 true,
		 80,
		 IPPROTO_TCP},
		{"options", {.option_words = 4}, "198.51.100.7", true, 80, IPPROTO_TCP},
		{"a later fragment", {.fragment_offset = 64}, "198.51.100.7", true, 0, IPPROTO_TCP},
		{"ARP", {.ether_type = 0x0806}, "::", false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t frame[PACKET_ROOM];
		char text[ADDR_TEXT_MAX];
		struct packet_ends ends;
		size_t n = packet_build(&rows[i].spec, frame);

		CHECK_INT(rows[i].name, packet_ends(frame, n, &ends), rows[i].is_ip);
		if (!rows[i].is_ip)
			continue;
		addr_print(&ends.source, text);
		assert_string_equal(text, rows[i].source);
		CHECK_INT(rows[i].name, ends.dest_port, rows[i].port);
		CHECK_INT(rows[i].name, ends.proto, rows[i].proto);
		/* Cut anywhere, nothing is read beyond the end (the sanitizer looks). */
		for (size_t cut = 0; cut < n && cut < 100; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1);

			memcpy(exact, frame, cut);
			packet_ends(exact, cut, &ends);
			free(exact);
		}
	}
}

static void a_line_says_verdict_reason_and_whose_rule(void **state)
{
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){0}, frame);
	struct dataplane_seen seen = {
		.wall_ns = 5 * NS_PER_MS,
		.verdict = ABI_CAPTURE_DROPPED,
		.why = ABI_DROP_DENIED,
		.entry = "web",
		.policy = "strict",
		.bytes = 60,
		.length = (uint32_t)n,
		.data = frame,
	};
	char line[512];

	(void)state;
	packet_line(&seen, line, sizeof(line));
	assert_non_null(strstr(line, ".005000 dropped denied "));
	assert_non_null(strstr(line, "198.51.100.7:40000 > 192.0.2.1:80 TCP 60 bytes, entry point "
				     "web, policy strict"));
	seen.length = 3;
	packet_line(&seen, line, sizeof(line));
	assert_non_null(strstr(line, "not IP"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_read_from_every_kind_of_frame),
		cmocka_unit_test(a_line_says_verdict_reason_and_whose_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
