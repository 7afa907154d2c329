// SPDX-License-Identifier: Apache-2.0
/* mw_conf_token_test: settings of jwt and apiKey. */
#include "model_help.h"

#include "base/clock.h"
#include "model/mw_conf_token.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row jwt[] = {
		{"right",
		 "{'jwksURL':'https://i/k','issuers':['https://i'],'algorithms':['RS256','EdDSA'],"
		 "'forwardHeaders':{'X-User':'sub'},'leeway':'5s',"
		 "'requiredClaims':[{'claim':'scope','contains':'read'}],"
		 "'source':{'header':'Authorization','headerAuthScheme':'Bearer','cookie':'t'}}",
		 NULL, NULL},
		{"no key", "{}", "", "there is no key to check tokens with"},
		{"none", "{'signingSecret':'s','algorithms':['none']}", "algorithms[0]",
		 "wrong value"},
		{"two conditions",
		 "{'signingSecret':'s','requiredClaims':[{'claim':'a','equals':'b','oneOf':['c']}]"
		 "}",
		 "requiredClaims[0]", "not exactly one condition"},
		{"no condition", "{'signingSecret':'s','requiredClaims':[{'claim':'a'}]}",
		 "requiredClaims[0]", "not exactly one condition"},
		{"no claim", "{'signingSecret':'s','requiredClaims':[{'equals':'a'}]}",
		 "requiredClaims[0].claim", "missing"},
		{"nowhere", "{'signingSecret':'s','source':{}}", "source",
		 "names no place to look"},
		{"scheme", "{'signingSecret':'s','source':{'query':'t','headerAuthScheme':'B'}}",
		 "source.headerAuthScheme", "there is no header"},
		{"leeway", "{'signingSecret':'s','leeway':'2h'}", "leeway", "out of range"},
		{"refresh", "{'jwksURL':'https://i/k','jwksRefresh':'1ms'}", "jwksRefresh",
		 "out of range"},
	};
	static const struct fault_row key[] = {
		{"right", "{'secret':'s','source':{'query':'key'}}", NULL, NULL},
		{"no secret", "{}", "secret", "missing"},
	};

	(void)state;
	CHECK_ROWS(&schema_mw_jwt, jwt);
	CHECK_ROWS(&schema_mw_api_key, key);
}

static void defaults_are_safe(void **state)
{
	struct decoded d;
	const struct mwc_jwt *jwt;

	(void)state;
	decode(&d, &schema_mw_jwt, "{'signingSecret':'s'}");
	jwt = d.out;
	assert_false(jwt->allow_without_expiry);
	assert_int_equal(jwt->leeway.ns, 60 * NS_PER_SEC);
	assert_int_equal(jwt->jwks_refresh.ns, 900 * NS_PER_SEC);
	assert_true(str_eq(jwt->user_claim, STR("sub")));
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(defaults_are_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
