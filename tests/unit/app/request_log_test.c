// SPDX-License-Identifier: Apache-2.0
/* request_log_test: lines of logs become requests, or say why not. */

#include "check.h"

#include <errno.h>

#include "app/request_log.h"

struct row {
	const char *name, *line;
	int rc;
	const char *method, *url, *from;
};

static const struct row rows[] = {
	{"a line of ours",
	 "{\"RequestMethod\":\"POST\",\"RequestAddr\":\"a.b:81\",\"RequestPath\":\"/x?y=1\","
	 "\"RequestScheme\":\"https\",\"ClientAddr\":\"10.0.0.1:99\",\"entryPointName\":\"web\"}",
	 0, "POST", "https://a.b:81/x?y=1", "10.0.0.1:99"},
	{"without a scheme",
	 "{\"RequestMethod\":\"GET\",\"RequestHost\":\"a\",\"RequestPath\":\"/\"}", 0, "GET",
	 "http://a/", ""},
	{"a line for explain",
	 "{\"method\":\"PUT\",\"url\":\"http://a/\",\"remote_addr\":\"1.2.3.4\"}", 0, "PUT",
	 "http://a/", "1.2.3.4"},
	{"the common format has no host",
	 "1.2.3.4 - - [23/Nov/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1", -ENODATA, 0, 0, 0},
	{"a field was left out", "{\"RequestMethod\":\"GET\",\"RequestPath\":\"/\"}", -ENODATA, 0,
	 0, 0},
	{"an asterisk is no path",
	 "{\"RequestMethod\":\"OPTIONS\",\"RequestHost\":\"a\",\"RequestPath\":\"*\"}", -ENODATA, 0,
	 0, 0},
	{"something else", "hello", -EINVAL, 0, 0, 0},
	{"another object", "{\"a\":1}", -EINVAL, 0, 0, 0},
	{"half a line", "{\"RequestMethod\":\"GET\",\"Requ", -EINVAL, 0, 0, 0},
};

static void lines_become_requests(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct explain_spec spec = {0};

		CHECK_INT(rows[i].name, request_log_read(str_of(rows[i].line), &arena, &spec),
			  rows[i].rc);
		if (rows[i].rc)
			continue;
		CHECK_STR(rows[i].name, spec.method, str_of(rows[i].method));
		CHECK_STR(rows[i].name, spec.url, str_of(rows[i].url));
		CHECK_STR(rows[i].name, spec.remote_addr, str_of(rows[i].from));
		arena_reset(&arena);
	}
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines_become_requests)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
