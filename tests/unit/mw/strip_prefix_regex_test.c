// SPDX-License-Identifier: Apache-2.0
/* strip_prefix_regex_test: reference/traefik.md c.1. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *path;
	uint16_t status; /* 0: goes on */
	const char *raw, *decoded, *prefix;
} rows[] = {
	{"a group of characters", "{'regex':['/[a-z]+/[0-9]+']}", "/a/12/x", 0, "/x", "/x",
	 "/a/12"},
	{"the first expression that matches", "{'regex':['/x','/a','/a/b']}", "/a/b/c", 0, "/b/c",
	 "/b/c", "/a"},
	{"nothing left", "{'regex':['/a.*']}", "/abc", 0, "/", "/", "/abc"},
	{"trimmed", "{'regex':[' ^/a ']}", "/a/x", 0, "/x", "/x", "/a"},
	{"leftmost match is not at the beginning", "{'regex':['/b']}", "/a/b", 0, "/a/b", "/a/b",
	 NULL},
	{"the text of a later match stands at the beginning", "{'regex':['/a$']}", "/a/a", 0, "/a",
	 "/a", "/a"},
	{"an empty match removes nothing", "{'regex':['x*','^/a']}", "/a/b", 0, "/b", "/b", "/a"},
	{"nothing matches", "{'regex':['/z']}", "/a", 0, "/a", "/a", NULL},
	{"the decoded path is matched", "{'regex':['^/a b']}", "/a%20b/c%20d", 0, "/c%20d", "/c d",
	 "/a b"},
	{"an escaped slash is matched as a slash, and counted as escaped", "{'regex':['^/a/b']}",
	 "/a%2Fb/c%2Fd", 0, "/c%2Fd", "/c/d", "/a/b"},
	{"an uncovered dot segment, k.14", "{'regex':['^/a']}", "/a../b", 400, NULL, NULL, "/a"},
	{"a slash is ensured", "{'regex':['^/a/']}", "/a/b", 0, "/b", "/b", "/a/"},
};

static void what_an_expression_matches_at_the_beginning_is_removed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		char line[256];

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "stripPrefixRegex", rows[i].config), 0);
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
		lab_assert_header(&lab.request.headers, "X-Forwarded-Prefix", rows[i].prefix);
		lab_done(&lab);
	}
}

static void faults_are_told(void **state)
{
	static const char *const configs[] = {
		"{'regex':['(']}",
		"{'regex':['(?=a)']}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_not_equal(lab_mw(&lab, "stripPrefixRegex", configs[i]), 0);
		assert_true(lab.sink.n_errors > 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_expression_matches_at_the_beginning_is_removed),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
