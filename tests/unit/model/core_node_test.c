// SPDX-License-Identifier: Apache-2.0
/* core_node_test: what is read of a Node. */
#include "model_help.h"

#include "model/core_node.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"nothing", "{}", NULL, NULL},
		{"a whole one",
		 "{'spec':{'podCIDR':'10.0.0.0/24'},'status':{'capacity':{},'addresses':[{'type':"
		 "'InternalIP','address':'10.1.0.1','x':1},{'type':'Hostname','address':'n'}]}}",
		 NULL, NULL},
		{"no list", "{'status':{'addresses':{}}}", "status.addresses", "wrong type"},
	};

	(void)state;
	CHECK_ROWS(&schema_core_node, rows);
}

static void addresses_are_read(void **state)
{
	struct decoded d;
	const struct core_node *node;

	(void)state;
	decode(&d, &schema_core_node,
	       "{'status':{'addresses':[{'type':'InternalIP','address':'10.1.0.1'}]}}");
	node = d.out;
	assert_int_equal(node->addresses.n, 1);
	assert_str(LIST_AT(node->addresses, struct node_address, 0)->address, "10.1.0.1");
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(addresses_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
