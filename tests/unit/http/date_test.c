// SPDX-License-Identifier: Apache-2.0
/* date_test: against the C library, over leap years and centuries. */

#include "http/date.h"

#include <time.h>

#include "check.h"

static void dates_are_those_of_the_c_library(void **state)
{
	struct date date = {0};

	(void)state;
	CHECK_STR("RFC 9110 5.6.7", date_text(&date, 784111777),
		  STR("Sun, 06 Nov 1994 08:49:37 GMT"));
	CHECK_STR("epoch", date_text(&date, 0), STR("Thu, 01 Jan 1970 00:00:00 GMT"));
	/* Steps that meet every month, weekday and leap rule up to the year 2130. */
	for (int64_t second = 0; second < 5049216000LL; second += 86399 * 7 + 3601) {
		time_t when = (time_t)second;
		char wanted[64];
		struct tm tm;

		gmtime_r(&when, &tm);
		strftime(wanted, sizeof(wanted), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		CHECK_STR(wanted, date_text(&date, second), str_of(wanted));
	}
}

static void the_text_is_made_once_a_second(void **state)
{
	struct date date = {0};
	struct str first = date_text(&date, 784111777);

	(void)state;
	date.text[0] = 'X';
	assert_int_equal(date_text(&date, 784111777).at[0], 'X');
	assert_ptr_equal(first.at, date_text(&date, 784111778).at);
	assert_int_equal(date.text[0], 'S');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_those_of_the_c_library),
		cmocka_unit_test(the_text_is_made_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
