// SPDX-License-Identifier: Apache-2.0
/* date: known days, and agreement with the C library over eight thousand years. */

#include "base/date.h"

#include <time.h>

#include "check.h"

static void known_seconds_have_their_dates(void **state)
{
	static const struct {
		int64_t seconds;
		const char *iso, *http, *clf;
	} rows[] = {
		{0, "1970-01-01T00:00:00", "Thu, 01 Jan 1970 00:00:00 GMT", "01/Jan/1970:00:00:00"},
		{-1, "1969-12-31T23:59:59", "Wed, 31 Dec 1969 23:59:59 GMT",
		 "31/Dec/1969:23:59:59"},
		{784111777, "1994-11-06T08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT",
		 "06/Nov/1994:08:49:37"},
		{951782400, "2000-02-29T00:00:00", "Tue, 29 Feb 2000 00:00:00 GMT",
		 "29/Feb/2000:00:00:00"},
		{4107542400, "2100-03-01T00:00:00", "Mon, 01 Mar 2100 00:00:00 GMT",
		 "01/Mar/2100:00:00:00"},
		{INT64_MAX, "9999-12-31T23:59:59", "Fri, 31 Dec 9999 23:59:59 GMT",
		 "31/Dec/9999:23:59:59"},
		{INT64_MIN, "0001-01-01T00:00:00", "Mon, 01 Jan 0001 00:00:00 GMT",
		 "01/Jan/0001:00:00:00"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct date date = date_of(rows[i].seconds);
		char text[DATE_TEXT_MAX];

		CHECK_STR(rows[i].iso, str_n(text, date_print_iso(&date, text)),
			  str_of(rows[i].iso));
		CHECK_STR(rows[i].iso, str_n(text, date_print_http(&date, text)),
			  str_of(rows[i].http));
		CHECK_STR(rows[i].iso, str_n(text, date_print_clf(&date, text)),
			  str_of(rows[i].clf));
		assert_int_equal(text[strlen(rows[i].clf)], 0);
	}
}

static void it_agrees_with_the_c_library(void **state)
{
	(void)state;
	/* A step that meets every hour, day and month. */
	for (int64_t seconds = -62135596800LL; seconds < 253402300799LL; seconds += 20000003) {
		time_t time = (time_t)seconds;
		struct date date = date_of(seconds);
		struct tm tm;

		assert_non_null(gmtime_r(&time, &tm));
		assert_int_equal(date.year, tm.tm_year + 1900);
		assert_int_equal(date.month, tm.tm_mon + 1);
		assert_int_equal(date.day, tm.tm_mday);
		assert_int_equal(date.hour, tm.tm_hour);
		assert_int_equal(date.minute, tm.tm_min);
		assert_int_equal(date.second, tm.tm_sec);
		assert_int_equal(date.weekday, tm.tm_wday);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_seconds_have_their_dates),
		cmocka_unit_test(it_agrees_with_the_c_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
