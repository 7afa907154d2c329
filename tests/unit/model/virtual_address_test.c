// SPDX-License-Identifier: Apache-2.0
/* virtual_address_test: the spec of VirtualAddress. */
#include "model_help.h"

#include "model/virtual_address.h"

static const struct fault_row rows[] = {
	{"least",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'backendRefs':[{'name':'"
	 "s','port':53}]}}",
	 NULL, NULL},
	{"all",
	 "{'spec':{'addresses':['192.0.2.1','2001:db8::1'],'ports':[{'name':'a','port':"
	 "8000,'endPort':8999}],'protocol':'UDP','mode':'dsr-gue','backendRefs':[{'name':'"
	 "s','namespace':'n','port':'p','weight':0},{'address':'10.0.0.1'}],'healthCheck':{"
	 "'type':'http','port':80,'path':'/"
	 "ok','host':'h','status':204,'interval':'1s','timeout':'200ms','healthyThreshold':"
	 "2,'unhealthyThreshold':5},'sessionAffinity':'quic','sourcePolicy':{'name':'p'},'"
	 "synCookies':'off','spread':true}}",
	 NULL, NULL},
	{"local",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'mode':'local','"
	 "entryPoint':'web'}}",
	 NULL, NULL},
	{"local without entry point",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'mode':'local'}}",
	 "spec.entryPoint", "needs"},
	{"local with backends",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'mode':'local','"
	 "entryPoint':'w','backendRefs':[{'address':'10.0.0.1'}]}}",
	 "spec.backendRefs", "no backends"},
	{"entry point of nat",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'entryPoint':'w','"
	 "backendRefs':[{'address':'10.0.0.1'}]}}",
	 "spec.entryPoint", "mode local only"},
	{"no backend", "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}]}}",
	 "spec.backendRefs", "at least one"},
	{"no address",
	 "{'spec':{'addresses':[],'ports':[{'port':53}],'backendRefs':[{'address':'10.0.0."
	 "1'}]}}",
	 "spec.addresses", NULL},
	{"a CIDR",
	 "{'spec':{'addresses':['192.0.2.0/"
	 "24'],'ports':[{'port':53}],'backendRefs':[{'address':'10.0.0.1'}]}}",
	 "spec.addresses[0]", NULL},
	{"port 0",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':0}],'backendRefs':[{'address'"
	 ":'10.0.0.1'}]}}",
	 "spec.ports[0].port", NULL},
	{"range",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':9,'endPort':8}],'backendRefs'"
	 ":[{'address':'10.0.0.1'}]}}",
	 "spec.ports[0].endPort", "before"},
	{"both",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'backendRefs':[{'name':'"
	 "s','port':1,'address':'10.0.0.1'}]}}",
	 "spec.backendRefs[0]", "either"},
	{"neither",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'backendRefs':[{'weight'"
	 ":1}]}}",
	 "spec.backendRefs[0]", "either"},
	{"which port",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'backendRefs':[{'name':'"
	 "s'}]}}",
	 "spec.backendRefs[0].port", "missing"},
	{"port by name",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'backendRefs':[{'"
	 "address':'10.0.0.1','port':'dns'}]}}",
	 "spec.backendRefs[0].port", "by number"},
	{"port of DSR",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'mode':'dsr-l2','"
	 "backendRefs':[{'address':'10.0.0.1','port':54}]}}",
	 "spec.backendRefs[0].port", "only mode nat"},
	{"quic of TCP",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'sessionAffinity':'quic'"
	 ",'backendRefs':[{'address':'10.0.0.1'}]}}",
	 "spec.sessionAffinity", "of UDP"},
	{"cookies of UDP",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'protocol':'UDP','"
	 "synCookies':'on','backendRefs':[{'address':'10.0.0.1'}]}}",
	 "spec.synCookies", "no effect"},
	{"mode",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'mode':'dsr','"
	 "backendRefs':[{'address':'10.0.0.1'}]}}",
	 "spec.mode", "wrong value"},
	{"status is passed over",
	 "{'spec':{'addresses':['192.0.2.1'],'ports':[{'port':53}],'backendRefs':[{'"
	 "address':'10.0.0.1'}]},'status':{'addresses':['192.0.2.1'],'conditions':[]}}",
	 NULL, NULL},
};

static void faults_are_found_and_what_is_right_passes(void **state)
{
	(void)state;
	CHECK_ROWS(&schema_virtual_address, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
