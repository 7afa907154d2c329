// SPDX-License-Identifier: Apache-2.0
/* mw_conf_test: the settings of the middlewares that are obeyed. */
#include "model_help.h"

#include "model/middleware_object.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"rate", "{'spec':{'rateLimit':{'average':100,'period':'1m','burst':50}}}", NULL,
		 NULL},
		{"average", "{'spec':{'rateLimit':{'average':-1}}}", "spec.rateLimit.average",
		 "out of range"},
		{"period", "{'spec':{'rateLimit':{'period':'-1s'}}}", "spec.rateLimit.period",
		 "out of range"},
		{"period in seconds", "{'spec':{'rateLimit':{'period':60}}}", NULL, NULL},
		{"redis", "{'spec':{'rateLimit':{'average':1,'redis':{'db':-1}}}}",
		 "spec.rateLimit.redis.db", "out of range"},
		{"two criteria",
		 "{'spec':{'rateLimit':{'sourceCriterion':{'requestHost':true,'requestHeaderName':'"
		 "X'}}}}",
		 "spec.rateLimit.sourceCriterion", "more than one"},
		{"depth", "{'spec':{'rateLimit':{'sourceCriterion':{'ipStrategy':{'depth':-1}}}}}",
		 "spec.rateLimit.sourceCriterion.ipStrategy.depth", "out of range"},
		{"auth", "{'spec':{'basicAuth':{'secret':'s'}}}", NULL, NULL},
		{"auth without users", "{'spec':{'basicAuth':{}}}", "spec.basicAuth.secret",
		 "missing"},
		{"realm that injects",
		 "{'spec':{'basicAuth':{'secret':'s','realm':'a\\r\\nX: y'}}}",
		 "spec.basicAuth.realm", "wrong value"},
		{"headers", "{'spec':{'headers':{'customRequestHeaders':{'X-A':'b','X-B':''}}}}",
		 NULL, NULL},
		{"no headers", "{'spec':{'headers':{}}}", "spec.headers", "nothing to do"},
		{"header name", "{'spec':{'headers':{'customRequestHeaders':{'X A':'b'}}}}",
		 "spec.headers.customRequestHeaders.X A", "wrong header name"},
		{"header value that injects",
		 "{'spec':{'headers':{'customResponseHeaders':{'X':'a\\nB: c'}}}}",
		 "spec.headers.customResponseHeaders.X", "wrong value"},
		{"origin", "{'spec':{'headers':{'accessControlAllowOriginListRegex':['(']}}}",
		 "spec.headers.accessControlAllowOriginListRegex[0]", "wrong value"},
		{"deprecated", "{'spec':{'headers':{'sslRedirect':true,'frameDeny':true}}}",
		 "spec.headers.sslRedirect", "no effect"},
		{"strip", "{'spec':{'stripPrefix':{'prefixes':['/a'],'forceSlash':false}}}", NULL,
		 NULL},
		{"redirect",
		 "{'spec':{'redirectScheme':{'scheme':'https','port':'8443','permanent':true}}}",
		 NULL, NULL},
		{"redirect nowhere", "{'spec':{'redirectScheme':{}}}", "spec.redirectScheme.scheme",
		 "missing"},
		{"redirect port", "{'spec':{'redirectScheme':{'scheme':'https','port':'http'}}}",
		 "spec.redirectScheme.port", "wrong value"},
		{"port as a number", "{'spec':{'redirectScheme':{'scheme':'https','port':443}}}",
		 "spec.redirectScheme.port", "wrong type"},
		{"addresses", "{'spec':{'ipAllowList':{'sourceRange':['10.0.0.0/8','::1']}}}", NULL,
		 NULL},
		{"no addresses", "{'spec':{'ipAllowList':{'sourceRange':[]}}}",
		 "spec.ipAllowList.sourceRange", "wrong number"},
		{"wrong address", "{'spec':{'ipAllowList':{'sourceRange':['10.0.0']}}}",
		 "spec.ipAllowList.sourceRange[0]", "wrong value"},
		{"status", "{'spec':{'ipAllowList':{'sourceRange':['::1'],'rejectStatusCode':42}}}",
		 "spec.ipAllowList.rejectStatusCode", "out of range"},
	};

	(void)state;
	CHECK_ROWS(&schema_middleware, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
