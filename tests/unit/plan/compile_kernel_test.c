// SPDX-License-Identifier: Apache-2.0
/* compile_kernel_test: names that fit into the maps. */

#include "plan/compile_kernel.h"

#include "check.h"

static void long_names_are_cut_and_stay_different(void **state)
{
	struct compile c = {0};
	struct arena arena;
	struct str a, b;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	c.arena = &arena;
	CHECK_STR("short", compile_kernel_name(&c, STR("shop/db")), STR("shop/db"));
	a = compile_kernel_name(&c, STR("a-namespace-of-some-length/and-a-name-1"));
	b = compile_kernel_name(&c, STR("a-namespace-of-some-length/and-a-name-2"));
	assert_int_equal(a.len, KERNEL_NAME_MAX);
	assert_false(str_eq(a, b));
	CHECK_STR("again", compile_kernel_name(&c, STR("a-namespace-of-some-length/and-a-name-1")),
		  a);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_names_are_cut_and_stay_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
