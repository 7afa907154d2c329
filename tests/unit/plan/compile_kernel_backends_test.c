// SPDX-License-Identifier: Apache-2.0
/* compile_kernel_backends_test: shares become whole weights. */

#include "plan/compile_kernel.h"

#include "check.h"

static void shares_become_the_smallest_whole_weights(void **state)
{
	static const struct {
		const char *row;
		double shares[4];
		uint32_t weights[4];
	} rows[] = {
		{"equal", {5, 5, 5, 5}, {1, 1, 1, 1}},
		{"half and thirds", {0.5, 0.5, 1.0 / 3, 2.0 / 3}, {3, 3, 2, 4}},
		{"nothing for one", {0, 2, 2, 4}, {0, 1, 1, 2}},
		{"the greatest possible", {65535, 1, 1, 1}, {65535, 1, 1, 1}},
		{"too far apart", {1e9, 1, 1, 1}, {65535, 1, 1, 1}},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct compile c = {0};
		struct arena arena;
		struct kernel_shares shares = {.compile = &c};
		struct kernel_service service = {.n_backends = 0};

		arena_init(&arena, 1 << 20, 0);
		arena_init(&c.scratch, 1 << 20, 0);
		c.arena = &arena;
		for (uint8_t k = 0; k < 4; k++) {
			struct share share = {.weight = rows[i].shares[k], .port = 80};

			addr_parse(STR("10.0.0.0"), &share.addr);
			share.addr.byte[15] = k;
			assert_true(compile_kernel_share(&shares, &share));
		}
		assert_true(compile_kernel_fill(&shares, true, &service));
		assert_int_equal(service.n_backends, 4);
		for (size_t k = 0; k < 4; k++)
			CHECK_INT(rows[i].row, service.backends[k].weight, rows[i].weights[k]);
		assert_false(compile_kernel_has(&shares, false));
		arena_done(&c.scratch);
		arena_done(&arena);
	}
}

static void one_backend_by_two_references_is_one(void **state)
{
	struct compile c = {0};
	struct arena arena;
	struct kernel_shares shares = {.compile = &c};
	struct kernel_service service = {.n_backends = 0};
	struct share share = {.port = 80, .state = KERNEL_BACKEND_DRAIN};

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	arena_init(&c.scratch, 1 << 20, 0);
	c.arena = &arena;
	addr_parse(STR("10.0.0.1"), &share.addr);
	compile_kernel_share(&shares, &share);
	share.state = KERNEL_BACKEND_ACTIVE;
	compile_kernel_share(&shares, &share);
	compile_kernel_divide(&shares, 0, 3);
	assert_true(compile_kernel_fill(&shares, true, &service));
	assert_int_equal(service.n_backends, 1);
	assert_int_equal(service.backends[0].state, KERNEL_BACKEND_ACTIVE);
	assert_int_equal(service.backends[0].weight, 1);
	arena_done(&c.scratch);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_become_the_smallest_whole_weights),
		cmocka_unit_test(one_backend_by_two_references_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
