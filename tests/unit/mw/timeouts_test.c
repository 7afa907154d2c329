// SPDX-License-Identifier: Apache-2.0
/* timeouts_test: deadlines are handed to the proxy; the shorter ones hold. */

#include "mw_lab.h"

static void the_shorter_deadlines_hold(void **state)
{
	struct lab lab;
	const struct request_deadlines *deadlines = &lab.request.deadlines;

	(void)state;
	lab_init(&lab);
	lab_request(&lab, "GET http://a.test/", NULL);
	lab_mw(&lab, "timeouts", "{'request':'5s','total':10,'idle':'1s'}");
	assert_int_equal(lab_run(&lab), MW_NEXT);
	assert_int_equal(deadlines->request_ns, 5 * NS_PER_SEC);
	assert_int_equal(deadlines->total_ns, 10 * NS_PER_SEC);
	assert_int_equal(deadlines->idle_ns, NS_PER_SEC);
	assert_int_equal(deadlines->response_header_ns, 0);
	lab_mw(&lab, "timeouts", "{'request':'7s','total':'2s','responseHeader':'300ms'}");
	lab_run(&lab);
	assert_int_equal(deadlines->request_ns, 5 * NS_PER_SEC);
	assert_int_equal(deadlines->total_ns, 2 * NS_PER_SEC);
	assert_int_equal(deadlines->response_header_ns, 300 * NS_PER_MS);
	lab_assert_str(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena),
		       "sets deadlines: request 7s responseHeader 300ms total 2s");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shorter_deadlines_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
