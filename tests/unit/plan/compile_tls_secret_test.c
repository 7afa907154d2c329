// SPDX-License-Identifier: Apache-2.0
/*
 * compile_tls_secret_test: a certificate that changes makes the TLS tables anew and nothing else,
 * and what comes of it is what compiling everything gives (fixture_compile() compares both).
 */

#include "compile_fixture.h"
#include "../tls/tls_lab.h"
#include "obs/metric.h"
#include "tls/tls_cache.h"
#include "tls/tls_table.h"

enum { CERTS = 3, NAMES = 4, TURNS = 250 };

static struct tls_cache *cache;
static struct metric_registry *metrics;
/* Certificates for c0.test ... and their keys, as the inside of JSON strings. */
static char cert_json[CERTS][8192], key_json[CERTS][4096];

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

static int make_certificates(void **state)
{
	(void)state;
	for (int i = 0; i < CERTS; i++) {
		struct lab_cert cert;
		char san[32];

		snprintf(san, sizeof(san), "DNS:c%d.test", i);
		lab_cert(&cert, &(struct lab_cert_spec){.cn = san + 4, .san = san});
		as_json(cert.cert, cert_json[i]);
		as_json(cert.key, key_json[i]);
		lab_cert_done(&cert);
	}
	return 0;
}

static int tls_setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	cache = tls_cache_new();
	metrics = metric_registry_new();
	registry_set_tls(f->registry, cache);
	registry_set_metrics(f->registry, metrics);
	fixture_backend(f, "web", "'10.0.0.1'");
	return 0;
}

static int tls_teardown(void **state)
{
	fixture_teardown(state);
	tls_cache_free(cache);
	metric_registry_free(metrics);
	return 0;
}

static void put_secret(struct fixture *f, const char *name, int cert)
{
	fixture_add(f, "Secret", name,
		    "'type':'kubernetes.io/tls','stringData':{'tls.crt':'%s','tls.key':'%s'}",
		    cert_json[cert], key_json[cert]);
}

static void put_route(struct fixture *f, const char *name, const char *host, const char *tls)
{
	fixture_add(f, "IngressRoute", name,
		    "'spec':{'entryPoints':['websecure'],'tls':{%s},'routes':[{'match':"
		    "'Host(`%s`)','services':[{'name':'web','port':80}]}]}",
		    tls, host);
}

static struct str shown(const struct fixture *f, const char *name)
{
	return tls_table_certificate(fixture_entry_point(f, "websecure")->tls_table, str_of(name),
				     NULL);
}

static bool was_quick(const struct fixture *f)
{
	return compiler_stats(f->compiler).was_quick;
}

static void a_rotated_certificate_changes_tables_alone(void **state)
{
	struct fixture *f = *state;
	const struct route *before;

	put_secret(f, "s", 0);
	put_route(f, "a", "c0.test", "'secretName':'s'");
	fixture_compile(f);
	assert_text(shown(f, "c0.test"), "c0.test");
	before = fixture_find(f, "IngressRoute/shop/a", 0);
	put_secret(f, "s", 1);
	fixture_compile(f);
	assert_true(was_quick(f));
	assert_int_equal(compiler_stats(f->compiler).n_units, 1);
	assert_text(shown(f, "c1.test"), "c1.test");
	assert_text(shown(f, "c0.test"), "default");
	assert_ptr_equal(fixture_find(f, "IngressRoute/shop/a", 0), before);
}

static void a_fault_of_a_secret_comes_and_goes(void **state)
{
	struct fixture *f = *state;

	put_secret(f, "s", 0);
	put_route(f, "a", "c0.test", "'secretName':'s'");
	fixture_compile(f);
	fixture_add(f, "Secret", "s", "'stringData':{'tls.crt':'no'}");
	fixture_compile(f);
	assert_true(was_quick(f));
	assert_told(f, "IngressRoute/shop/a", "last good certificate");
	assert_text(shown(f, "c0.test"), "c0.test");
	store_remove(&f->store, STR("Secret/shop/s"), KIND_SECRET);
	fixture_compile(f);
	assert_true(was_quick(f));
	assert_told(f, "IngressRoute/shop/a", "Secret shop/s does not exist");
	assert_text(shown(f, "c0.test"), "default");
	put_secret(f, "s", 2);
	fixture_compile(f);
	assert_true(was_quick(f));
	assert_int_equal(f->snapshot->diags.n, 0);
	assert_text(shown(f, "c2.test"), "c2.test");
}

static void a_route_that_names_another_secret_makes_tables_anew(void **state)
{
	struct fixture *f = *state;

	put_secret(f, "s", 0);
	put_secret(f, "t", 1);
	put_route(f, "a", "c0.test", "'secretName':'s'");
	fixture_compile(f);
	put_route(f, "b", "c1.test", "'secretName':'t'");
	fixture_compile(f);
	assert_true(was_quick(f));
	assert_text(shown(f, "c1.test"), "c1.test");
	put_route(f, "b", "c1.test", "'secretName':'s'");
	fixture_compile(f);
	assert_true(was_quick(f));
	assert_text(shown(f, "c1.test"), "default");
	store_remove(&f->store, STR("IngressRoute/shop/a"), KIND_INGRESS_ROUTE);
	store_remove(&f->store, STR("IngressRoute/shop/b"), KIND_INGRESS_ROUTE);
	fixture_compile(f);
	assert_true(was_quick(f));
	assert_text(shown(f, "c0.test"), "default");
}

/* Whether connections are asked for certificates must never lag behind. */
static void the_cas_of_an_option_change_everything(void **state)
{
	struct fixture *f = *state;
	const struct entry_point *entry_point;

	fixture_add(f, "Secret", "ca", "'stringData':{'tls.ca':'%s'}", cert_json[0]);
	fixture_add(f, "TLSOption", "mtls",
		    "'spec':{'clientAuth':{'secretNames':['ca'],'clientAuthType':'"
		    "RequireAndVerifyClientCert'}}");
	put_route(f, "a", "c0.test", "'options':{'name':'mtls'},'secretName':'s'");
	fixture_compile(f);
	entry_point = fixture_entry_point(f, "websecure");
	assert_true(tls_table_policy(entry_point->tls_table, STR("c0.test")) > TLS_POLICY_BROKEN);
	put_secret(f, "s", 0);
	fixture_compile(f);
	assert_true(was_quick(f));
	entry_point = fixture_entry_point(f, "websecure");
	assert_true(tls_table_policy(entry_point->tls_table, STR("c0.test")) > TLS_POLICY_BROKEN);
	store_remove(&f->store, STR("Secret/shop/ca"), KIND_SECRET);
	fixture_compile(f);
	assert_false(was_quick(f));
	entry_point = fixture_entry_point(f, "websecure");
	assert_int_equal(tls_table_policy(entry_point->tls_table, STR("c0.test")),
			 TLS_POLICY_BROKEN);
}

static uint64_t dice;

static unsigned int roll(unsigned int n)
{
	dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(dice >> 33) % n;
}

static void change_any(struct fixture *f)
{
	static const char *const options[] = {"", "", "", "", ",'options':{'name':'o1'}"};
	char name[16], host[16], tls[96], id[40];

	snprintf(name, sizeof(name), "s%u", roll(NAMES));
	snprintf(host, sizeof(host), "c%u.test", roll(CERTS));
	switch (roll(12)) {
	case 0:
		snprintf(id, sizeof(id), "Secret/shop/%s", name);
		store_remove(&f->store, str_of(id), KIND_SECRET);
		break;
	case 1:
		fixture_add(f, "Secret", name, "'stringData':{'tls.crt':'no'}");
		break;
	case 2:
		fixture_add(f, "TLSStore", "default",
			    "'spec':{'defaultCertificate':{'secretName':'%s'},"
			    "'certificates':[{'secretName':'s%u'}]}",
			    name, roll(NAMES));
		break;
	case 3:
		store_remove(&f->store, STR("TLSStore/shop/default"), KIND_TLS_STORE);
		break;
	case 4:
		if (roll(4) == 0)
			fixture_add(f, "TLSOption", "o1", "'spec':{'minVersion':'VersionTLS1%u'}",
				    2 + roll(2));
		break;
	case 5:
		snprintf(id, sizeof(id), "IngressRoute/shop/n%u", roll(6));
		store_remove(&f->store, str_of(id), KIND_INGRESS_ROUTE);
		break;
	case 6:
	case 7:
		snprintf(tls, sizeof(tls), "'secretName':'%s'%s", name, options[roll(5)]);
		snprintf(id, sizeof(id), "n%u", roll(6));
		put_route(f, id, host, tls);
		break;
	default:
		put_secret(f, name, (int)roll(CERTS));
	}
}

/* The tables of the quick pass show what those of a whole compile do. */
static void same_tables(struct fixture *f)
{
	struct snapshot *whole = compile(&f->store, &f->config, f->registry, 1);

	assert_non_null(whole);
	for (uint16_t i = 0; i < whole->n_entry_points; i++)
		for (int k = 0; k < CERTS + 1; k++) {
			const struct tls_table *a = f->snapshot->entry_points[i].tls_table;
			const struct tls_table *b = whole->entry_points[i].tls_table;
			struct str local = {0}, other;
			char name[32];

			snprintf(name, sizeof(name), "c%d.test", k);
			local = tls_table_certificate(a, str_of(name), NULL);
			other = tls_table_certificate(b, str_of(name), NULL);
			assert_true(str_eq(local, other));
			assert_int_equal(tls_table_policy(a, str_of(name)),
					 tls_table_policy(b, str_of(name)));
		}
	snapshot_unref(whole);
}

static void random_changes_come_to_the_same_tables(void **state)
{
	struct fixture *f = *state;

	dice = 4;
	for (int i = 0; i < TURNS; i++) {
		for (unsigned int k = roll(3) + 1; k > 0; k--)
			change_any(f);
		fixture_compile(f);
		same_tables(f);
	}
	assert_true(compiler_stats(f->compiler).n_quick > TURNS / 4);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, tls_setup, tls_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS_TEST(a_rotated_certificate_changes_tables_alone),
		TLS_TEST(a_fault_of_a_secret_comes_and_goes),
		TLS_TEST(a_route_that_names_another_secret_makes_tables_anew),
		TLS_TEST(the_cas_of_an_option_change_everything),
		TLS_TEST(random_changes_come_to_the_same_tables),
	};

	return cmocka_run_group_tests(tests, make_certificates, NULL);
}
