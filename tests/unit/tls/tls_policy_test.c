// SPDX-License-Identifier: Apache-2.0
/* tls_policy_test: TLSOption -> what a handshake is allowed (reference a.9, g.2). */

#include "tls_lab.h"

static struct lab_cert rsa, ecdsa;

static struct strs list_of(struct str *one)
{
	return one->len ? (struct strs){one, 1} : (struct strs){0};
}

static const struct {
	const char *name, *min, *max, *cipher, *curve, *alpn, *auth;
	size_t errors, warnings;
} rows[] = {
	{"all defaults", "", "", "", "", "", "", 0, 0},
	{"1.3 only", "VersionTLS13", "", "", "", "", "", 0, 0},
	{"unknown version", "VersionTLS14", "", "", "", "", "", 1, 0},
	{"1.0 is raised", "VersionTLS10", "", "", "", "", "", 0, 1},
	{"below 1.2 is not offered", "", "VersionTLS11", "", "", "", "", 1, 0},
	{"min above max", "VersionTLS13", "VersionTLS12", "", "", "", "", 1, 0},
	{"a suite", "", "", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "", "", "", 0, 0},
	{"unknown suite", "", "", "TLS_FOO", "", "", "", 1, 0},
	{"an old suite alone leaves 1.3", "", "", "TLS_RSA_WITH_RC4_128_SHA", "", "", "", 0, 1},
	{"an old suite alone under 1.2", "", "VersionTLS12", "TLS_RSA_WITH_RC4_128_SHA", "", "", "",
	 1, 1},
	{"a curve", "", "", "", "CurveP256", "", "", 0, 0},
	{"unknown curve", "", "", "", "CurveP1", "", "", 1, 0},
	{"a curve this OpenSSL lacks", "", "", "", "X25519MLKEM768", "", "", 1, 1},
	{"h2 alone", "", "", "", "", "h2", "", 0, 1},
	{"unknown client auth", "", "", "", "", "", "Maybe", 1, 0},
	{"verification without CA", "", "", "", "", "", "RequireAndVerifyClientCert", 1, 0},
	{"any client certificate", "", "", "", "", "", "RequireAnyClientCert", 0, 0},
};

static void faults_of_options_are_all_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab_plan plan;
		struct str cipher = str_of(rows[i].cipher), curve = str_of(rows[i].curve);
		struct str alpn = str_of(rows[i].alpn);
		struct tls_client_auth auth = {.client_auth_type = str_of(rows[i].auth)};
		struct tls_option option = {
			.min_version = str_of(rows[i].min),
			.max_version = str_of(rows[i].max),
			.cipher_suites = list_of(&cipher),
			.curve_preferences = list_of(&curve),
			.alpn_protocols = list_of(&alpn),
			.client_auth = rows[i].auth[0] ? &auth : NULL,
		};

		print_message("  %s\n", rows[i].name);
		lab_plan(&plan);
		int id = lab_policy(&plan, "o", &option, NULL);

		assert_int_equal(id == -EINVAL, rows[i].errors > 0);
		assert_int_equal(plan.sink.n_errors, rows[i].errors);
		assert_int_equal(plan.sink.n_warnings, rows[i].warnings);
		tls_builder_free(plan.builder);
		lab_plan_done(&plan);
	}
}

static void named_but_missing_cas_fail_closed(void **state)
{
	struct lab_plan plan;
	struct str name = STR("gone");
	struct tls_client_auth auth = {.secret_names = {&name, 1}};
	struct tls_option option = {.client_auth = &auth};

	(void)state;
	lab_plan(&plan);
	assert_int_equal(lab_policy(&plan, "o", &option, NULL), -EINVAL);
	assert_int_equal(lab_policy(&plan, "o", &option, "no PEM at all"), -EINVAL);
	tls_builder_free(plan.builder);
	lab_plan_done(&plan);
}

/* One option, one client wish, and how the handshake ends. */
static const struct {
	const char *name;
	const char *min, *max, *cipher, *curve, *alpn;
	struct lab_client wish;
	enum tls_failure failure; /* NONE: it succeeds */
	int alert;
	const char *cipher_said, *alpn_said; /* NULL: any */
} meetings[] = {
	{"1.2 client at 1.3 option",
	 "VersionTLS13",
	 "",
	 "",
	 "",
	 "",
	 {.max = TLS1_2_VERSION},
	 TLS_FAILURE_VERSION,
	 SSL_AD_PROTOCOL_VERSION,
	 NULL,
	 NULL},
	{"1.3 client at 1.2 option",
	 "",
	 "VersionTLS12",
	 "",
	 "",
	 "",
	 {.min = TLS1_3_VERSION},
	 TLS_FAILURE_VERSION,
	 SSL_AD_PROTOCOL_VERSION,
	 NULL,
	 NULL},
	{"cipher as listed",
	 "",
	 "VersionTLS12",
	 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	 "",
	 "",
	 {0},
	 TLS_FAILURE_NONE,
	 0,
	 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	 NULL},
	{"no common cipher",
	 "",
	 "",
	 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	 "",
	 "",
	 {.max = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"},
	 TLS_FAILURE_CIPHER,
	 SSL_AD_HANDSHAKE_FAILURE,
	 NULL,
	 NULL},
	{"the list does not touch 1.3",
	 "",
	 "",
	 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	 "",
	 "",
	 {0},
	 TLS_FAILURE_NONE,
	 0,
	 "TLS_AES_128_GCM_SHA256",
	 NULL},
	{"static RSA is not in the default",
	 "",
	 "",
	 "",
	 "",
	 "",
	 {.max = TLS1_2_VERSION, .ciphers = "AES128-GCM-SHA256"},
	 TLS_FAILURE_CIPHER,
	 SSL_AD_HANDSHAKE_FAILURE,
	 NULL,
	 NULL},
	{"static RSA when it is listed",
	 "",
	 "VersionTLS12",
	 "TLS_RSA_WITH_AES_128_GCM_SHA256",
	 "",
	 "",
	 {0},
	 TLS_FAILURE_NONE,
	 0,
	 "TLS_RSA_WITH_AES_128_GCM_SHA256",
	 NULL},
	{"no common curve",
	 "",
	 "",
	 "",
	 "CurveP384",
	 "",
	 {.groups = "X25519", .min = TLS1_3_VERSION},
	 TLS_FAILURE_CIPHER,
	 SSL_AD_HANDSHAKE_FAILURE,
	 NULL,
	 NULL},
	{"a second hello for another curve",
	 "",
	 "",
	 "",
	 "CurveP384",
	 "",
	 {.groups = "X25519:P-384", .min = TLS1_3_VERSION},
	 TLS_FAILURE_NONE,
	 0,
	 NULL,
	 NULL},
	{"http/1.1 among others",
	 "",
	 "",
	 "",
	 "",
	 "",
	 {.alpn = "\x02h2\x08http/1.1"},
	 TLS_FAILURE_NONE,
	 0,
	 NULL,
	 "http/1.1"},
	{"no ALPN at all", "", "", "", "", "", {0}, TLS_FAILURE_NONE, 0, NULL, ""},
	{"no common protocol",
	 "",
	 "",
	 "",
	 "",
	 "",
	 {.alpn = "\x02h2"},
	 TLS_FAILURE_ALPN,
	 SSL_AD_NO_APPLICATION_PROTOCOL,
	 NULL,
	 NULL},
	{"h2 option, HTTP/1.1 client",
	 "",
	 "",
	 "",
	 "",
	 "h2",
	 {.alpn = "\x08http/1.1"},
	 TLS_FAILURE_NONE,
	 0,
	 NULL,
	 ""},
};

static void options_decide_the_handshake(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(meetings) / sizeof(*meetings); i++) {
		struct lab_plan plan;
		struct lab_pair pair;
		struct str cipher = str_of(meetings[i].cipher), curve = str_of(meetings[i].curve);
		struct str alpn = str_of(meetings[i].alpn);
		struct tls_option option = {
			.min_version = str_of(meetings[i].min),
			.max_version = str_of(meetings[i].max),
			.cipher_suites = list_of(&cipher),
			.curve_preferences = list_of(&curve),
			.alpn_protocols = list_of(&alpn),
		};

		print_message("  %s\n", meetings[i].name);
		lab_plan(&plan);
		uint16_t id = (uint16_t)lab_policy(&plan, "o", &option, NULL);
		struct lab_client wish = meetings[i].wish;

		wish.sni = "rsa.test";
		lab_add(&plan, &rsa);
		tls_builder_bind(plan.builder, STR("rsa.test"), id);
		struct tls_table *table = lab_finish(&plan);

		assert_int_equal(lab_connect(&pair, table, &wish),
				 meetings[i].failure == TLS_FAILURE_NONE);
		assert_int_equal(tls_conn_failure(pair.server), meetings[i].failure);
		assert_int_equal(pair.client_alert, meetings[i].alert);
		if (meetings[i].failure == TLS_FAILURE_NONE) {
			struct tls_facts facts = tls_conn_facts(pair.server);

			assert_int_equal(facts.policy, id);
			if (meetings[i].cipher_said)
				assert_true(str_eq(facts.cipher, str_of(meetings[i].cipher_said)));
			if (meetings[i].alpn_said)
				assert_true(str_eq(facts.alpn, str_of(meetings[i].alpn_said)));
			lab_exchange(&pair, "ping");
		}
		lab_close(&pair);
		tls_table_unref(table);
		lab_plan_done(&plan);
	}
}

static int setup(void **state)
{
	(void)state;
	lab_cert(&rsa, &(struct lab_cert_spec){.cn = "rsa.test", .rsa_bits = 2048});
	lab_cert(&ecdsa, &(struct lab_cert_spec){.cn = "ecdsa.test"});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lab_cert_done(&rsa);
	lab_cert_done(&ecdsa);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_of_options_are_all_told),
		cmocka_unit_test(named_but_missing_cas_fail_closed),
		cmocka_unit_test(options_decide_the_handshake),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
