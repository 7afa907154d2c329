// SPDX-License-Identifier: Apache-2.0
/* block_test: objects and buffers come back to their free lists. */

#include "proxy/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_object_given_back_is_the_next_one_taken(void **state)
{
	struct slab slab;

	(void)state;
	slab_init(&slab, 100);
	assert_int_equal(slab.object_bytes % 16, 0);
	char *a = slab_take(&slab), *b = slab_take(&slab);

	memset(a, 1, 100);
	memset(b, 2, 100);
	assert_int_equal(slab.n_used, 2);
	slab_give(&slab, a);
	assert_ptr_equal(slab_take(&slab), a);
	for (int i = 0; i < 1000; i++)
		assert_non_null(slab_take(&slab));
	assert_int_equal(slab.n_used, 1002);
	assert_true(slab.n_made >= 1002);
	slab_done(&slab);
}

static void an_object_larger_than_a_batch_is_possible(void **state)
{
	struct slab slab;

	(void)state;
	slab_init(&slab, 100000);
	memset(slab_take(&slab), 1, 100000);
	slab_done(&slab);
}

static void blocks_are_powers_of_two_and_reused(void **state)
{
	struct block_pool pool = {0};
	uint32_t cap, same;

	(void)state;
	char *block = block_take(&pool, 1000, &cap);

	assert_int_equal(cap, 1024);
	memset(block, 1, cap);
	block_give(&pool, block, cap);
	assert_int_equal(pool.idle_bytes, 1024);
	assert_ptr_equal(block_take(&pool, 513, &same), block);
	assert_int_equal(same, 1024);
	assert_int_equal(pool.idle_bytes, 0);
	block_give(&pool, block, same);
	assert_null(block_take(&pool, (4 << 20) + 1, &cap));
	block_give(&pool, NULL, 0);
	block_pool_done(&pool);
	assert_int_equal(pool.idle_bytes, 0);
}

static void no_more_than_a_few_megabytes_lie_idle(void **state)
{
	struct block_pool pool = {0};
	char *blocks[16];
	uint32_t cap = 0;

	(void)state;
	for (int i = 0; i < 16; i++)
		blocks[i] = block_take(&pool, 1 << 20, &cap);
	for (int i = 0; i < 16; i++)
		block_give(&pool, blocks[i], cap);
	assert_true(pool.idle_bytes <= BLOCK_KEPT_BYTES);
	block_pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_given_back_is_the_next_one_taken),
		cmocka_unit_test(an_object_larger_than_a_batch_is_possible),
		cmocka_unit_test(blocks_are_powers_of_two_and_reused),
		cmocka_unit_test(no_more_than_a_few_megabytes_lie_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
