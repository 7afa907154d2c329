// SPDX-License-Identifier: Apache-2.0
/* tls_peer_test: certificates of clients (reference/traefik.md c.14, g.2). */

#include "tls_lab.h"

#include "http/message.h"

static struct lab_cert root, middle, leaf, server;

static struct tls_table *table_for(struct lab_plan *plan, const char *type)
{
	struct str secrets[] = {STR("ca")};
	struct tls_client_auth auth = {.client_auth_type = str_of(type),
				       .secret_names = {secrets, 1}};
	struct tls_option option = {.client_auth = &auth};
	struct str cas[] = {str_of(root.cert)};
	int id;

	lab_plan(plan);
	lab_add(plan, &server);
	id = tls_builder_policy(plan->builder, STR("mtls"), &option, cas, 1, &plan->sink, NULL);
	assert_true(id >= 0);
	tls_builder_bind(plan->builder, STR("a.test"), (uint16_t)id);
	return lab_finish(plan);
}

static void check(const struct client_certs *certs, size_t i, const struct lab_cert *expected)
{
	const unsigned char *at = (const unsigned char *)certs->der[i].at;
	X509 *x509 = d2i_X509(NULL, &at, (long)certs->der[i].len);

	assert_non_null(x509);
	assert_int_equal(X509_cmp(x509, expected->x509), 0);
	X509_free(x509);
}

static void the_whole_chain_is_kept_as_it_was_shown(void **state)
{
	static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	static const char *const types[] = {"RequestClientCert", "RequireAnyClientCert",
					    "VerifyClientCertIfGiven",
					    "RequireAndVerifyClientCert"};

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct lab_client wish = {
			.sni = "a.test", .cert = &leaf, .min = both[i % 2], .max = both[i % 2]};
		struct lab_plan plan;
		struct tls_table *table = table_for(&plan, types[i / 2]);
		struct lab_pair pair;

		lab_open(&pair, table, &wish);
		assert_int_equal(SSL_add1_chain_cert(pair.client, middle.x509), 1);
		assert_true(lab_pump(&pair));
		const struct client_certs *certs = tls_conn_client_certs(pair.server);

		assert_non_null(certs);
		assert_int_equal(certs->n, 2);
		check(certs, 0, &leaf);
		check(certs, 1, &middle);
		lab_exchange(&pair, "chain");
		/* A ticket would lose the second one: with TLS 1.3 there is none. */
		if (both[i % 2] == TLS1_3_VERSION)
			assert_null(pair.session);
		lab_close(&pair);
		tls_table_unref(table);
		lab_plan_done(&plan);
	}
}

static void nothing_shown_is_nothing_kept(void **state)
{
	struct lab_client wish = {.sni = "a.test"};
	struct lab_plan plan;
	struct tls_table *table = table_for(&plan, "RequestClientCert");
	struct lab_pair pair;

	(void)state;
	assert_true(lab_connect(&pair, table, &wish));
	assert_null(tls_conn_client_certs(pair.server));
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void a_ticket_keeps_a_single_certificate(void **state)
{
	struct lab_client wish = {.sni = "a.test", .cert = &middle};
	struct lab_plan plan;
	struct tls_table *table = table_for(&plan, "RequireAndVerifyClientCert");
	struct lab_pair pair;
	SSL_SESSION *session;
	char byte;

	(void)state;
	assert_true(lab_connect(&pair, table, &wish));
	SSL_read(pair.client, &byte, 1);
	session = pair.session;
	pair.session = NULL;
	lab_close(&pair);
	assert_non_null(session);
	wish.session = session;
	assert_true(lab_connect(&pair, table, &wish));
	assert_true(tls_conn_facts(pair.server).resumed);
	const struct client_certs *certs = tls_conn_client_certs(pair.server);

	assert_non_null(certs);
	assert_int_equal(certs->n, 1);
	check(certs, 0, &middle);
	lab_close(&pair);
	SSL_SESSION_free(session);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static int make_certs(void **state)
{
	(void)state;
	lab_cert(&root, &(struct lab_cert_spec){.cn = "root", .ca = true});
	lab_cert(&middle, &(struct lab_cert_spec){.cn = "middle", .issuer = &root, .ca = true});
	lab_cert(&leaf, &(struct lab_cert_spec){.cn = "leaf", .issuer = &middle});
	lab_cert(&server, &(struct lab_cert_spec){.cn = "a.test", .san = "DNS:a.test"});
	return 0;
}

static int free_certs(void **state)
{
	(void)state;
	lab_cert_done(&root);
	lab_cert_done(&middle);
	lab_cert_done(&leaf);
	lab_cert_done(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_chain_is_kept_as_it_was_shown),
		cmocka_unit_test(nothing_shown_is_nothing_kept),
		cmocka_unit_test(a_ticket_keeps_a_single_certificate),
	};

	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
