// SPDX-License-Identifier: Apache-2.0
/* h2_map_test: what passes from one version to the other, and how it is spelled. */

#include "http/h2_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "http/h1_parse.h"
#include "http/header.h"

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void a_request_loses_what_belongs_to_its_connection(void **state)
{
	static const struct h2_field want[] = {
		{STR(":method"), STR("POST")},	   {STR(":scheme"), STR("https")},
		{STR(":authority"), STR("a.b:8")}, {STR(":path"), STR("/x?y=1")},
		{STR("x-one"), STR("1")},	   {STR("te"), STR("trailers")},
		{STR("content-length"), STR("3")},
	};
	static const struct h1_limits limits = {1 << 16, 100};
	struct h2_field fields[20];
	struct request request = {.arena = &arena, .headers.arena = &arena};
	enum fail fail;

	(void)state;
	assert_true(h1_parse_request(STR("POST /x?y=1 HTTP/1.1\r\nHost: a.b:8\r\nX-One: 1\r\n"
					 "Connection: keep-alive\r\nKeep-Alive: 5\r\n"
					 "TE: trailers\r\nContent-Length: 3\r\n\r\n"),
				     &limits, &request, &fail) > 0);
	assert_int_equal(h2_map_request(&request, STR("https"), fields),
			 sizeof(want) / sizeof(*want));
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		assert_true(str_eq(fields[i].name, want[i].name));
		assert_true(str_eq(fields[i].value, want[i].value));
	}
}

static void trailers_are_fields(void **state)
{
	struct headers headers = {.arena = &arena};
	struct h2_field fields[4];

	(void)state;
	header_add(&headers, STR("Grpc-Status"), STR("0"));
	header_add(&headers, STR("Upgrade"), STR("no"));
	assert_int_equal(h2_map_trailers(&headers, &arena, fields), 1);
	assert_true(str_eq(fields[0].name, STR("grpc-status")));
}

static void a_response_is_spelled_as_go_spells_it(void **state)
{
	static const struct {
		const char *name, *value, *text;
	} rows[] = {
		{"content-type", "a/b", "Content-Type: a/b\r\n"},
		{"x-3d-model", "", "X-3d-Model: \r\n"},
		{"www-authenticate", "Basic", "Www-Authenticate: Basic\r\n"},
		{":status", "200", ""},
		{"connection", "close", ""},
		{"transfer-encoding", "chunked", ""},
		{"te", "gzip", ""},
	};
	char out[100];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ssize_t n =
			h2_map_field(str_of(rows[i].name), str_of(rows[i].value), out, sizeof(out));

		assert_true(n >= 0 && str_eq(str_n(out, (size_t)n), str_of(rows[i].text)));
	}
	assert_int_equal(h2_map_field(STR("a"), STR("bc"), out, 6), -ENOSPC);
	assert_int_equal(h2_map_status_line(200, out, sizeof(out)), 15);
	assert_memory_equal(out, "HTTP/1.1 200 \r\n", 15);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_request_loses_what_belongs_to_its_connection),
		TEST(trailers_are_fields),
		TEST(a_response_is_spelled_as_go_spells_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
