// SPDX-License-Identifier: Apache-2.0
/* middleware_tcp_test: the spec of MiddlewareTCP. */
#include "model_help.h"

#include "model/middleware_tcp.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"in flight", "{'spec':{'inFlightConn':{'amount':0}}}", NULL, NULL},
		{"allow", "{'spec':{'ipAllowList':{'sourceRange':['10.0.0.0/8',' ::1 ']}}}", NULL,
		 NULL},
		{"none", "{'spec':{}}", "spec", "no middleware type"},
		{"two",
		 "{'spec':{'inFlightConn':{'amount':1},'ipAllowList':{'sourceRange':['::1']}}}",
		 "spec", "more than one"},
		{"negative", "{'spec':{'inFlightConn':{'amount':-1}}}", "spec.inFlightConn.amount",
		 NULL},
		{"nobody", "{'spec':{'ipAllowList':{}}}", "spec.ipAllowList.sourceRange", "nobody"},
		{"no address", "{'spec':{'ipAllowList':{'sourceRange':['x']}}}",
		 "spec.ipAllowList.sourceRange[0]", NULL},
		{"old name", "{'spec':{'ipWhiteList':{'sourceRange':['::1']}}}", "spec.ipWhiteList",
		 "deprecated"},
		{"of HTTP", "{'spec':{'rateLimit':{}}}", "spec.rateLimit", "unknown"},
	};

	(void)state;
	CHECK_ROWS(&schema_middleware_tcp, rows);
}

static void the_type_that_is_set_is_told(void **state)
{
	const struct schema *schema;
	struct decoded d;

	(void)state;
	decode(&d, &schema_middleware_tcp, "{'spec':{'inFlightConn':{'amount':7}}}");
	assert_string_equal(middleware_tcp_type(d.out), "inFlightConn");
	assert_int_equal(
		((const struct tcp_in_flight_conn *)middleware_tcp_conf(d.out, &schema))->amount,
		7);
	assert_string_equal(schema->name, "inFlightConn");
	decoded_done(&d);
	decode(&d, &schema_middleware_tcp, "{}");
	assert_null(middleware_tcp_type(d.out));
	assert_null(middleware_tcp_conf(d.out, &schema));
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(the_type_that_is_set_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
