// SPDX-License-Identifier: Apache-2.0
/* literal_set_test: every literal that is there is found, once, and no other. */

#include "plan/literal_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX_LISTS = 16, MAX_ENTRIES = 40 };

/* Ranks found, as bits. */
static uint64_t find(const struct literal_set *set, const char *text)
{
	struct path_list lists[MAX_LISTS];
	size_t n = literal_set_find(set, str_of(text), lists, MAX_LISTS);
	uint64_t bits = 0;

	assert_true(n <= MAX_LISTS);
	for (size_t i = 0; i < n; i++)
		for (uint32_t rank = path_list_next(&lists[i], 0); rank != UINT32_MAX;
		     rank = path_list_next(&lists[i], rank + 1))
			bits |= 1ULL << rank;
	return bits;
}

static void literals_within_and_across_each_other_are_found(void **state)
{
	struct literal_entry entries[] = {
		{STR("he"), 0}, {STR("she"), 1},  {STR("his"), 2}, {STR("hers"), 3},
		{STR("he"), 4}, {STR("/a/b"), 5}, {STR("b/c"), 6},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	const struct literal_set *set =
		literal_set_new(entries, sizeof(entries) / sizeof(*entries), &arena);

	assert_non_null(set);
	assert_int_equal(find(set, "ushers"), 1 | 2 | 8 | 16);
	assert_int_equal(find(set, "his"), 4);
	assert_int_equal(find(set, "/a/b/c"), 32 | 64);
	assert_int_equal(find(set, "/a/c"), 0);
	assert_int_equal(find(set, ""), 0);
	assert_int_equal(literal_set_all(set).n, 7);
	arena_done(&arena);
}

static void too_many_are_said_to_be_too_many(void **state)
{
	struct literal_entry entries[] = {{STR("a"), 0}, {STR("b"), 1}, {STR("c"), 2}};
	struct path_list lists[2];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	const struct literal_set *set = literal_set_new(entries, 3, &arena);

	assert_int_equal(literal_set_find(set, STR("abc"), lists, 2), 3);
	assert_int_equal(literal_set_find(set, STR("abab"), lists, 2), 2);
	arena_done(&arena);
}

static void an_empty_set_finds_nothing(void **state)
{
	struct path_list lists[1];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	assert_int_equal(literal_set_find(literal_set_new(NULL, 0, &arena), STR("abc"), lists, 1),
			 0);
	arena_done(&arena);
}

static void random_text(unsigned int *seed, size_t min, size_t max, char *text)
{
	size_t n = min + (size_t)rand_r(seed) % (max - min);

	for (size_t i = 0; i < n; i++)
		text[i] = "ab\xff"[(size_t)rand_r(seed) % 3];
	text[n] = 0;
}

static void it_agrees_with_looking_for_each(void **state)
{
	unsigned int seed = 7;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (int round = 0; round < 500; round++) {
		struct literal_entry entries[MAX_ENTRIES], before[MAX_ENTRIES];
		char texts[MAX_ENTRIES][8];
		size_t n = (size_t)rand_r(&seed) % 12;

		for (size_t i = 0; i < n; i++) {
			random_text(&seed, 1, 7, texts[i]);
			entries[i] = (struct literal_entry){str_of(texts[i]), (uint32_t)i};
			before[i] = entries[i];
		}
		const struct literal_set *set = literal_set_new(entries, n, &arena);

		for (int probe = 0; probe < 20; probe++) {
			char text[24];
			uint64_t want = 0;

			random_text(&seed, 0, 20, text);
			for (size_t i = 0; i < n; i++)
				if (str_search(str_of(text), before[i].literal) >= 0)
					want |= 1ULL << i;
			assert_int_equal(find(set, text), want);
		}
		arena_reset(&arena);
	}
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_within_and_across_each_other_are_found),
		cmocka_unit_test(too_many_are_said_to_be_too_many),
		cmocka_unit_test(an_empty_set_finds_nothing),
		cmocka_unit_test(it_agrees_with_looking_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
