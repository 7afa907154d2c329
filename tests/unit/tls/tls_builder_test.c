// SPDX-License-Identifier: Apache-2.0
/* tls_builder_test: conflicts, defaults and faults while a table is made. */

#include "tls_lab.h"

static void hosts_with_contradicting_options_fall_back_to_the_default(void **state)
{
	struct lab_plan plan;
	struct tls_option option = {.sni_strict = true};

	(void)state;
	lab_plan(&plan);
	uint16_t one = (uint16_t)lab_policy(&plan, "one", &option, NULL);
	uint16_t two = (uint16_t)lab_policy(&plan, "two", &option, NULL);

	/* reference b.5.6 */
	assert_int_equal(tls_builder_bind(plan.builder, STR("a.test"), one), 0);
	assert_int_equal(tls_builder_bind(plan.builder, STR("a.test"), one), 0);
	assert_int_equal(tls_builder_bind(plan.builder, STR("a.test"), two), -EEXIST);
	assert_int_equal(tls_builder_bind(plan.builder, STR("a.test"), two), -EEXIST);
	struct tls_table *table = lab_finish(&plan);

	assert_int_equal(tls_table_policy(table, STR("a.test")), TLS_POLICY_DEFAULT);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void the_same_key_twice_gives_the_first(void **state)
{
	struct lab_plan plan;
	struct lab_cert a, b;
	struct lab_pair pair;

	(void)state;
	lab_plan(&plan);
	lab_cert(&a, &(struct lab_cert_spec){.cn = "a.test"});
	lab_cert(&b, &(struct lab_cert_spec){.cn = "a.test"});
	lab_add(&plan, &a);
	lab_add(&plan, &b);
	lab_add(&plan, &a);
	assert_int_equal(tls_cache_count(plan.cache).certificates, 2);
	struct tls_table *table = lab_finish(&plan);

	assert_true(lab_connect(&pair, table, &(struct lab_client){.sni = "a.test"}));
	X509 *got = SSL_get1_peer_certificate(pair.client);

	assert_int_equal(X509_cmp(got, a.x509), 0);
	X509_free(got);
	lab_close(&pair);
	tls_table_unref(table);
	lab_cert_done(&a);
	lab_cert_done(&b);
	lab_plan_done(&plan);
}

static void an_option_named_default_is_everybodys(void **state)
{
	struct lab_plan plan;
	struct lab_pair pair;
	struct tls_option option = {.min_version = STR("VersionTLS13")};

	(void)state;
	lab_plan(&plan);
	/* It asks nothing more of clients: the same identity as the built-in one. */
	assert_int_equal(lab_policy(&plan, "default", &option, NULL), TLS_POLICY_DEFAULT);
	assert_int_equal(tls_builder_default(plan.builder), TLS_POLICY_DEFAULT);
	struct tls_table *table = lab_finish(&plan);

	assert_false(lab_connect(&pair, table, &(struct lab_client){.max = TLS1_2_VERSION}));
	assert_int_equal(tls_conn_failure(pair.server), TLS_FAILURE_VERSION);
	lab_close(&pair);
	assert_true(lab_connect(&pair, table, &(struct lab_client){.sni = "any.test"}));
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void a_broken_default_closes_every_other_host(void **state)
{
	struct lab_plan plan;
	struct lab_pair pair;
	struct tls_option option = {0};

	(void)state;
	lab_plan(&plan);
	uint16_t own = (uint16_t)lab_policy(&plan, "own", &option, NULL);

	tls_builder_bind(plan.builder, STR("a.test"), own);
	tls_builder_break_default(plan.builder);
	assert_int_equal(tls_builder_default(plan.builder), TLS_POLICY_BROKEN);
	struct tls_table *table = lab_finish(&plan);

	assert_false(lab_connect(&pair, table, &(struct lab_client){.sni = "b.test"}));
	assert_int_equal(tls_conn_failure(pair.server), TLS_FAILURE_POLICY_BROKEN);
	assert_int_equal(pair.client_alert, SSL_AD_HANDSHAKE_FAILURE);
	lab_close(&pair);
	assert_true(lab_connect(&pair, table, &(struct lab_client){.sni = "a.test"}));
	assert_int_equal(tls_conn_facts(pair.server).policy, own);
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void an_identity_outlives_edits_that_ask_nothing_more(void **state)
{
	struct lab_plan plan;
	struct tls_option option = {0};
	struct tls_client_auth auth = {.client_auth_type = STR("RequireAnyClientCert")};

	(void)state;
	lab_plan(&plan);
	int before = lab_policy(&plan, "own", &option, NULL);
	struct tls_table *table = lab_finish(&plan);

	plan.builder = tls_builder_new(plan.cache);
	option.min_version = STR("VersionTLS13");
	assert_int_equal(lab_policy(&plan, "own", &option, NULL), before);
	option.client_auth = &auth;
	assert_int_not_equal(lab_policy(&plan, "own", &option, NULL), before);
	option.client_auth = NULL;
	assert_int_not_equal(lab_policy(&plan, "other", &option, NULL), before);
	tls_builder_free(plan.builder);
	tls_table_unref(table);
	assert_int_equal(tls_cache_count(plan.cache).policies, 0);
	lab_plan_done(&plan);
}

static void weak_certificates_are_refused(void **state)
{
	struct lab_plan plan;
	struct lab_cert weak, good;
	char message[TLS_MESSAGE_MAX];

	(void)state;
	lab_plan(&plan);
	lab_cert(&weak, &(struct lab_cert_spec){.cn = "weak.test", .rsa_bits = 1024});
	lab_cert(&good, &(struct lab_cert_spec){.cn = "good.test", .rsa_bits = 2048});
	assert_int_equal(
		tls_builder_certificate(plan.builder, str_of(weak.cert), str_of(weak.key), message),
		-EINVAL);
	assert_non_null(strstr(message, "key too small"));
	assert_int_equal(tls_builder_default_certificate(plan.builder, str_of(good.cert),
							 str_of(good.key), message),
			 0);
	struct tls_table *table = lab_finish(&plan);
	struct lab_pair pair;
	char cn[64];

	assert_true(lab_connect(&pair, table, &(struct lab_client){.sni = "who.test"}));
	lab_peer_cn(&pair, cn, sizeof(cn));
	assert_string_equal(cn, "good.test");
	lab_close(&pair);
	tls_table_unref(table);
	lab_cert_done(&weak);
	lab_cert_done(&good);
	lab_plan_done(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_with_contradicting_options_fall_back_to_the_default),
		cmocka_unit_test(the_same_key_twice_gives_the_first),
		cmocka_unit_test(an_option_named_default_is_everybodys),
		cmocka_unit_test(a_broken_default_closes_every_other_host),
		cmocka_unit_test(an_identity_outlives_edits_that_ask_nothing_more),
		cmocka_unit_test(weak_certificates_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
