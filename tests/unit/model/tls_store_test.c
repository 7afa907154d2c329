// SPDX-License-Identifier: Apache-2.0
/* tls_store_test: what a TLSStore may say. */
#include "model_help.h"

#include "model/tls_store.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"all but what is requested",
		 "{'spec':{'defaultCertificate':{'secretName':'a'},'certificates':[{'secretName':"
		 "'b'}]}}",
		 NULL, NULL},
		{"no name", "{'spec':{'defaultCertificate':{}}}",
		 "spec.defaultCertificate.secretName", "missing"},
		{"a request", "{'spec':{'defaultGeneratedCert':{'resolver':'le'}}}",
		 "spec.defaultGeneratedCert", "no effect"},
		{"unknown", "{'spec':{'certificate':[]}}", "spec.certificate", "unknown"},
	};

	(void)state;
	CHECK_ROWS(&schema_tls_store, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
