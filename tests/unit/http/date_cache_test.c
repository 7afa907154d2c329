// SPDX-License-Identifier: Apache-2.0
/* date_cache_test: the text is right, and made only once a second. */

#include "http/date_cache.h"

#include "check.h"

static void the_text_is_that_of_the_date_header(void **state)
{
	struct date_cache cache = {0};

	(void)state;
	CHECK_STR("RFC 9110 5.6.7", date_cache_text(&cache, 784111777),
		  STR("Sun, 06 Nov 1994 08:49:37 GMT"));
	CHECK_STR("epoch", date_cache_text(&cache, 0), STR("Thu, 01 Jan 1970 00:00:00 GMT"));
}

static void the_text_is_made_once_a_second(void **state)
{
	struct date_cache cache = {0};
	struct str first = date_cache_text(&cache, 784111777);

	(void)state;
	cache.text[0] = 'X';
	assert_int_equal(date_cache_text(&cache, 784111777).at[0], 'X');
	assert_ptr_equal(first.at, date_cache_text(&cache, 784111778).at);
	assert_int_equal(cache.text[0], 'S');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_is_that_of_the_date_header),
		cmocka_unit_test(the_text_is_made_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
