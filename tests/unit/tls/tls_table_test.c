// SPDX-License-Identifier: Apache-2.0
/* tls_table_test: certificates by name (reference g.1) and policies by host. */

#include "tls_lab.h"

static const char *const sans[] = {
	"DNS:a.test",
	"DNS:*.a.test",
	"DNS:b.test,DNS:*.b.test,DNS:x.b.test",
	"DNS:*.c.test,DNS:zz.test",
	"DNS:aa.c.test",
	"IP:127.0.0.1",
	"DNS:*.d.test,DNS:1.test",
	"DNS:x.d.test,DNS:0.test",
};
enum { N_SANS = sizeof(sans) / sizeof(*sans) };

static void the_greatest_key_that_holds_the_name_wins(void **state)
{
	static const struct {
		const char *sni, *local, *expected;
	} rows[] = {
		{"a.test", NULL, "a.test"},
		{"x.a.test", NULL, "*.a.test"},
		{"y.x.a.test", NULL, "default"}, /* one label only */
		{"b.test", NULL, "*.b.test,b.test,x.b.test"},
		{"aa.c.test", NULL, "aa.c.test"}, /* '*' sorts below letters */
		{"ab.c.test", NULL, "*.c.test,zz.test"},
		/* By key string, not by being specific: "0.test,x.d.test" comes after
		   "*.d.test,1.test". */
		{"x.d.test", NULL, "0.test,x.d.test"},
		{"other.test", NULL, "default"},
		{"", NULL, "default"},
		{"", "127.0.0.1", "127.0.0.1"}, /* without SNI: the local address */
		{"", "127.0.0.2", "default"},
		{"a.test", "127.0.0.1", "a.test"},
	};
	struct lab_plan plan;
	struct lab_cert certs[N_SANS];

	(void)state;
	lab_plan(&plan);
	for (size_t i = 0; i < N_SANS; i++) {
		lab_cert(&certs[i], &(struct lab_cert_spec){.san = sans[i]});
		assert_int_equal(lab_add(&plan, &certs[i]), 0);
	}
	struct tls_table *table = lab_finish(&plan);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr local;

		if (rows[i].local)
			addr_parse(str_of(rows[i].local), &local);
		assert_true(str_eq(tls_table_certificate(table, str_of(rows[i].sni),
							 rows[i].local ? &local : NULL),
				   str_of(rows[i].expected)));
	}
	tls_table_unref(table);
	assert_int_equal(tls_cache_count(plan.cache).certificates, 0);
	for (size_t i = 0; i < N_SANS; i++)
		lab_cert_done(&certs[i]);
	lab_plan_done(&plan);
}

static void a_policy_is_found_by_name_then_wildcard_then_default(void **state)
{
	struct lab_plan plan;
	struct tls_option strict = {.sni_strict = true};

	(void)state;
	lab_plan(&plan);
	int one = lab_policy(&plan, "ns-one", &strict, NULL);
	int two = lab_policy(&plan, "ns-two", &strict, NULL);

	assert_true(one > TLS_POLICY_BROKEN && two > one);
	assert_int_equal(tls_builder_bind(plan.builder, STR("a.test"), (uint16_t)one), 0);
	assert_int_equal(tls_builder_bind(plan.builder, STR("*.test"), (uint16_t)two), 0);
	assert_int_equal(tls_builder_bind(plan.builder, STR("gone.test"), TLS_POLICY_BROKEN), 0);
	struct tls_table *table = lab_finish(&plan);
	const struct {
		struct str host;
		int policy;
	} rows[] = {
		{STR("a.test"), one}, {STR("b.test"), two}, {STR("x.b.test"), 0},
		{STR(""), 0},	      {STR("test"), 0},	    {STR("gone.test"), TLS_POLICY_BROKEN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(tls_table_policy(table, rows[i].host), rows[i].policy);
	tls_table_ref(table);
	tls_table_unref(table);
	tls_table_unref(table);
	tls_table_unref(NULL);
	lab_plan_done(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_greatest_key_that_holds_the_name_wins),
		cmocka_unit_test(a_policy_is_found_by_name_then_wildcard_then_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
