// SPDX-License-Identifier: Apache-2.0
/* service_ref_test: references to services, with all that may be said of them. */
#include "model_help.h"

#include "model/service_ref.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"least", "{'name':'a'}", NULL, NULL},
		{"no name", "{'port':80}", "name", "missing"},
		{"bad name", "{'name':'A B'}", "name", "wrong value"},
		{"kind", "{'name':'a','kind':'Pod'}", "kind", "wrong value"},
		{"named port", "{'name':'a','port':'web'}", NULL, NULL},
		{"weight", "{'name':'a','weight':-1}", "weight", "out of range"},
		{"scheme", "{'name':'a','scheme':'ftp'}", "scheme", "wrong value"},
		{"h2c", "{'name':'a','scheme':'h2c'}", NULL, NULL},
		{"strategy", "{'name':'a','strategy':'p2c'}", NULL, NULL},
		{"unknown strategy", "{'name':'a','strategy':'random'}", "strategy", "wrong value"},
		{"a TraefikService has its own", "{'name':'a','kind':'TraefikService','sticky':{}}",
		 "sticky", "has no effect on a TraefikService"},
		{"its old name", "{'name':'a','strategy':'RoundRobin'}", NULL, NULL},
		{"node ports", "{'name':'a','nodePortLB':true}", NULL, NULL},
		{"no node ports", "{'name':'a','nodePortLB':false}", NULL, NULL},
		{"transport", "{'name':'a','serversTransport':'t'}", NULL, NULL},
		{"health check", "{'name':'a','healthCheck':{'path':'h'}}", NULL, NULL},
		{"wrong health check", "{'name':'a','healthCheck':{'mode':'tcp'}}",
		 "healthCheck.mode", "wrong value"},
		{"passive", "{'name':'a','passiveHealthCheck':{'failureWindow':'1s'}}", NULL, NULL},
		{"cookie", "{'name':'a','sticky':{'cookie':{'sameSite':'Lax','maxAge':-1}}}", NULL,
		 NULL},
		{"same site", "{'name':'a','sticky':{'cookie':{'sameSite':'LAX'}}}",
		 "sticky.cookie.sameSite", "wrong value"},
		{"cookie path that injects",
		 "{'name':'a','sticky':{'cookie':{'path':'/; Secure'}}}", "sticky.cookie.path",
		 "wrong value"},
	};

	(void)state;
	CHECK_ROWS(&schema_service_ref, rows);
}

static void defaults_are_traefiks(void **state)
{
	struct decoded d;
	const struct service_ref *ref;

	(void)state;
	decode(&d, &schema_service_ref, "{'name':'a','sticky':{'cookie':{}}}");
	ref = d.out;
	assert_false(service_ref_is_traefik(ref));
	assert_true(ref->pass_host_header);
	assert_int_equal(ref->weight, 1);
	assert_false(ref->native_lb.set);
	assert_str(ref->strategy, "wrr");
	assert_str(ref->sticky->cookie->path, "/");
	assert_null(ref->sticky->cookie->name.at);
	decoded_done(&d);
	decode(&d, &schema_service_ref, "{'name':'a','kind':'TraefikService'}");
	assert_true(service_ref_is_traefik(d.out));
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(defaults_are_traefiks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
