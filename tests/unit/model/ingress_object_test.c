// SPDX-License-Identifier: Apache-2.0
/* ingress_object_test: what is read of Ingress and IngressClass. */
#include "model_help.h"

#include "model/ingress_object.h"

#define PATH(more) "{'spec':{'rules':[{'host':'a','http':{'paths':[{" more "}]}}]}}"
#define BACKEND	   "'backend':{'service':{'name':'s','port':{'number':80}}}"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"a whole one", PATH("'path':'/','pathType':'Prefix'," BACKEND), NULL, NULL},
		{"no pathType", PATH("'path':'/'," BACKEND), NULL, NULL},
		{"a default backend",
		 "{'spec':{'defaultBackend':{'service':{'name':'s','port':{'name':'http'}}}}}",
		 NULL, NULL},
		{"tls", "{'spec':{'tls':[{'hosts':['a'],'secretName':'t'},{}]}}", NULL, NULL},
		{"status is of no concern",
		 "{'spec':{},'status':{'loadBalancer':{'ingress':[{'ip':'1.2.3.4'}]}}}", NULL,
		 NULL},
		{"a rule without http", "{'spec':{'rules':[{'host':'a'}]}}", NULL, NULL},
		{"pathType", PATH("'path':'/','pathType':'Exakt'," BACKEND),
		 "spec.rules[0].http.paths[0].pathType", "wrong value"},
		{"no backend", PATH("'path':'/'"), "spec.rules[0].http.paths[0].backend",
		 "missing"},
		{"no port", PATH("'backend':{'service':{'name':'s','port':{}}}"),
		 "spec.rules[0].http.paths[0].backend.service.port", "its name or its number"},
		{"two ports",
		 PATH("'backend':{'service':{'name':'s','port':{'name':'a','number':1}}}"),
		 "spec.rules[0].http.paths[0].backend.service.port", "its name or its number"},
		/* Refused when it is compiled: the other paths are served. */
		{"another resource", PATH("'backend':{'resource':{'kind':'Bucket','name':'b'}}"),
		 NULL, NULL},
		{"unknown field", "{'spec':{'rule':[]}}", "spec.rule", "unknown"},
	};

	(void)state;
	CHECK_ROWS(&schema_ingress, rows);
}

static void a_class_has_a_controller(void **state)
{
	struct decoded d;

	(void)state;
	decode(&d, &schema_ingress_class,
	       "{'spec':{'controller':'traefik.io/ingress-controller','parameters':{}}}");
	assert_str(((const struct ingress_class *)d.out)->controller,
		   "traefik.io/ingress-controller");
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(a_class_has_a_controller),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
