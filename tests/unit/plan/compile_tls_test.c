// SPDX-License-Identifier: Apache-2.0
/* compile_tls_test: options, conflicts, certificates (reference a.9, b.5.6, g.1; security.md A2.5).
 */

#include "compile_fixture.h"
#include "../tls/tls_lab.h"
#include "tls/tls_cache.h"

static struct tls_cache *cache;
/* A certificate for secure.test and its key, as the inside of a JSON string. */
static char cert_json[8192], key_json[4096];

static void as_json(const char *pem, char *ret_text)
{
	for (; *pem; pem++)
		if (*pem == '\n') {
			*ret_text++ = '\\';
			*ret_text++ = 'n';
		} else {
			*ret_text++ = *pem;
		}
	*ret_text = 0;
}

static int make_certificate(void **state)
{
	struct lab_cert cert;

	(void)state;
	lab_cert(&cert, &(struct lab_cert_spec){.cn = "secure.test", .san = "DNS:secure.test"});
	as_json(cert.cert, cert_json);
	as_json(cert.key, key_json);
	lab_cert_done(&cert);
	return 0;
}

static int tls_setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	cache = tls_cache_new();
	registry_set_tls(f->registry, cache);
	fixture_add(f, "Secret", "ca", "'stringData':{'tls.ca':'%s'}", cert_json);
	fixture_add(f, "TLSOption", "mtls",
		    "'spec':{'clientAuth':{'secretNames':['ca'],'clientAuthType':'"
		    "RequireAndVerifyClientCert'"
		    "}}");
	fixture_add(f, "TLSOption", "tls13", "'spec':{'minVersion':'VersionTLS13'}");
	return 0;
}

static int tls_teardown(void **state)
{
	fixture_teardown(state);
	tls_cache_free(cache);
	return 0;
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, tls_setup, tls_teardown)

static void tls_route(struct fixture *f, const char *name, const char *match, const char *tls)
{
	fixture_expect_valid(
		f, fixture_add(
			   f, "IngressRoute", name,
			   "'spec':{'entryPoints':['websecure'],'tls':{%s},'routes':[{'match':'%s',"
			   "'services':[{'name':'web','port':80}]}]}",
			   tls, match));
}

static uint16_t policy(struct fixture *f, const char *host)
{
	return tls_table_policy(fixture_entry_point(f, "websecure")->tls_table, str_of(host));
}

static uint16_t route_policy(struct fixture *f, const char *object)
{
	return fixture_find(f, object, 0)->tls_policy;
}

static void hosts_get_the_option_of_their_route(void **state)
{
	struct fixture *f = *state;

	tls_route(f, "a", "Host(`a.test`) || Host(`*.w.test`)", "'options':{'name':'mtls'}");
	tls_route(f, "b", "Host(`b.test`)", "");
	tls_route(f, "c", "PathPrefix(`/c`)", "");
	fixture_compile(f);
	assert_int_equal(f->snapshot->diags.n, 0);
	assert_int_not_equal(policy(f, "a.test"), TLS_POLICY_DEFAULT);
	assert_int_not_equal(policy(f, "a.test"), TLS_POLICY_BROKEN);
	assert_int_equal(policy(f, "x.w.test"), policy(f, "a.test"));
	assert_int_equal(policy(f, "b.test"), TLS_POLICY_DEFAULT);
	assert_int_equal(policy(f, ""), TLS_POLICY_DEFAULT);
	assert_int_equal(route_policy(f, "IngressRoute/shop/a"), policy(f, "a.test"));
	assert_int_equal(route_policy(f, "IngressRoute/shop/b"), TLS_POLICY_DEFAULT);
}

static void missing_and_broken_options_close_their_hosts(void **state)
{
	static const struct {
		const char *name, *tls, *told;
	} rows[] = {
		{"b.5.6 missing", "'options':{'name':'none'}", "does not exist"},
		{"does not decode", "'options':{'name':'bad'}", NULL},
		{"other namespace", "'options':{'name':'mtls','namespace':'x'}",
		 "references across namespaces"},
		{"all CAs missing", "'options':{'name':'no-ca'}", NULL},
		{"CA is no certificate", "'options':{'name':'bad-ca'}", NULL},
		{"unknown cipher", "'options':{'name':'cipher'}", NULL},
	};
	struct fixture *f = *state;

	fixture_add(f, "TLSOption", "bad", "'spec':{'minVersion':'VersionTLS99'}");
	/* Without a type and without one readable CA, asking for no certificate would be open. */
	fixture_add(f, "TLSOption", "no-ca", "'spec':{'clientAuth':{'secretNames':['none']}}");
	fixture_add(f, "Secret", "bad-ca", "'stringData':{'tls.ca':'x'}");
	fixture_add(f, "TLSOption", "bad-ca", "'spec':{'clientAuth':{'secretNames':['bad-ca']}}");
	fixture_add(f, "TLSOption", "cipher", "'spec':{'cipherSuites':['TLS_NONE']}");
	tls_route(f, "beside", "Host(`beside.test`)", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		tls_route(f, "a", "Host(`a.test`)", rows[i].tls);
		fixture_compile(f);
		if (policy(f, "a.test") != TLS_POLICY_BROKEN)
			fail_msg("%s is open", rows[i].name);
		assert_int_equal(policy(f, "beside.test"), TLS_POLICY_DEFAULT);
		assert_int_equal(route_policy(f, "IngressRoute/shop/a"), TLS_POLICY_BROKEN);
		if (rows[i].told)
			assert_told(f, "IngressRoute/shop/a", rows[i].told);
	}
}

/* reference b.5.6 */
static void conflicting_options_fall_back_to_the_default(void **state)
{
	struct fixture *f = *state;

	tls_route(f, "a", "Host(`a.test`) || Host(`only-a.test`)", "'options':{'name':'mtls'}");
	tls_route(f, "b", "Host(`a.test`) && Path(`/b`)", "'options':{'name':'tls13'}");
	tls_route(f, "c", "Host(`c.test`)", "'options':{'name':'mtls'}");
	fixture_compile(f);
	assert_int_equal(policy(f, "a.test"), TLS_POLICY_DEFAULT);
	assert_int_equal(policy(f, "only-a.test"), TLS_POLICY_DEFAULT);
	assert_int_not_equal(policy(f, "c.test"), TLS_POLICY_DEFAULT);
	assert_int_equal(route_policy(f, "IngressRoute/shop/a"), TLS_POLICY_DEFAULT);
	assert_int_equal(fixture_find(f, "IngressRoute/shop/a", 0)->status, ROUTE_WARNING);
	assert_told(f, "IngressRoute/shop/a", "the default is used");
	assert_told(f, "IngressRoute/shop/b", "the default is used");
}

static void a_conflict_on_one_entry_point_leaves_the_others_alone(void **state)
{
	struct fixture *f = *state;
	uint32_t n_copies = 0;

	fixture_config(
		f, "{'entryPoints':{'websecure':{'address':':443'},'other':{'address':':444'}}}");
	fixture_add(f, "IngressRoute", "a",
		    "'spec':{'tls':{'options':{'name':'mtls'}},'routes':[{'match':'Host(`a.test`)',"
		    "'services':[{'name':'web','port':80}]}]}");
	tls_route(f, "b", "Host(`a.test`) && Path(`/b`)", "'options':{'name':'tls13'}");
	fixture_compile(f);
	assert_int_equal(policy(f, "a.test"), TLS_POLICY_DEFAULT);
	assert_int_not_equal(
		tls_table_policy(fixture_entry_point(f, "other")->tls_table, STR("a.test")),
		TLS_POLICY_DEFAULT);
	for (uint32_t i = 0; i < f->snapshot->n_routes; i++)
		n_copies += str_starts(f->snapshot->routes[i]->name,
				       STR("websecure-conflicted-shop-a-"));
	assert_int_equal(n_copies, 1);
	assert_int_equal(f->snapshot->n_routes, 3);
}

static void without_a_host_no_option_can_be_chosen(void **state)
{
	struct fixture *f = *state;

	tls_route(f, "a", "PathPrefix(`/`)", "'options':{'name':'mtls'}");
	fixture_compile(f);
	assert_int_equal(route_policy(f, "IngressRoute/shop/a"), TLS_POLICY_DEFAULT);
	assert_told(f, "IngressRoute/shop/a", "a route without Host()");
}

/* reference a.9 */
static void two_options_named_default_break_all_that_rely_on_it(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "TLSOption", "default", "'spec':{'minVersion':'VersionTLS13'}");
	tls_route(f, "a", "Host(`a.test`)", "");
	tls_route(f, "b", "Host(`b.test`)", "'options':{'name':'mtls'}");
	fixture_compile(f);
	assert_int_equal(policy(f, "a.test"), route_policy(f, "IngressRoute/shop/a"));
	assert_int_not_equal(policy(f, "a.test"), TLS_POLICY_BROKEN);
	fixture_add(f, "TLSOption", "other/default", "'spec':{}");
	fixture_compile(f);
	assert_int_equal(policy(f, "a.test"), TLS_POLICY_BROKEN);
	assert_int_equal(policy(f, "none.test"), TLS_POLICY_BROKEN);
	assert_int_not_equal(policy(f, "b.test"), TLS_POLICY_BROKEN);
	assert_told(f, "TLSOption/other/default", "more than one namespace");
}

static void certificates_come_from_secrets(void **state)
{
	static const struct {
		const char *name, *format, *told; /* the certificate, then the key */
	} rows[] = {
		{"good", "'type':'kubernetes.io/tls','stringData':{'tls.crt':'%s','tls.key':'%s'}",
		 NULL},
		{"no key", "'stringData':{'tls.crt':'%s','other':'%.0s'}",
		 "no tls.crt and tls.key"},
		{"not PEM", "'stringData':{'tls.crt':'%.1s','tls.key':'%.1s'}", "Secret shop/s"},
	};
	struct fixture *f = *state;

	tls_route(f, "a", "Host(`secure.test`)", "'secretName':'s'");
	fixture_compile(f);
	assert_told(f, "IngressRoute/shop/a", "Secret shop/s does not exist");
	/* Without its certificate the route is served all the same (reference a.1). */
	assert_string_not_equal(fixture_answer(f, "websecure", true, "secure.test", "/"), "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str names;
		char *rest;

		assert_true(asprintf(&rest, rows[i].format, cert_json, key_json) > 0);
		fixture_add(f, "Secret", "s", "%s", rest);
		free(rest);
		fixture_compile(f);
		names = tls_table_certificate(fixture_entry_point(f, "websecure")->tls_table,
					      STR("secure.test"), NULL);
		/* security.md D14: the last good one stays. */
		assert_text(names, "secure.test");
		if (rows[i].told) {
			assert_told(f, "IngressRoute/shop/a", rows[i].told);
			assert_told(f, "IngressRoute/shop/a", "last good certificate");
		} else {
			assert_int_equal(f->snapshot->diags.n, 0);
		}
	}
	store_remove(&f->store, STR("Secret/shop/s"), KIND_SECRET);
	fixture_compile(f);
	assert_text(tls_table_certificate(fixture_entry_point(f, "websecure")->tls_table,
					  STR("secure.test"), NULL),
		    "default");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS_TEST(hosts_get_the_option_of_their_route),
		TLS_TEST(missing_and_broken_options_close_their_hosts),
		TLS_TEST(conflicting_options_fall_back_to_the_default),
		TLS_TEST(a_conflict_on_one_entry_point_leaves_the_others_alone),
		TLS_TEST(without_a_host_no_option_can_be_chosen),
		TLS_TEST(two_options_named_default_break_all_that_rely_on_it),
		TLS_TEST(certificates_come_from_secrets),
	};

	return cmocka_run_group_tests(tests, make_certificate, NULL);
}
