// SPDX-License-Identifier: Apache-2.0
/* table: put, find, remove, iterate; against a model over many operations. */

#include "base/table.h"

#include <stdio.h>

#include "check.h"

enum { KEYS = 300 };

static void values_are_found_replaced_and_removed(void **state)
{
	struct table table;
	int one = 1, two = 2;
	void *old = &two;

	(void)state;
	table_init(&table, NULL);
	assert_null(table_find(&table, STR("a")));
	assert_null(table_del(&table, STR("a")));
	assert_int_equal(table_put(&table, STR("a"), &one, &old), 0);
	assert_null(old);
	assert_int_equal(table_put(&table, STR("a"), &two, &old), 0);
	assert_ptr_equal(old, &one);
	assert_int_equal(table.n, 1);
	assert_ptr_equal(table_find(&table, STR("a")), &two);
	assert_null(table_find(&table, STR("A")));
	assert_ptr_equal(table_del(&table, STR("a")), &two);
	assert_null(table_find(&table, STR("a")));
	assert_null(table_next(&table, NULL));
	assert_int_equal(table_put(&table, STR(""), &one, NULL), 0);
	assert_ptr_equal(table_find(&table, (struct str){0}), &one);
	table_done(&table);
	table_done(NULL);
}

static void many_changes_agree_with_a_model(void **state)
{
	static char names[KEYS][16];
	bool model[KEYS] = {false};
	struct table table;
	uint32_t seed = 12345;

	(void)state;
	table_init(&table, NULL);
	for (int i = 0; i < KEYS; i++)
		snprintf(names[i], sizeof(names[i]), "key%d", i);
	for (int step = 0; step < 20000; step++) {
		seed = seed * 1664525 + 1013904223;
		unsigned key = (seed >> 8) % KEYS;

		if (seed >> 31) {
			assert_int_equal(table_put(&table, str_of(names[key]), names[key], NULL),
					 0);
			model[key] = true;
		} else {
			assert_ptr_equal(table_del(&table, str_of(names[key])),
					 model[key] ? names[key] : NULL);
			model[key] = false;
		}
	}
	size_t n = 0, seen = 0;

	for (int i = 0; i < KEYS; i++) {
		n += model[i];
		assert_ptr_equal(table_find(&table, str_of(names[i])), model[i] ? names[i] : NULL);
	}
	TABLE_EACH (&table, slot) {
		CHECK_STR("key", slot->key, str_of(slot->value));
		seen++;
	}
	assert_int_equal(table.n, n);
	assert_int_equal(seen, n);
	/* Removed slots do not make it grow without end. */
	assert_true(table.n_slots <= 1024);
	table_done(&table);
}

static void an_arena_that_is_full_says_so(void **state)
{
	struct arena arena;
	struct table table;
	int value = 0;

	(void)state;
	arena_init(&arena, 64, 64);
	table_init(&table, &arena);
	assert_true(table_put(&table, STR("a"), &value, NULL) < 0);
	assert_null(table_find(&table, STR("a")));
	table_done(&table);
	arena_done(&arena);
	arena_init(&arena, 1 << 16, 0);
	table_init(&table, &arena);
	assert_int_equal(table_put(&table, STR("a"), &value, NULL), 0);
	assert_ptr_equal(table_find(&table, STR("a")), &value);
	table_done(&table);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found_replaced_and_removed),
		cmocka_unit_test(many_changes_agree_with_a_model),
		cmocka_unit_test(an_arena_that_is_full_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
