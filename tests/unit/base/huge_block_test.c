// SPDX-License-Identifier: Apache-2.0
/* huge_block_test: pieces are aligned, kept when they are given back, and given out again. */

#include "base/huge_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_was_given_back_is_given_out_again(void **state)
{
	void *first = huge_block_take(), *second = huge_block_take();

	(void)state;
	assert_non_null(first);
	assert_int_equal((uintptr_t)first % HUGE_BLOCK_BYTES, 0);
	assert_ptr_not_equal(first, second);
	memset(first, 1, HUGE_BLOCK_BYTES);
	huge_block_give(first);
	huge_block_give(second);
	huge_block_give(NULL);
	if (huge_block_kept()) {
		assert_int_equal(huge_block_kept(), 2);
		assert_ptr_equal(huge_block_take(), second);
		assert_ptr_equal(huge_block_take(), first);
		huge_block_give(first);
		huge_block_give(second);
	}
}

static void no_more_than_some_are_kept(void **state)
{
	static void *blocks[HUGE_BLOCKS_KEPT_MAX + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		blocks[i] = huge_block_take();
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		huge_block_give(blocks[i]);
	assert_true(huge_block_kept() <= HUGE_BLOCKS_KEPT_MAX);
}

static void some_can_be_got_beforehand(void **state)
{
	size_t before = huge_block_kept();

	(void)state;
	huge_block_reserve(3);
	assert_true(huge_block_kept() == before + 3 || huge_block_kept() == before);
	huge_block_reserve(1000);
	assert_true(huge_block_kept() <= HUGE_BLOCKS_KEPT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_given_back_is_given_out_again),
		cmocka_unit_test(some_can_be_got_beforehand),
		cmocka_unit_test(no_more_than_some_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
