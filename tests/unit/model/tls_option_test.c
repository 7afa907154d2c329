// SPDX-License-Identifier: Apache-2.0
/* tls_option_test: the spec of TLSOption. */
#include "model_help.h"

#include "model/tls_option.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"empty", "{'spec':{}}", NULL, NULL},
		{"all",
		 "{'spec':{'minVersion':'VersionTLS12','maxVersion':'VersionTLS13','cipherSuites':["
		 "'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],'curvePreferences':['X25519','secp256r1'"
		 "],'sniStrict':true,'alpnProtocols':['http/1.1'],'disableSessionTickets':true}}",
		 NULL, NULL},
		{"version", "{'spec':{'minVersion':'TLS12'}}", "spec.minVersion", "wrong value"},
		{"order", "{'spec':{'minVersion':'VersionTLS13','maxVersion':'VersionTLS12'}}",
		 "spec.minVersion", "newer than maxVersion"},
		{"cipher", "{'spec':{'cipherSuites':['TLS_FOO']}}", "spec.cipherSuites[0]",
		 "wrong value"},
		{"curve", "{'spec':{'curvePreferences':['P-256']}}", "spec.curvePreferences[0]",
		 "wrong value"},
		{"client auth type", "{'spec':{'clientAuth':{'clientAuthType':'Maybe'}}}",
		 "spec.clientAuth.clientAuthType", "wrong value"},
		{"nothing to verify with",
		 "{'spec':{'clientAuth':{'clientAuthType':'RequireAndVerifyClientCert'}}}",
		 "spec.clientAuth.secretNames", "missing"},
		{"asking needs nothing",
		 "{'spec':{'clientAuth':{'clientAuthType':'RequestClientCert'}}}", NULL, NULL},
		{"deprecated", "{'spec':{'preferServerCipherSuites':true}}",
		 "spec.preferServerCipherSuites", "no effect"},
	};

	(void)state;
	CHECK_ROWS(&schema_tls_option, rows);
}

static void names_are_those_of_the_table(void **state)
{
	struct decoded d;

	(void)state;
	decode(&d, &schema_tls_option, "{'spec':{'curvePreferences':['x25519']}}");
	assert_str(((struct tls_option *)d.out)->curve_preferences.at[0], "X25519");
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(names_are_those_of_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
