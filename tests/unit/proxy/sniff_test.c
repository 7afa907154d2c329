// SPDX-License-Identifier: Apache-2.0
/* sniff_test: what first bytes say. */

#include "proxy/sniff.h"

#include <signal.h>

#include "stream_fixture_proxy.h"

static struct stream_bench bench;

static void first_bytes_tell_the_protocol(void **state)
{
	static const struct {
		const char *name;
		struct str first;
		bool may_be_postgres;
		enum sniff_kind kind;
	} rows[] = {
		{"nothing", STR(""), true, SNIFF_KIND_SHORT},
		{"TLS", STR("\26"), true, SNIFF_KIND_HELLO},
		{"SSL 2", STR("\200\56\1"), true, SNIFF_KIND_SSL2},
		{"HTTP", STR("GET / HTTP/1.1"), true, SNIFF_KIND_PLAIN},
		{"part of SSLRequest", STR("\0\0\0\10\4"), true, SNIFF_KIND_SHORT},
		{"SSLRequest", STR("\0\0\0\10\4\322\26\57"), true, SNIFF_KIND_POSTGRES},
		{"SSLRequest where nobody speaks TLS", STR("\0\0\0\10\4\322\26\57"), false,
		 SNIFF_KIND_PLAIN},
		{"another request of PostgreSQL's", STR("\0\0\0\10\4\322\26\60"), true,
		 SNIFF_KIND_PLAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("  %s\n", rows[i].name);
		assert_int_equal(sniff_kind(rows[i].first, rows[i].may_be_postgres), rows[i].kind);
	}
}

static void over_tls(struct stream_bench *b)
{
	b->route->is_tls = b->route->passthrough = true;
}

static void what_is_no_proper_hello_is_closed_without_a_server(void **state)
{
	static const char *const rows[] = {"\26garbage", "\26\3\1\377\377", "\26\3\1\0\4\2\1\1\1"};

	(void)state;
	stream_bench_start(&bench, 1, over_tls);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(loopback_ask(bench.loopback.port, rows[i]), "");
	assert_int_equal(loopback_settled(&bench.loopback).upstream_dialled, 0);
	stream_bench_end(&bench);
}

static void what_no_route_takes_is_https_with_every_byte(void **state)
{
	(void)state;
	stream_bench_start(&bench, 1, over_tls);
	assert_begins(fixture_talk(loopback_connect(bench.loopback.port),
				   "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "\1"),
		      "HTTP/1.1 404");
	stream_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes_tell_the_protocol),
		cmocka_unit_test(what_is_no_proper_hello_is_closed_without_a_server),
		cmocka_unit_test(what_no_route_takes_is_https_with_every_byte),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
