// SPDX-License-Identifier: Apache-2.0
/* add_prefix_test: reference/traefik.md c.1. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *path;
	uint16_t status; /* 0: goes on */
	const char *raw, *decoded, *header;
} rows[] = {
	{"simple", "{'prefix':'/a'}", "/b", 0, "/a/b", "/a/b", NULL},
	{"the final slash stays", "{'prefix':'/a'}", "/b/", 0, "/a/b/", "/a/b/", NULL},
	{"root", "{'prefix':'/a'}", "/", 0, "/a/", "/a/", NULL},
	{"escaped characters stay escaped", "{'prefix':'/a'}", "/b%2Fc", 0, "/a/b%2Fc", "/a/b/c",
	 NULL},
	{"the prefix is escaped", "{'prefix':'/a b'}", "/c", 0, "/a%20b/c", "/a b/c", NULL},
	{"a percent sign stands for itself", "{'prefix':'/a%20b'}", "/c", 0, "/a%2520b/c",
	 "/a%20b/c", NULL},
	{"a double slash of the prefix stays", "{'prefix':'/a/'}", "/b", 0, "/a//b", "/a//b", NULL},
};

static void a_prefix_is_put_before_the_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		char line[256];

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "addPrefix", rows[i].config), 0);
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
		lab_assert_header(&lab.request.headers, "X-Forwarded-Prefix", rows[i].header);
		lab_done(&lab);
	}
}

static void faults_are_told(void **state)
{
	static const char *const configs[] = {
		"{'prefix':''}",
		"{'prefix':'a'}",
		"{}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_not_equal(lab_mw(&lab, "addPrefix", configs[i]), 0);
		assert_true(lab.sink.n_errors > 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_is_put_before_the_path),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
