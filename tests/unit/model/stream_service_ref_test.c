// SPDX-License-Identifier: Apache-2.0
/* stream_service_ref_test: references to Services of TCP and UDP. */
#include "model_help.h"

#include "model/stream_service_ref.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"least", "{'name':'s','port':1}", NULL, NULL},
		{"no name", "{'port':1}", "name", "missing"},
		{"empty name", "{'name':'','port':1}", "name", NULL},
		{"old PROXY", "{'name':'s','port':1,'proxyProtocol':{}}", "proxyProtocol",
		 "deprecated"},
	};

	(void)state;
	CHECK_ROWS(&schema_tcp_service_ref, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
