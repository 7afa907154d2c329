// SPDX-License-Identifier: Apache-2.0
/* tls_cache_test: equal content is kept once and goes with its last user. */

#include "tls_lab.h"

static void equal_certificates_are_parsed_once(void **state)
{
	struct lab_plan plan;
	struct lab_cert a;

	(void)state;
	lab_cert(&a, &(struct lab_cert_spec){.cn = "a.test"});
	lab_plan(&plan);
	assert_int_equal(lab_add(&plan, &a), 0);
	struct tls_table *first = lab_finish(&plan);

	plan.builder = tls_builder_new(plan.cache);
	assert_int_equal(lab_add(&plan, &a), 0);
	struct tls_table *second = lab_finish(&plan);

	assert_int_equal(tls_cache_count(plan.cache).certificates, 1);
	tls_table_unref(first);
	assert_int_equal(tls_cache_count(plan.cache).certificates, 1);
	tls_table_unref(second);
	assert_int_equal(tls_cache_count(plan.cache).certificates, 0);
	lab_cert_done(&a);
	lab_plan_done(&plan);
}

static void a_connection_outlives_its_table(void **state)
{
	struct lab_plan plan;
	struct lab_pair pair;

	(void)state;
	lab_plan(&plan);
	struct tls_table *table = lab_finish(&plan);

	lab_open(&pair, table, &(struct lab_client){.sni = "a.test"});
	tls_table_unref(table);
	assert_true(lab_pump(&pair));
	assert_int_equal(tls_cache_count(plan.cache).policies, 0);
	lab_exchange(&pair, "still here");
	lab_close(&pair);
	lab_plan_done(&plan);
}

static void private_keys_lie_apart_from_what_core_dumps_hold(void **state)
{
	struct lab_plan plan;

	(void)state;
	lab_plan(&plan);
	assert_int_equal(CRYPTO_secure_malloc_initialized(), 1);
	tls_builder_free(plan.builder);
	lab_plan_done(&plan);
	tls_cache_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_certificates_are_parsed_once),
		cmocka_unit_test(a_connection_outlives_its_table),
		cmocka_unit_test(private_keys_lie_apart_from_what_core_dumps_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
