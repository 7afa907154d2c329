// SPDX-License-Identifier: Apache-2.0
/* traefik_service_test: the spec of TraefikService. */
#include "model_help.h"

#include "model/traefik_service.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"weighted",
		 "{'spec':{'weighted':{'services':[{'name':'a','port':80,'weight':3}],'sticky':{'"
		 "cookie':{}}}}}",
		 NULL, NULL},
		{"nothing", "{'spec':{}}", "spec", "nothing to do"},
		{"mirroring",
		 "{'spec':{'mirroring':{'name':'a','port':80,'mirrors':[{'name':'b','percent':5}]}}"
		 "}",
		 NULL, NULL},
		{"faults inside it are told too",
		 "{'spec':{'mirroring':{'name':'a','mirrors':[{'name':'b','percent':101}]}}}",
		 "spec.mirroring.mirrors[0].percent", "out of range"},
		{"flat fields of the main service", "{'spec':{'mirroring':{'port':80}}}",
		 "spec.mirroring.name", "missing"},
		{"highest", "{'spec':{'highestRandomWeight':{'services':[]}}}", NULL, NULL},
		{"failover",
		 "{'spec':{'failover':{'service':{'name':'a'},'fallback':{'name':'b'},'errors':{'"
		 "status':['500-599']}}}}",
		 NULL, NULL},
		{"failover status",
		 "{'spec':{'failover':{'service':{'name':'a'},'fallback':{'name':'b'},'errors':{'"
		 "status':['600']}}}}",
		 "spec.failover.errors.status[0]", "wrong value"},
	};

	(void)state;
	CHECK_ROWS(&schema_traefik_service, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
