// SPDX-License-Identifier: Apache-2.0
/* replace_path_test: reference/traefik.md c.1. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *path;
	uint16_t status; /* 0: goes on */
	const char *raw, *decoded, *replaced;
} rows[] = {
	{"simple", "{'path':'/new'}", "/old", 0, "/new", "/new", "/old"},
	{"the old path is told escaped", "{'path':'/new'}", "/o%20ld", 0, "/new", "/new",
	 "/o%20ld"},
	{"escapes are decoded", "{'path':'/a%2Fb'}", "/x", 0, "/a%2Fb", "/a/b", "/x"},
	{"a bad escape", "{'path':'/a%zz'}", "/x", 500, NULL, NULL, "/x"},
	{"not sanitised", "{'path':'/a//b'}", "/x", 0, "/a//b", "/a//b", "/x"},
	{"a question mark is part of the path", "{'path':'/a?b=c'}", "/x", 0, "/a%3Fb=c", "/a?b=c",
	 "/x"},
	{"a hash is part of the path", "{'path':'/a#b'}", "/x", 0, "/a%23b", "/a#b", "/x"},
	{"empty", "{}", "/x", 0, "/", "/", "/x"},
	{"a slash is ensured", "{'path':'a'}", "/x", 0, "/a", "/a", "/x"},
};

static void every_path_becomes_the_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		char line[256];

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "replacePath", rows[i].config), 0);
		snprintf(line, sizeof(line), "GET http://a.test%s?q=1", rows[i].path);
		lab_request(&lab, line, NULL);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		enum mw_verdict verdict = lab_run(&lab);

		assert_int_equal(verdict, rows[i].status ? MW_REPLY : MW_NEXT);
		if (rows[i].status)
			assert_int_equal(lab.call.reply.status, rows[i].status);
		if (rows[i].raw) {
			lab_assert_str(lab.request.raw_path, rows[i].raw);
			lab_assert_str(lab.request.path, rows[i].decoded);
		}
		lab_assert_str(lab.request.query, "q=1");
		lab_assert_header(&lab.request.headers, "X-Replaced-Path", rows[i].replaced);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_path_becomes_the_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
