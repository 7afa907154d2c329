// SPDX-License-Identifier: Apache-2.0
/* mw_conf_path_test: settings of path middlewares: what is wrong is found. */
#include "model_help.h"

#include "model/middleware_object.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"addPrefix", "{'spec':{'addPrefix':{'prefix':'a'}}}", "spec.addPrefix.prefix",
		 "wrong value"},
		{"addPrefix without one", "{'spec':{'addPrefix':{}}}", "spec.addPrefix.prefix",
		 "missing"},
		{"encodedCharacters", "{'spec':{'encodedCharacters':{'allowEncodedSlash':1}}}",
		 "spec.encodedCharacters.allowEncodedSlash", "wrong type"},
		{"redirectRegex", "{'spec':{'redirectRegex':{'regex':'(?=a)'}}}",
		 "spec.redirectRegex.regex", "wrong value"},
		{"ipWhiteList", "{'spec':{'ipWhiteList':{'sourceRange':['a']}}}",
		 "spec.ipWhiteList.sourceRange[0]", "wrong value"},
		{"ipWhiteList has no status",
		 "{'spec':{'ipWhiteList':{'sourceRange':['::1'],'rejectStatusCode':404}}}",
		 "spec.ipWhiteList.rejectStatusCode", "unknown field"},
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
