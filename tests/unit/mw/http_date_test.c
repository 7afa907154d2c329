// SPDX-License-Identifier: Apache-2.0
/* http_date_test: RFC 9110 5.6.7. */

#include "base/date.h"
#include "mw/http_date.h"
#include "mw_lab.h"

static void the_three_forms_mean_the_same(void **state)
{
	static const char *const forms[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	};
	int64_t s;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(http_date_parse(str_of(forms[i]), &s), 0);
		assert_int_equal(s, 784111777);
	}
}

static void what_is_printed_is_read(void **state)
{
	char text[DATE_TEXT_MAX];
	int64_t s, t;

	(void)state;
	for (t = 0; t < 9000000000; t += 86399 * 17 + 11) {
		struct date date = date_of(t);

		assert_int_equal(http_date_parse(str_n(text, date_print_http(&date, text)), &s), 0);
		assert_int_equal(s, t);
	}
}

static void others_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"0",
		"-1",
		"Sun",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 CET",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 32 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"1994-11-06T08:49:37Z",
	};
	int64_t s = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (http_date_parse(str_of(rows[i]), &s) != -EINVAL)
			fail_msg("%s", rows[i]);
	assert_int_equal(s, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_three_forms_mean_the_same),
		cmocka_unit_test(what_is_printed_is_read),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
