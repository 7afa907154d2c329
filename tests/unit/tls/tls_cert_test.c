// SPDX-License-Identifier: Apache-2.0
/* tls_cert_test: PEM in, names and faults out. */

#include "tls_lab.h"

#include "tls/tls_cert.h"

static void names_are_sorted_lowered_and_unique(void **state)
{
	/* reference g.1: CN, DNS and IP names; a CN among the SANs counts once. */
	static const struct {
		const char *cn, *san, *joined;
	} rows[] = {
		{"A.test", "DNS:a.test,DNS:B.test", "a.test,b.test"},
		{"z.test", "DNS:b.test.", "b.test,z.test"},
		{NULL, "DNS:*.x.test,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1", "*.x.test,127.0.0.1,::1"},
		{"free text name", "DNS:a.test", "a.test"},
		{"only-cn.test", NULL, "only-cn.test"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab_cert made;
		struct tls_cert *cert;
		char message[TLS_MESSAGE_MAX];

		lab_cert(&made, &(struct lab_cert_spec){.cn = rows[i].cn, .san = rows[i].san});
		assert_int_equal(
			tls_cert_parse(str_of(made.cert), str_of(made.key), &cert, message), 0);
		assert_string_equal(message, "");
		assert_true(str_eq(cert->joined, str_of(rows[i].joined)));
		tls_cert_free(cert);
		lab_cert_done(&made);
	}
}

static void faults_are_told(void **state)
{
	struct lab_cert a, b, old, early;
	struct tls_cert *cert;
	char message[TLS_MESSAGE_MAX], broken[4096];

	(void)state;
	lab_cert(&a, &(struct lab_cert_spec){.cn = "a.test"});
	lab_cert(&b, &(struct lab_cert_spec){.cn = "b.test"});
	lab_cert(&old,
		 &(struct lab_cert_spec){.cn = "old.test", .from_s = -7200, .until_s = -3600});
	lab_cert(&early, &(struct lab_cert_spec){.cn = "early.test", .from_s = 1800});
	snprintf(broken, sizeof(broken), "%s", a.cert);
	memset(strchr(broken, '\n') + 1, '!', 20);
	const struct {
		const char *cert, *key;
		int result;
		const char *message;
	} rows[] = {
		{a.cert, b.key, -EINVAL, "the private key does not belong to the certificate"},
		{broken, a.key, -EINVAL, "the certificate is not readable PEM"},
		{"", a.key, -EINVAL, "there is no certificate"},
		{"nonsense", a.key, -EINVAL, "there is no certificate"},
		{a.cert, "nonsense", -EINVAL,
		 "the private key is not readable PEM without a password"},
		{a.cert, "", -EINVAL, "the private key is not readable PEM without a password"},
		{old.cert, old.key, 0, "the certificate has expired"},
		{early.cert, early.key, 0, "the certificate is not valid yet"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cert = NULL;
		assert_int_equal(
			tls_cert_parse(str_of(rows[i].cert), str_of(rows[i].key), &cert, message),
			rows[i].result);
		assert_string_equal(message, rows[i].message);
		tls_cert_free(cert);
	}
	lab_cert_done(&a);
	lab_cert_done(&b);
	lab_cert_done(&old);
	lab_cert_done(&early);
}

static void a_key_with_a_password_asks_nobody(void **state)
{
	struct lab_cert a;
	struct tls_cert *cert;
	char message[TLS_MESSAGE_MAX], locked[4096];
	BIO *bio = BIO_new(BIO_s_mem());

	(void)state;
	lab_cert(&a, &(struct lab_cert_spec){.cn = "a.test"});
	PEM_write_bio_PrivateKey(bio, a.pkey, EVP_aes_128_cbc(), (const unsigned char *)"pw", 2,
				 NULL, NULL);
	lab_pem(bio, locked, sizeof(locked));
	assert_int_equal(tls_cert_parse(str_of(a.cert), str_of(locked), &cert, message), -EINVAL);
	lab_cert_done(&a);
}

static void the_chain_comes_along(void **state)
{
	struct lab_cert ca, leaf;
	struct tls_cert *cert;
	char message[TLS_MESSAGE_MAX], both[8192];

	(void)state;
	lab_cert(&ca, &(struct lab_cert_spec){.cn = "ca", .ca = true});
	lab_cert(&leaf, &(struct lab_cert_spec){.cn = "leaf.test", .issuer = &ca});
	snprintf(both, sizeof(both), "%s%s", leaf.cert, ca.cert);
	assert_int_equal(tls_cert_parse(str_of(both), str_of(leaf.key), &cert, message), 0);
	assert_int_equal(sk_X509_num(cert->chain), 1);
	assert_true(str_eq(cert->joined, STR("leaf.test")));
	tls_cert_free(cert);
	lab_cert_done(&ca);
	lab_cert_done(&leaf);
}

static void the_generated_one_is_for_a_random_name(void **state)
{
	struct tls_cert *a = tls_cert_generate(), *b = tls_cert_generate();
	char cn[64];

	(void)state;
	X509_NAME_get_text_by_NID(X509_get_subject_name(a->leaf), NID_commonName, cn, sizeof(cn));
	assert_string_equal(cn, "TIDEGATE DEFAULT CERT");
	assert_int_equal(a->joined.len, 32 + 1 + 32 + strlen(".tidegate.default"));
	assert_false(str_eq(a->joined, b->joined));
	assert_int_equal(X509_verify(a->leaf, a->key), 1);
	tls_cert_free(a);
	tls_cert_free(b);
	tls_cert_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_sorted_lowered_and_unique),
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(a_key_with_a_password_asks_nobody),
		cmocka_unit_test(the_chain_comes_along),
		cmocka_unit_test(the_generated_one_is_for_a_random_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
