// SPDX-License-Identifier: Apache-2.0
/* proxy_protocol_test: headers of both versions, whole, cut and wrong. */

#include "net/proxy_protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

struct row {
	const char *name;
	struct str input;
	ssize_t want;
	const char *source; /* NULL: no addresses */
	uint16_t port;
};

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct row rows[] = {
	{"no header", {"GET / HTTP/1.1\r\n", 16}, 0, NULL, 0},
	{"TLS", {"\x16\x03\x01", 3}, 0, NULL, 0},
	{"begins like version 1", {"PRO", 3}, -EAGAIN, NULL, 0},
	{"PRI of HTTP/2 is none", {"PRI * HTTP/2", 12}, 0, NULL, 0},
	{"version 1 unfinished", {"PROXY TCP4 1.2.3.4 5.6", 22}, -EAGAIN, NULL, 0},
	{"version 1", {"PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\nGET", 39}, 36, "1.2.3.4", 1000},
	{"version 1, IPv6",
	 {"PROXY TCP6 2001:db8::1 ::1 1000 80\r\n", 36},
	 36,
	 "2001:db8::1",
	 1000},
	{"IPv4 in TCP6", {"PROXY TCP6 1.2.3.4 5.6.7.8 1000 80\r\n", 36}, -EBADMSG, NULL, 0},
	{"unknown", {"PROXY UNKNOWN\r\n", 15}, 15, NULL, 0},
	{"unknown with a rest", {"PROXY UNKNOWN a b c\r\n", 21}, 21, NULL, 0},
	{"port too large", {"PROXY TCP4 1.2.3.4 5.6.7.8 70000 80\r\n", 37}, -EBADMSG, NULL, 0},
	{"one port", {"PROXY TCP4 1.2.3.4 5.6.7.8 7\r\n", 30}, -EBADMSG, NULL, 0},
	{"five words", {"PROXY TCP4 1.2.3.4 5.6.7.8 7 8 9\r\n", 34}, -EBADMSG, NULL, 0},
	{"UDP4", {"PROXY UDP4 1.2.3.4 5.6.7.8 7 8\r\n", 32}, -EBADMSG, NULL, 0},
	{"version 2 begins", {"\r\n\r\n\0", 5}, -EAGAIN, NULL, 0},
	{"an empty line is none", {"\r\nGET", 5}, 0, NULL, 0},
	{"version 2 head only", {V2 "\x21\x11\0\x0c", 16}, -EAGAIN, NULL, 0},
	{"version 2, TCP4",
	 {V2 "\x21\x11\0\x0c\1\2\3\4\5\6\7\x8\x03\xe8\0\x50", 28},
	 28,
	 "1.2.3.4",
	 1000},
	{"version 2, with a TLV",
	 {V2 "\x21\x11\0\x0f\1\2\3\4\5\6\7\x8\x03\xe8\0\x50\4\0\0", 31},
	 31,
	 "1.2.3.4",
	 1000},
	{"version 2, short addresses",
	 {V2 "\x21\x11\0\x0b\1\2\3\4\5\6\7\x8\x03\xe8\0", 27},
	 -EBADMSG,
	 NULL,
	 0},
	{"version 2, LOCAL", {V2 "\x20\0\0\0", 16}, 16, NULL, 0},
	{"version 2, unix", {V2 "\x21\x31\0\1a", 17}, 17, NULL, 0},
	{"version 3", {V2 "\x31\x11\0\0", 16}, -EBADMSG, NULL, 0},
	{"version 2, a long rest", {V2 "\x21\x11\xff\xff", 16}, -EBADMSG, NULL, 0},
};

static void every_row_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct proxy_header header = {0};
		ssize_t got = proxy_protocol_parse(rows[i].input, &header);
		char text[ADDR_TEXT_MAX] = "";

		if (got != rows[i].want)
			print_error("%s: %zd, wanted %zd\n", rows[i].name, got, rows[i].want);
		assert_int_equal(got, rows[i].want);
		assert_int_equal(header.has_addrs, rows[i].source != NULL);
		if (!rows[i].source)
			continue;
		addr_print(&header.source, text);
		assert_string_equal(text, rows[i].source);
		assert_int_equal(header.source_port, rows[i].port);
		assert_int_equal(header.destination_port, 80);
	}
}

static void a_prefix_never_fails_where_the_whole_is_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct proxy_header header;

		for (size_t n = 1; rows[i].want > 0 && n < (size_t)rows[i].want; n++)
			assert_int_equal(proxy_protocol_parse(str_take(rows[i].input, n), &header),
					 -EAGAIN);
	}
}

static void a_line_without_end_is_refused(void **state)
{
	char line[200] = "PROXY TCP4 ";
	struct proxy_header header;

	(void)state;
	memset(line + 11, '1', sizeof(line) - 11);
	assert_int_equal(proxy_protocol_parse(str_n(line, 106), &header), -EAGAIN);
	assert_int_equal(proxy_protocol_parse(str_n(line, 107), &header), -EBADMSG);
}

static void what_is_written_is_read_again(void **state)
{
	static const struct {
		const char *source, *destination;
		bool is_known;
	} pairs[] = {
		{"192.0.2.1", "198.51.100.2", true},
		{"2001:db8::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true},
		{"192.0.2.1", "2001:db8::1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		for (uint8_t version = 1; version <= 2; version++) {
			struct proxy_header header = {.has_addrs = true,
						      .source_port = 65535,
						      .destination_port = 443},
					    read;
			char text[PROXY_PROTOCOL_V1_MAX_BYTES];

			addr_parse(str_of(pairs[i].source), &header.source);
			addr_parse(str_of(pairs[i].destination), &header.destination);
			size_t n = proxy_protocol_write(&header, version, text);

			assert_int_equal(proxy_protocol_parse(str_n(text, n), &read), n);
			assert_int_equal(read.has_addrs, pairs[i].is_known);
			if (!read.has_addrs)
				continue;
			assert_true(addr_eq(&read.source, &header.source));
			assert_true(addr_eq(&read.destination, &header.destination));
			assert_int_equal(read.source_port, 65535);
			assert_int_equal(read.destination_port, 443);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_understood),
		cmocka_unit_test(a_prefix_never_fails_where_the_whole_is_good),
		cmocka_unit_test(a_line_without_end_is_refused),
		cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
