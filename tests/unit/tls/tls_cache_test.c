// SPDX-License-Identifier: Apache-2.0
/* tls_cache_test: equal content is kept once and goes with its last user. */

#include "tls_lab.h"

#include <pthread.h>

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

static void a_warning_is_given_every_time(void **state)
{
	struct lab_plan plan;
	struct lab_cert old;
	char message[TLS_MESSAGE_MAX];

	(void)state;
	lab_cert(&old,
		 &(struct lab_cert_spec){.cn = "old.test", .from_s = -7200, .until_s = -3600});
	lab_plan(&plan);
	for (int i = 0; i < 2; i++) {
		message[0] = '\0';
		assert_int_equal(tls_builder_certificate(plan.builder, str_of(old.cert),
							 str_of(old.key), message),
				 0);
		assert_string_equal(message, "the certificate has expired");
	}
	tls_builder_free(plan.builder);
	lab_cert_done(&old);
	lab_plan_done(&plan);
}

struct crowd {
	struct lab_plan *plan;
	struct tls_table *table;
	const struct lab_cert *cert;
};

static void *shake_hands(void *arg)
{
	const struct crowd *crowd = arg;
	struct lab_client wish = {.sni = "a.test"};

	for (int i = 0; i < 8; i++) {
		struct lab_pair pair;

		assert_true(lab_connect(&pair, crowd->table, &wish));
		lab_exchange(&pair, "from a thread");
		lab_close(&pair);
		tls_cache_rotate_tickets(crowd->plan->cache);
	}
	return NULL;
}

/* Meanwhile other tables come and go, as updates make them. */
static void threads_share_tables_and_keys(void **state)
{
	enum { THREADS = 3 };
	struct lab_plan plan;
	struct lab_cert a;
	pthread_t threads[THREADS];

	(void)state;
	lab_cert(&a, &(struct lab_cert_spec){.cn = "a.test"});
	lab_plan(&plan);
	lab_add(&plan, &a);
	struct crowd crowd = {&plan, lab_finish(&plan), &a};

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, shake_hands, &crowd);
	for (int i = 0; i < 20; i++) {
		struct tls_option option = {.sni_strict = i % 2};

		plan.builder = tls_builder_new(plan.cache);
		lab_add(&plan, &a);
		lab_policy(&plan, "default", &option, NULL);
		tls_table_unref(lab_finish(&plan));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tls_table_unref(crowd.table);
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
		cmocka_unit_test(a_warning_is_given_every_time),
		cmocka_unit_test(threads_share_tables_and_keys),
		cmocka_unit_test(a_connection_outlives_its_table),
		cmocka_unit_test(private_keys_lie_apart_from_what_core_dumps_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
