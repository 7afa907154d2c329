// SPDX-License-Identifier: Apache-2.0
/* endpoint_slice_test: what is read of an EndpointSlice. */
#include "model_help.h"

#include "model/endpoint_slice.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"a whole one",
		 "{'addressType':'IPv4','endpoints':[{'addresses':['10.0.0.1'],'conditions':{'"
		 "ready':true,'serving':null},'targetRef':{'kind':'Pod'},'hints':{}}],'ports':[{'"
		 "name':'','port':80,'protocol':'TCP'}]}",
		 NULL, NULL},
		{"no type", "{'endpoints':[]}", "addressType", "missing"},
		{"no address", "{'addressType':'IPv4','endpoints':[{'addresses':[]}]}",
		 "endpoints[0].addresses", "wrong number"},
		{"port", "{'addressType':'IPv4','ports':[{'port':70000}]}", "ports[0].port",
		 "out of range"},
	};

	(void)state;
	CHECK_ROWS(&schema_endpoint_slice, rows);
}

static void a_condition_that_is_not_known_is_not_false(void **state)
{
	struct decoded d;
	const struct slice_endpoint *endpoint;

	(void)state;
	decode(&d, &schema_endpoint_slice,
	       "{'addressType':'IPv6','endpoints':[{'addresses':['::1'],'conditions':"
	       "{'ready':null,'terminating':false}}]}");
	endpoint = LIST_AT(((struct endpoint_slice *)d.out)->endpoints, struct slice_endpoint, 0);
	assert_false(endpoint->conditions.ready.set);
	assert_true(endpoint->conditions.terminating.set);
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(a_condition_that_is_not_known_is_not_false),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
