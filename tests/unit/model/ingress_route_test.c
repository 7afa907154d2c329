// SPDX-License-Identifier: Apache-2.0
/* ingress_route_test: the spec of IngressRoute. */
#include "model_help.h"

#include "model/ingress_route.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"least", "{'spec':{'routes':[]}}", NULL, NULL},
		{"no spec", "{}", "spec", "missing"},
		{"no routes", "{'spec':{}}", "spec.routes", "missing"},
		{"no match", "{'spec':{'routes':[{}]}}", "spec.routes[0].match", "missing"},
		{"kind", "{'spec':{'routes':[{'match':'x','kind':'Route'}]}}",
		 "spec.routes[0].kind", "wrong value"},
		{"priority may be negative",
		 "{'spec':{'routes':[{'match':'x','priority':-5,'kind':'Rule'}]}}", NULL, NULL},
		{"priority too large",
		 "{'spec':{'routes':[{'match':'x','priority':9223372036854775807}]}}",
		 "spec.routes[0].priority", "out of range"},
		{"v2", "{'spec':{'routes':[{'match':'x','syntax':'v2'}]}}", NULL, NULL},
		{"v3", "{'spec':{'routes':[{'match':'x','syntax':'v3'}]}}", NULL, NULL},
		{"middleware without name",
		 "{'spec':{'routes':[{'match':'x','middlewares':[{'namespace':'a'}]}]}}",
		 "spec.routes[0].middlewares[0].name", "missing"},
		{"middleware of another provider",
		 "{'spec':{'routes':[{'match':'x','middlewares':[{'name':'a@file'}]}]}}", NULL,
		 NULL},
		{"parents", "{'spec':{'routes':[],'parentRefs':[{'name':'a'}]}}", NULL, NULL},
		{"resolver", "{'spec':{'routes':[],'tls':{'certResolver':'le'}}}",
		 "spec.tls.certResolver", "has no effect"},
		{"empty tls", "{'spec':{'routes':[],'tls':{}}}", NULL, NULL},
		{"options without name", "{'spec':{'routes':[],'tls':{'options':{}}}}",
		 "spec.tls.options.name", "missing"},
		{"unknown beside spec", "{'spec':{'routes':[]},'sepc':1}", "sepc", "unknown field"},
	};

	(void)state;
	CHECK_ROWS(&schema_ingress_route, rows);
}

static void presence_tells_empty_from_absent(void **state)
{
	struct decoded d;
	const struct ingress_route *route;

	(void)state;
	decode(&d, &schema_ingress_route, "{'spec':{'routes':[],'tls':{},'ingressClassName':''}}");
	route = d.out;
	assert_non_null(route->tls);
	assert_non_null(route->ingress_class_name.at);
	decoded_done(&d);
	decode(&d, &schema_ingress_route, "{'spec':{'routes':[]}}");
	route = d.out;
	assert_null(route->tls);
	assert_null(route->ingress_class_name.at);
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(presence_tells_empty_from_absent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
