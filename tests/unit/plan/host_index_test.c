// SPDX-License-Identifier: Apache-2.0
/* host_index_test: every host is found, with what belongs to it, and no other. */

#include "plan/host_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Only in large ones, of most hosts, and never of another one. */
static void check_what_is_sent_for(const struct host_index *index, const struct host_entry *entries,
				   size_t n)
{
	struct host_ahead ahead = {0};
	size_t n_there = 0;
	uint32_t place;

	for (size_t i = 0; i < n; i++) {
		host_index_send_for(index, entries[i].host, &ahead);
		assert_ptr_equal(host_index_find_sent(index, entries[i].host, &ahead, &place),
				 entries[i].paths);
		assert_int_equal(place, entries[i].place);
		assert_int_equal(ahead.slot != NULL, n > 1000);
		if (!ahead.slot || !host_index_send_for_paths(&ahead))
			continue;
		assert_int_equal(ahead.place, entries[i].place);
		n_there++;
	}
	assert_true(n <= 1000 ? !n_there : n_there > n / 4);
	host_index_send_for(index, STR("other"), &ahead);
	assert_false(ahead.slot && host_index_send_for_paths(&ahead));
	assert_null(host_index_find_sent(index, STR("other"), &ahead, &place));
}

/* A copy has the same hosts, and what is beside them is its own. */
static void check_what_is_beside(const struct host_index *index, const struct host_entry *entries,
				 size_t n, struct arena *arena)
{
	const struct host_index *copy;
	uint32_t place;

	for (size_t i = 0; i < n; i++)
		*(size_t *)host_index_beside(index, entries[i].place) = i + 1;
	copy = host_index_copy(index, arena);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(host_index_find(copy, entries[i].host, &place), entries[i].paths);
		assert_int_equal(*(size_t *)host_index_beside(copy, place), i + 1);
		*(size_t *)host_index_beside(copy, place) = 0;
		assert_int_equal(*(size_t *)host_index_beside(index, place), i + 1);
	}
}

static void every_host_is_found_and_no_other(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 3, 100, 5000};
	static struct path_node nodes[5000];
	static struct host_entry entries[5000];

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		const struct host_index *index;
		uint32_t place = 0;
		struct arena arena;

		arena_init(&arena, 16 << 20, 0);
		for (size_t i = 0; i < sizes[s]; i++)
			entries[i] = (struct host_entry){
				arena_printf(&arena, "h%zu.example.com", i), &nodes[i], UINT32_MAX};
		index = host_index_new(entries, sizes[s], &arena);
		assert_non_null(index);
		assert_int_equal(host_index_size(index), sizes[s]);
		for (size_t i = 0; i < sizes[s]; i++) {
			assert_ptr_equal(host_index_find(index, entries[i].host, &place),
					 &nodes[i]);
			assert_int_equal(place, entries[i].place);
			/* Neither a part of it nor more. */
			assert_null(host_index_find(index, str_from(entries[i].host, 1), &place));
		}
		check_what_is_sent_for(index, entries, sizes[s]);
		check_what_is_beside(index, entries, sizes[s], &arena);
		assert_null(host_index_find(index, STR("other"), &place));
		assert_null(host_index_find(index, STR(""), &place));
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_host_is_found_and_no_other)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
