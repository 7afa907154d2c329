// SPDX-License-Identifier: Apache-2.0
/* mw_conf_limit_test: settings of limits, tries and our own: what is wrong is found. */
#include "model_help.h"

#include "model/middleware_object.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"inFlightReq", "{'spec':{'inFlightReq':{'amount':-1}}}", "spec.inFlightReq.amount",
		 "out of range"},
		{"inFlightReq, two criteria",
		 "{'spec':{'inFlightReq':{'amount':1,'sourceCriterion':{'requestHost':true,"
		 "'requestHeaderName':'a'}}}}",
		 "spec.inFlightReq.sourceCriterion", "more than one"},
		{"buffering", "{'spec':{'buffering':{'maxRequestBodyBytes':-5}}}",
		 "spec.buffering.maxRequestBodyBytes", "out of range"},
		{"breaker", "{'spec':{'circuitBreaker':{'expression':'x','responseCode':99}}}",
		 "spec.circuitBreaker.responseCode", "out of range"},
		{"breaker without an expression", "{'spec':{'circuitBreaker':{}}}",
		 "spec.circuitBreaker.expression", "missing"},
		{"retry", "{'spec':{'retry':{'attempts':'3'}}}", "spec.retry.attempts",
		 "wrong type"},
		{"retry never", "{'spec':{'retry':{'attempts':0}}}", "spec.retry.attempts",
		 "out of range"},
		{"retry of nothing",
		 "{'spec':{'retry':{'attempts':2,'disableRetryOnNetworkError':true}}}",
		 "spec.retry", "nothing is tried again"},
		{"retry range", "{'spec':{'retry':{'attempts':2,'status':['599-500']}}}",
		 "spec.retry.status[0]", "wrong value"},
		{"requestId", "{'spec':{'requestId':{'trust':'some'}}}", "spec.requestId.trust",
		 "wrong value"},
		{"deny nobody", "{'spec':{'deny':{}}}", "spec.deny", "nobody is denied"},
		{"deny", "{'spec':{'deny':{'cidrs':['10.0.0.0/33']}}}", "spec.deny.cidrs[0]",
		 "wrong value"},
		{"timeouts of nothing", "{'spec':{'timeouts':{}}}", "spec.timeouts",
		 "no timeout is set"},
		{"timeouts", "{'spec':{'timeouts':{'total':'soon'}}}", "spec.timeouts.total",
		 "wrong"},
	};

	(void)state;
	CHECK_ROWS(&schema_middleware, rows);
}

static void defaults_are_those_of_the_reference(void **state)
{
	struct decoded d;
	const struct middleware_object *object;

	(void)state;
	decode(&d, &schema_middleware, "{'spec':{'retry':{'attempts':2}}}");
	object = d.out;
	assert_int_equal(d.errors, 0);
	assert_int_equal(object->retry->max_request_body_bytes, 2097152);
	decoded_done(&d);
	decode(&d, &schema_middleware, "{'spec':{'circuitBreaker':{'expression':'x'}}}");
	object = d.out;
	assert_int_equal(object->circuit_breaker->check_period.ns, 100000000);
	assert_int_equal(object->circuit_breaker->response_code, 503);
	decoded_done(&d);
	decode(&d, &schema_middleware, "{'spec':{'requestId':{}}}");
	object = d.out;
	assert_true(str_eq(object->request_id->header_name, STR("X-Request-Id")));
	assert_true(object->request_id->response.value);
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(defaults_are_those_of_the_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
