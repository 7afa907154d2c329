// SPDX-License-Identifier: Apache-2.0
/* host_index_test: every host is found, with what belongs to it, and no other. */

#include "plan/host_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_host_is_found_and_no_other(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 3, 100, 5000};
	static struct path_node nodes[5000];
	static struct host_entry entries[5000];
	static const char base[5000];

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		const struct host_index *index;
		const void *ahead = NULL;
		struct arena arena;

		arena_init(&arena, 16 << 20, 0);
		for (size_t i = 0; i < sizes[s]; i++)
			entries[i] =
				(struct host_entry){arena_printf(&arena, "h%zu.example.com", i),
						    &nodes[i], i % 2 ? i : HOST_INDEX_NOTHING};
		index = host_index_new(entries, sizes[s], &arena);
		host_index_prefetch(index, STR("any"));
		assert_non_null(index);
		assert_int_equal(host_index_size(index), sizes[s]);
		for (size_t i = 0; i < sizes[s]; i++) {
			assert_ptr_equal(host_index_find(index, entries[i].host, base, &ahead),
					 &nodes[i]);
			assert_ptr_equal(ahead, i % 2 ? base + i : NULL);
			/* Neither a part of it nor more. */
			assert_null(
				host_index_find(index, str_from(entries[i].host, 1), base, &ahead));
		}
		assert_null(host_index_find(index, STR("other"), base, &ahead));
		assert_null(host_index_find(index, STR(""), base, &ahead));
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_host_is_found_and_no_other)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
