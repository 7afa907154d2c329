// SPDX-License-Identifier: Apache-2.0
/* in_flight_test: counts of sources, by one thread and by several. */

#include "mw_lab.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "mw/in_flight.h"

static void a_source_has_no_more_than_its_limit(void **state)
{
	struct mw_state *table = in_flight_new();
	uint64_t a = hash_keyed(STR("a")), b = hash_keyed(STR("b"));
	uint32_t first, second, other;

	(void)state;
	assert_true(in_flight_enter(table, a, 2, &first));
	assert_true(in_flight_enter(table, a, 2, &second));
	assert_false(in_flight_enter(table, a, 2, &other));
	assert_int_equal(in_flight_count(table, a), 2);
	assert_true(in_flight_enter(table, b, 2, &other));
	in_flight_leave(table, first);
	assert_int_equal(in_flight_count(table, a), 1);
	assert_true(in_flight_enter(table, a, 2, &first));
	assert_false(in_flight_enter(table, hash_keyed(STR("c")), 0, &other));
	assert_true(table->memory_bytes(table) > 0);
	table->free(table);
}

static void a_full_table_lets_further_sources_pass(void **state)
{
	enum { N = 4 * IN_FLIGHT_SOURCES };
	static uint32_t slots[N];
	struct mw_state *table = in_flight_new();
	uint64_t sum = 0;

	(void)state;
	for (uint64_t i = 0; i < N; i++) {
		uint64_t source = hash_mix64(i + 1) * 0x9e3779b97f4a7c15ULL;

		assert_true(in_flight_enter(table, source, 1, &slots[i]));
	}
	for (size_t i = 0; i < N; i++) {
		sum += slots[i] != IN_FLIGHT_NONE;
		in_flight_leave(table, slots[i]);
	}
	assert_true(sum > IN_FLIGHT_SOURCES / 2 && sum <= IN_FLIGHT_SOURCES);
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(in_flight_count(table, hash_mix64(i + 1) * 0x9e3779b97f4a7c15ULL),
				 0);
	table->free(table);
}

enum { LIMIT = 3, ROUNDS = 20000, SOURCES = 5 };

struct crowd {
	struct mw_state *table;
	_Atomic int inside[SOURCES], most;
};

static void *come_and_go(void *arg)
{
	struct crowd *crowd = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int who = i % SOURCES;
		uint32_t slot;

		if (!in_flight_enter(crowd->table, hash_mix64((uint64_t)who + 7) << 1, LIMIT,
				     &slot))
			continue;
		int now = atomic_fetch_add(&crowd->inside[who], 1) + 1;

		if (slot != IN_FLIGHT_NONE && now > atomic_load(&crowd->most))
			atomic_store(&crowd->most, now);
		atomic_fetch_sub(&crowd->inside[who], 1);
		in_flight_leave(crowd->table, slot);
	}
	return NULL;
}

static void several_threads_keep_the_limit_and_leave_nothing_behind(void **state)
{
	struct crowd crowd = {.table = in_flight_new()};
	pthread_t threads[6];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, come_and_go, &crowd);
	for (size_t i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_true(crowd.most <= LIMIT);
	for (uint64_t i = 0; i < SOURCES; i++)
		assert_int_equal(in_flight_count(crowd.table, hash_mix64(i + 7) << 1), 0);
	crowd.table->free(crowd.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_no_more_than_its_limit),
		cmocka_unit_test(a_full_table_lets_further_sources_pass),
		cmocka_unit_test(several_threads_keep_the_limit_and_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
