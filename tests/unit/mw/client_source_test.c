// SPDX-License-Identifier: Apache-2.0
/* client_source_test: addresses in headers, as text and as addresses (reference/traefik.md c.4). */

#include "mw_lab.h"

#include "mw/client_source.h"

static const struct {
	const char *name;
	struct client_source source;
	const char *headers, *text;
	bool is_addr;
} rows[] = {
	{"peer", {.ipv6_bits = 128}, NULL, "192.0.2.1", true},
	{"last of one",
	 {.kind = CLIENT_SOURCE_DEPTH, .ipv6_bits = 128, .depth = 1},
	 "X-Forwarded-For: 10.0.0.1",
	 "10.0.0.1",
	 true},
	{"first of three",
	 {.kind = CLIENT_SOURCE_DEPTH, .ipv6_bits = 128, .depth = 3},
	 "X-Forwarded-For: 10.0.0.1,\t10.0.0.2 ,10.0.0.3",
	 "10.0.0.1",
	 true},
	{"beyond the first",
	 {.kind = CLIENT_SOURCE_DEPTH, .ipv6_bits = 128, .depth = 4},
	 "X-Forwarded-For: 10.0.0.1,10.0.0.2,10.0.0.3",
	 "",
	 false},
	{"an empty entry counts",
	 {.kind = CLIENT_SOURCE_DEPTH, .ipv6_bits = 128, .depth = 2},
	 "X-Forwarded-For: 10.0.0.1,,10.0.0.3",
	 "",
	 false},
	{"masked",
	 {.kind = CLIENT_SOURCE_DEPTH, .ipv6_bits = 64, .depth = 1},
	 "X-Forwarded-For: 2001:db8::1:2:3:4",
	 "2001:db8::",
	 true},
	{"IPv4 is not masked",
	 {.kind = CLIENT_SOURCE_DEPTH, .ipv6_bits = 64, .depth = 1},
	 "X-Forwarded-For: 10.0.0.1",
	 "10.0.0.1",
	 true},
	{"empty entries are passed over",
	 {.kind = CLIENT_SOURCE_EXCLUDED, .ipv6_bits = 128},
	 "X-Forwarded-For: 10.0.0.1, ,",
	 "10.0.0.1",
	 true},
	{"brackets and port",
	 {.kind = CLIENT_SOURCE_DEPTH, .ipv6_bits = 128, .depth = 1},
	 "X-Forwarded-For: [2001:db8::1]:80",
	 "[2001:db8::1]:80",
	 true},
	{"host", {.kind = CLIENT_SOURCE_HOST}, NULL, "a.test", false},
	{"header", {.kind = CLIENT_SOURCE_HEADER, .header = STR("X-Key")}, "x-key: v", "v", false},
	{"no header", {.kind = CLIENT_SOURCE_HEADER, .header = STR("X-Key")}, NULL, "", false},
};

static void sources_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		char room[CLIENT_SOURCE_TEXT_MAX];
		struct addr addr;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		lab_request(&lab, "GET http://a.test/", rows[i].headers);
		lab_assert_str(client_source_text(&rows[i].source, &lab.request, room),
			       rows[i].text);
		assert_int_equal(client_source_addr(&rows[i].source, &lab.request, &addr),
				 rows[i].is_addr);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
