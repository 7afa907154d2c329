// SPDX-License-Identifier: Apache-2.0
/* mw_test: the list of middlewares. */

#include "mw_lab.h"

static void every_middleware_is_found_by_its_name(void **state)
{
	(void)state;
	assert_true(mw_count > 0);
	for (size_t i = 0; i < mw_count; i++) {
		assert_ptr_equal(mw_find(str_of(mw_all[i]->name)), mw_all[i]);
		assert_non_null(mw_all[i]->schema);
		assert_string_equal(mw_all[i]->schema->name, mw_all[i]->name);
	}
	assert_null(mw_find(STR("ratelimit")));
	assert_null(mw_find(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_middleware_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
