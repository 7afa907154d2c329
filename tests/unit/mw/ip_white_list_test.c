// SPDX-License-Identifier: Apache-2.0
/* ip_white_list_test: reference/traefik.md c.4; more in ip_allow_list_test. */

#include "mw_lab.h"

static void only_the_named_addresses_pass(void **state)
{
	static const struct {
		const char *config;
		enum mw_verdict verdict;
	} rows[] = {
		{"{'sourceRange':['192.0.2.0/24']}", MW_NEXT},
		{"{'sourceRange':['192.0.3.0/24']}", MW_REPLY},
		{"{'sourceRange':['192.0.2.1'],'ipStrategy':{'depth':1}}", MW_REPLY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "ipWhiteList", rows[i].config), 0);
		lab_request(&lab, "GET http://a.test/", NULL);
		assert_int_equal(lab_run(&lab), rows[i].verdict);
		if (rows[i].verdict == MW_REPLY)
			assert_int_equal(lab.call.reply.status, 403);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		lab_done(&lab);
	}
}

static void faults_are_told(void **state)
{
	static const char *const configs[] = {
		"{}",
		"{'sourceRange':[]}",
		"{'sourceRange':['a']}",
		"{'sourceRange':['::1'],'rejectStatusCode':404}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_not_equal(lab_mw(&lab, "ipWhiteList", configs[i]), 0);
		assert_true(lab.sink.n_errors > 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_named_addresses_pass),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
