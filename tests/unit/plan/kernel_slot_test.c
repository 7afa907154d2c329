// SPDX-License-Identifier: Apache-2.0
/* kernel_slot: names keep their slots, new ones get those that nobody had. */
#include "plan/kernel_slot.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"

enum { SLOTS = 6 };

struct row {
	char before[4];
	char name[ABI_NAME_BYTES];
};

static struct str name_of(const void *user, size_t i)
{
	return str_of(((const char *const *)user)[i]);
}

static void slots_follow_names(void **state)
{
	static const struct {
		const char *name;
		const char *old[SLOTS], *new[SLOTS];
		size_t n;
		uint32_t want[SLOTS];
	} rows[] = {
		{"an empty table is filled from the first", {0}, {"a", "b"}, 2, {1, 2}},
		{"names stay", {"", "a", "b", "c"}, {"c", "a"}, 2, {3, 1}},
		{"a new one takes what nobody had", {"", "a", "b"}, {"b", "x"}, 2, {2, 3}},
		{"and what has become free last",
		 {"", "a", "b", "c", "d", "e"},
		 {"b", "x", "c", "y"},
		 4,
		 {2, 1, 3, 4}},
		{"the same name twice is two", {"", "a"}, {"a", "a"}, 2, {1, 2}},
		{"no name is always new", {"", "a"}, {"", "a", ""}, 3, {2, 1, 3}},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct row table[SLOTS] = {0};
		uint32_t got[SLOTS];

		for (int j = 0; j < SLOTS; j++)
			if (rows[i].old[j])
				kernel_slot_name(table[j].name, str_of(rows[i].old[j]));
		CHECK_INT(rows[i].name,
			  kernel_slot_assign(
				  &(struct kernel_slot_table){table[0].name, sizeof(*table), SLOTS},
				  name_of, rows[i].new, rows[i].n, &arena, got),
			  0);
		for (size_t j = 0; j < rows[i].n; j++)
			CHECK_INT(rows[i].name, got[j], rows[i].want[j]);
	}
	arena_done(&arena);
}

static void a_full_table_says_so(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	uint32_t got[ROWS(names)];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	CHECK_INT("five",
		  kernel_slot_assign(&(struct kernel_slot_table){NULL, 0, SLOTS}, name_of, names, 5,
				     &arena, got),
		  0);
	CHECK_INT("six",
		  kernel_slot_assign(&(struct kernel_slot_table){NULL, 0, SLOTS}, name_of, names, 6,
				     &arena, got),
		  -ENOSPC);
	arena_done(&arena);
}

static void long_names_are_cut(void **state)
{
	char got[ABI_NAME_BYTES];

	(void)state;
	kernel_slot_name(got, STR("0123456789012345678901234567890123456789"));
	assert_string_equal(got, "0123456789012345678901234567890");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_follow_names),
		cmocka_unit_test(a_full_table_says_so),
		cmocka_unit_test(long_names_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
