// SPDX-License-Identifier: Apache-2.0
/* strip_prefix_test: reference/traefik.md c.1. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *path;
	const char *raw, *decoded; /* NULL: 400 */
	const char *prefix;	   /* X-Forwarded-Prefix, NULL: none */
} rows[] = {
	{"simple", "{'prefixes':['/api']}", "/api/users", "/users", "/users", "/api"},
	{"nothing left", "{'prefixes':['/api']}", "/api", "/", "/", "/api"},
	{"only the slash is left", "{'prefixes':['/api']}", "/api/", "/", "/", "/api"},
	{"a string prefix, k.1", "{'prefixes':['/api']}", "/apiary", "/ary", "/ary", "/api"},
	{"no match", "{'prefixes':['/api']}", "/other", "/other", "/other", NULL},
	{"the first that matches", "{'prefixes':['/a','/a/b']}", "/a/b/c", "/b/c", "/b/c", "/a"},
	{"trimmed", "{'prefixes':[' /api ']}", "/api/x", "/x", "/x", "/api"},
	{"prefix that ends in a slash", "{'prefixes':['/api/']}", "/api/x", "/x", "/x", "/api/"},
	{"forceSlash changes nothing", "{'prefixes':['/api'],'forceSlash':true}", "/api", "/", "/",
	 "/api"},
	{"a prefix of decoded characters", "{'prefixes':['/a b']}", "/a%20b/c%20d", "/c%20d",
	 "/c d", "/a b"},
	{"an encoded slash stays behind", "{'prefixes':['/x']}", "/x/%2Fy", "/%2Fy", "//y", "/x"},
	{"an encoded slash right behind", "{'prefixes':['/x']}", "/x%2Fadmin", NULL, NULL, "/x"},
	{"uncovered dot segment, k.14", "{'prefixes':['/a']}", "/a../b", NULL, NULL, "/a"},
	{"uncovered single dot", "{'prefixes':['/a']}", "/a./b", NULL, NULL, "/a"},
	{"uncovered double slash", "{'prefixes':['/a/b/']}", "/a/b/c", "/c", "/c", "/a/b/"},
	{"empty prefix", "{'prefixes':['']}", "/x", "/x", "/x", ""},
	{"no prefixes", "{}", "/x", "/x", "/x", NULL},
};

static void prefixes_are_removed_as_the_reference_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		char line[256];

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "stripPrefix", rows[i].config), 0);
		snprintf(line, sizeof(line), "GET http://a.test%s?q=1", rows[i].path);
		lab_request(&lab, line, NULL);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		enum mw_verdict verdict = lab_run(&lab);

		assert_int_equal(verdict, rows[i].raw ? MW_NEXT : MW_REPLY);
		if (rows[i].raw) {
			lab_assert_str(lab.request.raw_path, rows[i].raw);
			lab_assert_str(lab.request.path, rows[i].decoded);
			lab_assert_str(lab.request.query, "q=1");
		} else {
			assert_int_equal(lab.call.reply.status, 400);
		}
		lab_assert_header(&lab.request.headers, "X-Forwarded-Prefix", rows[i].prefix);
		lab_done(&lab);
	}
}

static void two_in_a_row_say_both_prefixes(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "stripPrefix", "{'prefixes':['/a']}");
	lab_request(&lab, "GET http://a.test/a/a/x", NULL);
	lab_run(&lab);
	lab_run(&lab);
	lab_assert_str(lab.request.raw_path, "/x");
	assert_string_equal(lab_print(&lab, &lab.request.headers),
			    "X-Forwarded-Prefix: /a\nX-Forwarded-Prefix: /a\n");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_removed_as_the_reference_says),
		cmocka_unit_test(two_in_a_row_say_both_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
