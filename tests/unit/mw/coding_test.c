// SPDX-License-Identifier: Apache-2.0
/* coding_test: names, coders that are kept, and the memory that bounds them. */

#include "coding_help.h"

static void names_compare_without_case(void **state)
{
	(void)state;
	assert_int_equal(coding_find(STR("gzip")), CODING_GZIP);
	assert_int_equal(coding_find(STR("GZip")), CODING_GZIP);
	assert_int_equal(coding_find(STR("br")), CODING_BR);
	assert_int_equal(coding_find(STR("zstd")), CODING_ZSTD);
	assert_int_equal(coding_find(STR("deflate")), CODING_IDENTITY);
	assert_int_equal(coding_find(STR("")), CODING_IDENTITY);
	assert_null(coding_of(CODING_IDENTITY));
	assert_null(coding_take(CODING_IDENTITY, -1, 0));
}

static void a_coder_is_used_again(void **state)
{
	struct coder *first = coding_take(CODING_GZIP, -1, 3), *second;

	(void)state;
	coding_give(first, 3);
	second = coding_take(CODING_GZIP, -1, 3);
	assert_ptr_equal(first, second);
	coding_give(second, 3);
	coding_give(NULL, 3);
}

static void memory_is_bounded(void **state)
{
	enum { MANY = 4096 };
	struct coder *taken[MANY];
	size_t n = 0;

	(void)state;
	while (n < MANY && (taken[n] = coding_take(CODING_BR, -1, 0)))
		n++;
	assert_true(n > 64 && n < MANY);
	assert_null(coding_take(CODING_BR, -1, 0));
	while (n > 0)
		coding_give(taken[--n], 0);
	/* All but the few that are kept was given back. */
	coding_check_body(CODING_GZIP, 4096, 4096, 0, true);
	coding_check_body(CODING_BR, 4096, 4096, 0, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_compare_without_case),
		cmocka_unit_test(a_coder_is_used_again),
		cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
