// SPDX-License-Identifier: Apache-2.0
/* replace_path_regex_test: reference/traefik.md c.1. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *path;
	uint16_t status; /* 0: goes on */
	const char *raw, *decoded, *replaced;
} rows[] = {
	{"groups by number", "{'regex':'^/who/(.*)','replacement':'/whoami-$1'}", "/who/and/b", 0,
	 "/whoami-and/b", "/whoami-and/b", "/who/and/b"},
	{"groups in braces", "{'regex':'/(a)/(b)','replacement':'/${2}x/${1}'}", "/a/b", 0, "/bx/a",
	 "/bx/a", "/a/b"},
	{"$1x is the group named 1x", "{'regex':'^/(.*)','replacement':'/$1x'}", "/a", 0, "/", "/",
	 "/a"},
	{"groups by name",
	 "{'regex':'^/(?P<first>[^/]+)/(?P<second>.*)','replacement':'/$second/${first}'}", "/a/b",
	 0, "/b/a", "/b/a", "/a/b"},
	{"everywhere", "{'regex':'b','replacement':'x'}", "/ab/b", 0, "/ax/x", "/ax/x", "/ab/b"},
	{"trimmed", "{'regex':' ^/a ','replacement':' /b '}", "/a/c", 0, "/b/c", "/b/c", "/a/c"},
	{"no match: no header", "{'regex':'^/z','replacement':'/y'}", "/a", 0, "/a", "/a", NULL},
	{"the escaped path is matched", "{'regex':'%20','replacement':'-'}", "/a%20b", 0, "/a-b",
	 "/a-b", "/a%20b"},
	{"escapes in the replacement", "{'regex':'^/a','replacement':'/x%20y'}", "/a", 0, "/x%20y",
	 "/x y", "/a"},
	{"a bad escape", "{'regex':'^/a','replacement':'/%zz'}", "/a", 500, NULL, NULL, "/a"},
	{"a dot segment", "{'regex':'^/a(.*)','replacement':'/$1'}", "/a../b", 400, NULL, NULL,
	 "/a../b"},
	{"a double slash", "{'regex':'^/a','replacement':'//b'}", "/a", 400, NULL, NULL, "/a"},
};

static void matches_are_replaced_in_the_escaped_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		char line[256];

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "replacePathRegex", rows[i].config), 0);
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

static void faults_are_told(void **state)
{
	static const char *const configs[] = {
		"{'regex':'('}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_not_equal(lab_mw(&lab, "replacePathRegex", configs[i]), 0);
		assert_true(lab.sink.n_errors > 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_are_replaced_in_the_escaped_path),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
