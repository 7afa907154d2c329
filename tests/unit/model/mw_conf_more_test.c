// SPDX-License-Identifier: Apache-2.0
/* mw_conf_more_test: middlewares that are known: checked, told of, and refused. */
#include "model_help.h"

#include "model/middleware_object.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"addPrefix", "{'spec':{'addPrefix':{'prefix':'a'}}}", "spec.addPrefix.prefix",
		 "wrong value"},
		{"buffering", "{'spec':{'buffering':{'maxRequestBodyBytes':5}}}", "spec.buffering",
		 "not supported yet"},
		{"breaker", "{'spec':{'circuitBreaker':{'responseCode':99}}}",
		 "spec.circuitBreaker.responseCode", "out of range"},
		{"compress", "{'spec':{'compress':{'encodings':['lzma']}}}",
		 "spec.compress.encodings[0]", "wrong value"},
		{"contentType", "{'spec':{'contentType':{}}}", "spec.contentType",
		 "not supported yet"},
		{"encodedCharacters", "{'spec':{'encodedCharacters':{'allowEncodedSlash':1}}}",
		 "spec.encodedCharacters.allowEncodedSlash", "wrong type"},
		{"grpcWeb", "{'spec':{'grpcWeb':{'allowOrigins':['*']}}}", "spec.grpcWeb",
		 "not supported yet"},
		{"inFlightReq", "{'spec':{'inFlightReq':{'amount':-1}}}", "spec.inFlightReq.amount",
		 "out of range"},
		{"ipWhiteList", "{'spec':{'ipWhiteList':{'sourceRange':['::1']}}}",
		 "spec.ipWhiteList", "not supported yet"},
		{"redirectRegex", "{'spec':{'redirectRegex':{'regex':'(?=a)'}}}",
		 "spec.redirectRegex.regex", "wrong value"},
		{"replacePath", "{'spec':{'replacePath':{'path':'/a'}}}", "spec.replacePath",
		 "not supported yet"},
		{"replacePathRegex", "{'spec':{'replacePathRegex':{'regex':'a**'}}}",
		 "spec.replacePathRegex.regex", "wrong value"},
		{"retry", "{'spec':{'retry':{'attempts':'3'}}}", "spec.retry.attempts",
		 "wrong type"},
		{"stripPrefixRegex", "{'spec':{'stripPrefixRegex':{'regex':['[']}}}",
		 "spec.stripPrefixRegex.regex[0]", "wrong value"},
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
