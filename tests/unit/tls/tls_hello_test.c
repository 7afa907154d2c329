// SPDX-License-Identifier: Apache-2.0
/* tls_hello_test: server name -> certificate, policy, client authentication, sessions. */

#include "tls_lab.h"

#include "tls/tls_hello.h"

static struct lab_cert a_cert, b_cert, wild_cert, ca, good_client, other_ca, bad_client;

/* a.test under the default; b.test under an option with client authentication; strict.test under a
 * strict one. */
static struct tls_table *table_with(struct lab_plan *plan, const char *auth_type, bool has_ca)
{
	struct tls_client_auth auth = {.client_auth_type = str_of(auth_type)};
	struct tls_option mtls = {.client_auth = &auth}, strict = {.sni_strict = true};

	lab_plan(plan);
	lab_add(plan, &a_cert);
	lab_add(plan, &b_cert);
	lab_add(plan, &wild_cert);
	int id = lab_policy(plan, "mtls", &mtls, has_ca ? ca.cert : NULL);

	assert_true(id > TLS_POLICY_BROKEN);
	tls_builder_bind(plan->builder, STR("b.test"), (uint16_t)id);
	id = lab_policy(plan, "strict", &strict, NULL);
	tls_builder_bind(plan->builder, STR("strict.test"), (uint16_t)id);
	tls_builder_bind(plan->builder, STR("*.wild.test"), (uint16_t)id);
	return lab_finish(plan);
}

static void the_name_chooses_the_certificate(void **state)
{
	static const struct {
		const char *sni, *cn;
	} rows[] = {
		{"a.test", "a.test"},
		{"A.TEST", "a.test"},
		{"a.test.", "a.test"},
		{"x.wild.test", "*.wild.test"},
		{"nobody.test", "TIDEGATE DEFAULT CERT"},
		{NULL, "TIDEGATE DEFAULT CERT"},
	};
	static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct lab_plan plan;
	struct tls_table *table = table_with(&plan, "RequestClientCert", false);
	char cn[64];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		struct lab_client wish = {
			.sni = rows[i / 2].sni, .min = both[i % 2], .max = both[i % 2]};
		struct lab_pair pair;

		assert_true(lab_connect(&pair, table, &wish));
		lab_peer_cn(&pair, cn, sizeof(cn));
		assert_string_equal(cn, rows[i / 2].cn);
		lab_close(&pair);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void strict_means_unrecognized_name(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = table_with(&plan, "RequestClientCert", false);
	struct lab_pair pair;

	(void)state;
	assert_false(lab_connect(&pair, table, &(struct lab_client){.sni = "strict.test"}));
	assert_int_equal(pair.client_alert, SSL_AD_UNRECOGNIZED_NAME);
	assert_int_equal(tls_conn_failure(pair.server), TLS_FAILURE_NAME_UNKNOWN);
	assert_true(str_eq(tls_conn_failure_word(TLS_FAILURE_NAME_UNKNOWN), STR("name-unknown")));
	lab_close(&pair);
	assert_true(lab_connect(&pair, table, &(struct lab_client){.sni = "x.wild.test"}));
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void a_malformed_name_is_refused(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = table_with(&plan, "RequestClientCert", false);
	struct lab_pair pair;

	(void)state;
	assert_false(lab_connect(&pair, table, &(struct lab_client){.sni = "a test"}));
	assert_int_equal(tls_conn_failure(pair.server), TLS_FAILURE_NAME_BAD);
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

enum { NO_CERT, GOOD, BAD };

static const struct {
	const char *type;
	bool has_ca;
	bool accepted[3]; /* without certificate, with a good one, with one of another CA */
} auths[] = {
	{"NoClientCert", false, {true, true, true}},
	{"RequestClientCert", false, {true, true, true}},
	{"RequireAnyClientCert", false, {false, true, true}},
	{"VerifyClientCertIfGiven", true, {true, true, false}},
	{"RequireAndVerifyClientCert", true, {false, true, false}},
	{"", true, {false, true, false}}, /* reference g.2: CAs alone */
};

static void client_certificates_are_asked_for_as_the_option_says(void **state)
{
	static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	const struct lab_cert *certs[] = {NULL, &good_client, &bad_client};

	(void)state;
	for (size_t i = 0; i < sizeof(auths) / sizeof(*auths); i++) {
		struct lab_plan plan;
		struct tls_table *table = table_with(&plan, auths[i].type, auths[i].has_ca);

		print_message("  %s\n", auths[i].type);
		for (int j = 0; j < 6; j++) {
			struct lab_client wish = {.sni = "b.test",
						  .cert = certs[j / 2],
						  .min = both[j % 2],
						  .max = both[j % 2]};
			struct lab_pair pair;

			assert_int_equal(lab_connect(&pair, table, &wish),
					 auths[i].accepted[j / 2]);
			if (!auths[i].accepted[j / 2]) {
				assert_int_equal(tls_conn_failure(pair.server),
						 TLS_FAILURE_CLIENT_CERT);
				assert_int_not_equal(pair.client_alert, 0);
			} else {
				bool given = j / 2 != NO_CERT &&
					     strcmp(auths[i].type, "NoClientCert") != 0;

				assert_int_equal(tls_conn_facts(pair.server).has_peer_cert, given);
				assert_int_equal(tls_conn_client_certs(pair.server) != NULL, given);
				lab_exchange(&pair, "with certificate");
			}
			lab_close(&pair);
		}
		tls_table_unref(table);
		lab_plan_done(&plan);
	}
}

/* Opens, fetches the ticket, closes; the session, owned by the caller. */
static SSL_SESSION *session_from(struct tls_table *table, const struct lab_client *wish)
{
	struct lab_pair pair;
	char byte;

	assert_true(lab_connect(&pair, table, wish));
	SSL_read(pair.client, &byte, 1); /* takes the tickets of TLS 1.3 in */
	SSL_SESSION *session = pair.session;

	pair.session = NULL;
	lab_close(&pair);
	return session;
}

static void sessions_resume_within_policy_and_name_and_nowhere_else(void **state)
{
	static const struct {
		const char *first, *second;
		bool resumed;
	} rows[] = {
		{"a.test", "a.test", true},
		{"b.test", "b.test", true},
		{"a.test", "b.test", false}, /* reference/security.md A2.5: into mTLS */
		{"b.test", "a.test", false},
		{"a.test", "nobody.test", false}, /* RFC 6066 3: same policy, other name */
	};
	static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct lab_plan plan;
	struct tls_table *table = table_with(&plan, "", true);

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		struct lab_client wish = {.sni = rows[i / 2].first,
					  .cert = &good_client,
					  .min = both[i % 2],
					  .max = both[i % 2]};
		struct lab_pair pair;

		wish.session = session_from(table, &wish);
		SSL_SESSION *session = wish.session;

		assert_non_null(session);
		wish.sni = rows[i / 2].second;
		assert_true(lab_connect(&pair, table, &wish));
		assert_int_equal(tls_conn_facts(pair.server).resumed, rows[i / 2].resumed);
		assert_int_equal(SSL_session_reused(pair.client), rows[i / 2].resumed);
		if (strcmp(rows[i / 2].second, "b.test") == 0)
			assert_true(tls_conn_facts(pair.server).has_peer_cert);
		lab_exchange(&pair, "resumed or not");
		lab_close(&pair);
		SSL_SESSION_free(session);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void a_session_without_client_certificate_does_not_open_mtls(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = table_with(&plan, "", true);
	struct lab_client wish = {.sni = "a.test"};
	struct lab_pair pair;

	(void)state;
	SSL_SESSION *session = session_from(table, &wish);

	wish.session = session;
	wish.sni = "b.test";
	assert_false(lab_connect(&pair, table, &wish));
	assert_int_equal(tls_conn_failure(pair.server), TLS_FAILURE_CLIENT_CERT);
	lab_close(&pair);
	SSL_SESSION_free(session);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void sessions_survive_one_rotation_and_new_tables(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = table_with(&plan, "", true);
	struct lab_client wish = {.sni = "a.test"};
	struct lab_pair pair;

	(void)state;
	SSL_SESSION *session = session_from(table, &wish);

	/* Another table of the same process, made of the same things: an update of something else.
	 */
	tls_table_unref(table);
	plan.builder = tls_builder_new(plan.cache);
	lab_add(&plan, &a_cert);
	table = lab_finish(&plan);
	for (int rotations = 0; rotations < 3; rotations++) {
		/* OpenSSL's client uses a session of TLS 1.3 once. */
		wish.session = SSL_SESSION_dup(session);
		assert_true(lab_connect(&pair, table, &wish));
		assert_int_equal(tls_conn_facts(pair.server).resumed, rotations < 2);
		lab_close(&pair);
		SSL_SESSION_free(wish.session);
		tls_cache_rotate_tickets(plan.cache);
	}
	SSL_SESSION_free(session);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void tickets_can_be_switched_off(void **state)
{
	static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct lab_plan plan;
	struct tls_option option = {.disable_session_tickets = true};

	(void)state;
	lab_plan(&plan);
	lab_policy(&plan, "default", &option, NULL);
	struct tls_table *table = lab_finish(&plan);

	for (int i = 0; i < 2; i++) {
		struct lab_client wish = {.sni = "a.test", .min = both[i], .max = both[i]};
		SSL_SESSION *session = session_from(table, &wish);
		struct lab_pair pair;

		wish.session = session;
		assert_true(lab_connect(&pair, table, &wish));
		assert_false(tls_conn_facts(pair.server).resumed);
		lab_close(&pair);
		SSL_SESSION_free(session);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void no_early_data_and_no_renegotiation(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = table_with(&plan, "", true);
	struct lab_client wish = {.sni = "a.test", .min = TLS1_3_VERSION};
	struct lab_pair pair;
	char byte;

	(void)state;
	SSL_SESSION *session = session_from(table, &wish);

	assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
	SSL_SESSION_free(session);
	wish.min = wish.max = TLS1_2_VERSION;
	assert_true(lab_connect(&pair, table, &wish));
	SSL_renegotiate(pair.client);
	SSL_do_handshake(pair.client);
	assert_int_not_equal(tls_conn_read(pair.server, &byte, 1), 1);
	SSL_do_handshake(pair.client);
	assert_int_equal(pair.client_alert, SSL_AD_NO_RENEGOTIATION);
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void a_hello_is_known_to_be_complete_or_not(void **state)
{
	static const struct {
		const char *name;
		struct str wire;
		enum tls_hello_state state;
	} rows[] = {
		{"nothing", STR(""), TLS_HELLO_MORE},
		{"one byte", STR("\26"), TLS_HELLO_MORE},
		{"half a head", STR("\26\3\1\0"), TLS_HELLO_MORE},
		{"whole", STR("\26\3\1\0\6\1\0\0\2ab"), TLS_HELLO_READY},
		{"one byte missing", STR("\26\3\1\0\6\1\0\0\2a"), TLS_HELLO_MORE},
		{"two records", STR("\26\3\1\0\5\1\0\0\2a\26\3\1\0\1b"), TLS_HELLO_READY},
		{"the length over two records", STR("\26\3\1\0\2\1\0\26\3\1\0\4\0\2ab"),
		 TLS_HELLO_READY},
		{"an empty record", STR("\26\3\1\0\0"), TLS_HELLO_BAD},
		{"an alert", STR("\25\3\1\0\2\2\0"), TLS_HELLO_BAD},
		{"an alert between", STR("\26\3\1\0\5\1\0\0\2a\25\3\1\0\2\2\0"), TLS_HELLO_BAD},
		{"another message", STR("\26\3\1\0\6\2\0\0\2ab"), TLS_HELLO_BAD},
		{"SSL 2", STR("\200\56\1\3\1"), TLS_HELLO_BAD},
		{"major version", STR("\26\2"), TLS_HELLO_BAD},
		{"HTTP", STR("GET / HTTP/1.1"), TLS_HELLO_BAD},
		{"too large a message", STR("\26\3\1\0\4\1\0\100\1"), TLS_HELLO_BAD},
		{"the largest message", STR("\26\3\1\0\4\1\0\100\0"), TLS_HELLO_MORE},
		{"too large a record", STR("\26\3\1\101\0\1"), TLS_HELLO_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("  %s\n", rows[i].name);
		assert_int_equal(tls_hello_look(rows[i].wire), rows[i].state);
	}
}

static int setup(void **state)
{
	(void)state;
	lab_cert(&a_cert, &(struct lab_cert_spec){.cn = "a.test"});
	lab_cert(&b_cert, &(struct lab_cert_spec){.cn = "b.test"});
	lab_cert(&wild_cert, &(struct lab_cert_spec){.cn = "*.wild.test"});
	lab_cert(&ca, &(struct lab_cert_spec){.cn = "ca", .ca = true});
	lab_cert(&good_client, &(struct lab_cert_spec){.cn = "client", .issuer = &ca});
	lab_cert(&other_ca, &(struct lab_cert_spec){.cn = "other ca", .ca = true});
	lab_cert(&bad_client, &(struct lab_cert_spec){.cn = "client", .issuer = &other_ca});
	return 0;
}

static int teardown(void **state)
{
	struct lab_cert *all[] = {&a_cert,	&b_cert,   &wild_cert, &ca,
				  &good_client, &other_ca, &bad_client};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		lab_cert_done(all[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_is_known_to_be_complete_or_not),
		cmocka_unit_test(the_name_chooses_the_certificate),
		cmocka_unit_test(strict_means_unrecognized_name),
		cmocka_unit_test(a_malformed_name_is_refused),
		cmocka_unit_test(client_certificates_are_asked_for_as_the_option_says),
		cmocka_unit_test(sessions_resume_within_policy_and_name_and_nowhere_else),
		cmocka_unit_test(a_session_without_client_certificate_does_not_open_mtls),
		cmocka_unit_test(sessions_survive_one_rotation_and_new_tables),
		cmocka_unit_test(tickets_can_be_switched_off),
		cmocka_unit_test(no_early_data_and_no_renegotiation),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
