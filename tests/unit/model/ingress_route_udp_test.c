// SPDX-License-Identifier: Apache-2.0
/* ingress_route_udp_test: the spec of IngressRouteUDP. */
#include "model_help.h"

#include "model/ingress_route_udp.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"all",
		 "{'spec':{'ingressClassName':'x','entryPoints':['a'],'routes':[{'services':[{'"
		 "name':'s','namespace':'n','port':53,'weight':2,'nativeLB':true,'nodePortLB':"
		 "false}]}]}}",
		 NULL, NULL},
		{"no routes", "{'spec':{}}", "spec.routes", "missing"},
		{"a rule", "{'spec':{'routes':[{'match':'HostSNI(`*`)'}]}}", "spec.routes[0].match",
		 "unknown"},
		{"TLS", "{'spec':{'routes':[{'services':[{'name':'s','port':1,'tls':true}]}]}}",
		 "spec.routes[0].services[0].tls", "unknown"},
	};

	(void)state;
	CHECK_ROWS(&schema_ingress_route_udp, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
