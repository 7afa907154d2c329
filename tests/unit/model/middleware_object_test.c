// SPDX-License-Identifier: Apache-2.0
/* middleware_object_test: the spec of Middleware: exactly one type. */
#include "model_help.h"

#include "model/middleware_object.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"one", "{'spec':{'chain':{'middlewares':[]}}}", NULL, NULL},
		{"none", "{'spec':{}}", "spec", "no middleware type"},
		{"two", "{'spec':{'chain':{},'stripPrefix':{'prefixes':['/a']}}}", "spec",
		 "more than one middleware type: stripPrefix, chain"},
		{"unknown", "{'spec':{'ratelimit':{'average':1}}}", "spec.ratelimit",
		 "unknown field"},
		{"plugin", "{'spec':{'plugin':{'x':{}}}}", "spec.plugin", "not supported yet"},
	};

	(void)state;
	CHECK_ROWS(&schema_middleware, rows);
}

static void its_type_and_settings_are_found(void **state)
{
	struct decoded d;
	const struct mwc_rate_limit *limit;

	(void)state;
	decode(&d, &schema_middleware, "{'spec':{'rateLimit':{'average':5}}}");
	assert_string_equal(middleware_object_type(d.out), "rateLimit");
	limit = middleware_object_conf(d.out);
	assert_int_equal(limit->average, 5);
	assert_ptr_equal(limit, ((struct middleware_object *)d.out)->rate_limit);
	decoded_done(&d);
	decode(&d, &schema_middleware, "{'spec':{}}");
	assert_null(middleware_object_type(d.out));
	assert_null(middleware_object_conf(d.out));
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(its_type_and_settings_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
