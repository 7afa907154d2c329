// SPDX-License-Identifier: Apache-2.0
/* held_test: what goes in comes out in order, and memory goes when nothing is left. */

#include "proxy/held.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

static void bytes_come_out_in_order(void **state)
{
	struct block_pool pool = {0};
	struct held held = {0};
	unsigned char next_in = 0, next_out = 0;

	(void)state;
	srand(1);
	for (int round = 0; round < 2000; round++) {
		char bytes[700];
		size_t n = (size_t)rand() % sizeof(bytes);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)next_in++;
		assert_int_equal(held_add(&held, &pool, bytes, n), 0);
		size_t take = held_len(&held) ? (size_t)rand() % (held_len(&held) + 1) : 0;

		for (size_t i = 0; i < take; i++)
			assert_int_equal((unsigned char)held_str(&held).at[i], next_out++);
		if (take)
			held_take(&held, &pool, take);
	}
	held_take(&held, &pool, held_len(&held));
	assert_null(held.block);
	block_pool_done(&pool);
}

static void room_is_made_at_the_end(void **state)
{
	struct block_pool pool = {0};
	struct held held = {0};
	size_t room;

	(void)state;
	assert_int_equal(held_add(&held, &pool, "abc", 3), 0);
	held_take(&held, &pool, 1);
	char *at = held_room(&held, &pool, 1000, &room);

	assert_true(room >= 1000);
	memset(at, 'x', room);
	held_added(&held, 2);
	assert_memory_equal(held_str(&held).at, "bcxx", 4);
	assert_null(held_room(&held, &pool, 8 << 20, &room));
	assert_int_equal(held_len(&held), 4);
	held_drop(&held, &pool);
	block_pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_in_order),
		cmocka_unit_test(room_is_made_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
