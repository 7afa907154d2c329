// SPDX-License-Identifier: Apache-2.0
/* source_policy_test: the spec of SourcePolicy. */
#include "model_help.h"

#include "model/source_policy.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"empty", "{'spec':{}}", NULL, NULL},
		{"all",
		 "{'spec':{'entryPoints':['web'],'allow':['10.0.0.1'],'deny':['0.0.0.0/0','::/"
		 "0'],'limits':{'packetsPerSecond':100,'packetsBurst':10,'newConnectionsPerSecond':"
		 "5,'newConnectionsBurst':5,'bytesPerSecond':'10M','bytesBurst':'64Ki'},'"
		 "aggregation':{'ipv4PrefixLength':24,'ipv6PrefixLength':56},'escalation':{'"
		 "refusals':10,'window':'5s','dropFor':'1m'}}}",
		 NULL, NULL},
		{"cidr", "{'spec':{'deny':['10.0.0.0/33']}}", "spec.deny[0]", "wrong value"},
		{"negative", "{'spec':{'limits':{'packetsPerSecond':-1}}}",
		 "spec.limits.packetsPerSecond", "out of range"},
		{"burst without rate", "{'spec':{'limits':{'bytesBurst':'1M'}}}",
		 "spec.limits.bytesBurst", "no effect"},
		{"prefix", "{'spec':{'aggregation':{'ipv4PrefixLength':33}}}",
		 "spec.aggregation.ipv4PrefixLength", "out of range"},
		{"prefix 0", "{'spec':{'aggregation':{'ipv6PrefixLength':0}}}",
		 "spec.aggregation.ipv6PrefixLength", "out of range"},
		{"short window", "{'spec':{'escalation':{'window':'1ms'}}}",
		 "spec.escalation.window", "out of range"},
		{"any status", "{'spec':{},'status':{'conditions':5,'x':1}}", NULL, NULL},
	};

	(void)state;
	CHECK_ROWS(&schema_source_policy, rows);
}

static void the_status_is_no_content(void **state)
{
	struct decoded a, b;

	(void)state;
	decode(&a, &schema_source_policy, "{'status':{'conditions':[]},'spec':{'deny':['::1']}}");
	decode(&b, &schema_source_policy, "{'spec':{'deny':['::1']}}");
	assert_int_equal(a.errors, 0);
	assert_int_equal(((struct source_policy *)a.out)->deny.n, 1);
	assert_true(schema_hash(&schema_source_policy, a.out) ==
		    schema_hash(&schema_source_policy, b.out));
	decoded_done(&a);
	decoded_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(the_status_is_no_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
