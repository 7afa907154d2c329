// SPDX-License-Identifier: Apache-2.0
/* tls_suite_test: the names of reference g.2 are all known. */

#include "tls_lab.h"

#include "tls/tls_suite.h"

static void every_name_of_a_suite_that_is_offered_is_known_to_openssl(void **state)
{
	static const char *const names[] = {
		"TLS_RSA_WITH_AES_128_CBC_SHA",
		"TLS_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
	};
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct tls_suite *suite = tls_suite_find(str_of(names[i]));

		assert_non_null(suite);
		assert_int_equal(SSL_CTX_set_cipher_list(ctx, suite->openssl), 1);
	}
	assert_int_equal(SSL_CTX_set_cipher_list(ctx, tls_suite_default_list()), 1);
	assert_int_equal(SSL_CTX_set_ciphersuites(ctx, tls_suite_tls13_list()), 1);
	SSL_CTX_free(ctx);
}

static void old_suites_are_known_but_gone(void **state)
{
	(void)state;
	assert_null(tls_suite_find(STR("TLS_RSA_WITH_RC4_128_SHA"))->openssl);
	assert_null(tls_suite_find(STR("TLS_FALLBACK_SCSV"))->openssl);
	assert_true(tls_suite_find(STR("TLS_AES_128_GCM_SHA256"))->is_tls13);
	assert_null(tls_suite_find(STR("TLS_NO_SUCH")));
}

static void curves_have_two_names_each(void **state)
{
	(void)state;
	assert_int_equal(tls_suite_curve(STR("CurveP256"))->nid, NID_X9_62_prime256v1);
	assert_int_equal(tls_suite_curve(STR("secp384r1"))->nid, NID_secp384r1);
	assert_int_equal(tls_suite_curve(STR("x25519"))->nid, NID_X25519);
	assert_int_equal(tls_suite_curve(STR("X25519MLKEM768"))->nid, 0);
	assert_null(tls_suite_curve(STR("brainpool")));
}

static void versions_and_suggestions(void **state)
{
	(void)state;
	assert_int_equal(tls_suite_version(STR("VersionTLS12")), TLS1_2_VERSION);
	assert_int_equal(tls_suite_version(STR("VersionTLS13")), TLS1_3_VERSION);
	assert_int_equal(tls_suite_version(STR("TLS13")), 0);
	assert_true(str_eq(tls_suite_nearest(STR("VersionTls12")), STR("VersionTLS12")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_of_a_suite_that_is_offered_is_known_to_openssl),
		cmocka_unit_test(old_suites_are_known_but_gone),
		cmocka_unit_test(curves_have_two_names_each),
		cmocka_unit_test(versions_and_suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
