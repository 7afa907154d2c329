// SPDX-License-Identifier: Apache-2.0
/* core_service_test: what is read of a Service. */
#include "model_help.h"

#include "model/core_service.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"a whole one",
		 "{'spec':{'selector':{'a':'b'},'type':'ClusterIP','clusterIP':'10.0.0.1','ports':["
		 "{'name':'web','port':80,'targetPort':'http','x':1}]},'status':{'loadBalancer':{}}"
		 "}",
		 NULL, NULL},
		{"no spec", "{}", "spec", "missing"},
		{"port", "{'spec':{'ports':[{'port':0}]}}", "spec.ports[0].port", "out of range"},
		{"no port", "{'spec':{'ports':[{'name':'a'}]}}", "spec.ports[0].port", "missing"},
		{"type", "{'spec':{'type':'Local'}}", "spec.type", "wrong value"},
	};

	(void)state;
	CHECK_ROWS(&schema_core_service, rows);
}

static void the_defaults_are_kubernetes_own(void **state)
{
	struct decoded d;
	const struct core_service *service;

	(void)state;
	decode(&d, &schema_core_service, "{'spec':{'ports':[{'port':80}]}}");
	service = d.out;
	assert_str(service->type, "ClusterIP");
	assert_str(LIST_AT(service->ports, struct core_service_port, 0)->protocol, "TCP");
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(the_defaults_are_kubernetes_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
