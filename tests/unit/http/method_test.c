// SPDX-License-Identifier: Apache-2.0
/* method_test: names and ids agree, with case. */

#include "http/method.h"

#include "check.h"

static void names_and_ids_agree(void **state)
{
	(void)state;
	for (int i = METHOD_OTHER + 1; i < METHOD__COUNT; i++) {
		struct str name = method_name((enum http_method)i);

		assert_true(name.len > 0);
		CHECK_INT(name.at, method_of(name), i);
	}
	assert_int_equal(method_of(STR("get")), METHOD_OTHER);
	assert_int_equal(method_of(STR("GETS")), METHOD_OTHER);
	assert_int_equal(method_of(STR("X")), METHOD_OTHER);
	assert_int_equal(method_name(METHOD_OTHER).len, 0);
	assert_int_equal(method_name(METHOD__COUNT).len, 0);
}

static void what_may_be_sent_again_is_known(void **state)
{
	(void)state;
	assert_true(method_is_idempotent(METHOD_GET));
	assert_true(method_is_idempotent(METHOD_DELETE));
	assert_false(method_is_idempotent(METHOD_POST));
	assert_false(method_is_idempotent(METHOD_PATCH));
	assert_false(method_is_idempotent(METHOD_OTHER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_ids_agree),
		cmocka_unit_test(what_may_be_sent_again_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
