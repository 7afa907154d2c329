// SPDX-License-Identifier: Apache-2.0
/* ingress_route_tcp_test: the spec of IngressRouteTCP. */
#include "model_help.h"

#include "model/ingress_route_tcp.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"least", "{'spec':{'routes':[{'match':'HostSNI(`*`)'}]}}", NULL, NULL},
		{"all",
		 "{'spec':{'ingressClassName':'','entryPoints':['a'],'routes':[{'match':'HostSNI(`*"
		 "`)','priority':-3,'syntax':'v2','services':[{'name':'s','namespace':'n','port':'"
		 "p','weight':0,'tls':true,'serversTransport':'t','nativeLB':false,'nodePortLB':"
		 "true}],'middlewares':[{'name':'m','namespace':'n'}]}],'tls':{'secretName':'x','"
		 "options':{'name':'o'}}}}",
		 NULL, NULL},
		{"passthrough", "{'spec':{'routes':[],'tls':{'passthrough':true}}}", NULL, NULL},
		{"no routes", "{'spec':{}}", "spec.routes", "missing"},
		{"no match", "{'spec':{'routes':[{}]}}", "spec.routes[0].match", "missing"},
		{"no port", "{'spec':{'routes':[{'match':'x','services':[{'name':'s'}]}]}}",
		 "spec.routes[0].services[0].port", "missing"},
		{"kind of HTTP", "{'spec':{'routes':[{'match':'x','kind':'Rule'}]}}",
		 "spec.routes[0].kind", "unknown"},
		{"syntax", "{'spec':{'routes':[{'match':'x','syntax':'v4'}]}}",
		 "spec.routes[0].syntax", "wrong value"},
		{"weight",
		 "{'spec':{'routes':[{'match':'x','services':[{'name':'s','port':1,'weight':-1}]}]}"
		 "}",
		 "spec.routes[0].services[0].weight", NULL},
		{"PROXY version",
		 "{'spec':{'routes':[{'match':'x','services':[{'name':'s','port':1,'proxyProtocol':"
		 "{'version':3}}]}]}}",
		 "spec.routes[0].services[0].proxyProtocol.version", NULL},
		{"old delay",
		 "{'spec':{'routes':[{'match':'x','services':[{'name':'s','port':1,'"
		 "terminationDelay':100}]}]}}",
		 "spec.routes[0].services[0].terminationDelay", "deprecated"},
		{"old delay beside",
		 "{'spec':{'routes':[{'match':'x','services':[{'name':'s','port':1,'"
		 "terminationDelay':100,'serversTransport':'t'}]}]}}",
		 "spec.routes[0].services[0].terminationDelay", "no effect"},
		{"secret and passthrough",
		 "{'spec':{'routes':[],'tls':{'passthrough':true,'secretName':'s'}}}",
		 "spec.tls.secretName", "no effect"},
		{"options and passthrough",
		 "{'spec':{'routes':[],'tls':{'passthrough':true,'options':{'name':'o'}}}}",
		 "spec.tls.options", "no effect"},
		{"resolver", "{'spec':{'routes':[],'tls':{'certResolver':'le'}}}",
		 "spec.tls.certResolver", NULL},
	};

	(void)state;
	CHECK_ROWS(&schema_ingress_route_tcp, rows);
}

static void what_is_not_said_has_the_reference_s_values(void **state)
{
	const struct ingress_route_tcp *spec;
	const struct ingress_route_tcp_rule *rule;
	const struct stream_service_ref *ref;
	struct decoded d;

	(void)state;
	decode(&d, &schema_ingress_route_tcp,
	       "{'spec':{'routes':[{'match':'x','services':[{'name':'s','port':1,'proxyProtocol':{}"
	       "}]}]}}");
	spec = d.out;
	assert_null(spec->tls);
	assert_null(spec->ingress_class_name.at);
	rule = LIST_AT(spec->routes, struct ingress_route_tcp_rule, 0);
	assert_int_equal(rule->priority, 0);
	ref = LIST_AT(rule->services, struct stream_service_ref, 0);
	assert_int_equal(ref->weight, 1);
	assert_int_equal(ref->proxy_protocol->version, 2);
	assert_false(ref->native_lb.set);
	assert_false(ref->termination_delay.set);
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(what_is_not_said_has_the_reference_s_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
