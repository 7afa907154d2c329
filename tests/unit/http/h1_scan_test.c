// SPDX-License-Identifier: Apache-2.0
/* h1_scan_test: the fast scanners agree with the table, for every byte, at every place, up to the
 * page's end. */

#include "http/h1_scan.h"

#include "check.h"
#include "guard.h"

enum { LENGTH = 40 };

static void check(const char *(*scan)(const char *, const char *), char filler, int c, bool stops)
{
	char text[LENGTH];

	for (size_t at = 0; at < LENGTH; at++) {
		memset(text, filler, sizeof(text));
		text[at] = (char)c;

		struct str copy = guard_copy(str_n(text, LENGTH));

		CHECK_INT("place", scan(copy.at, copy.at + copy.len) - copy.at,
			  stops ? (long)at : LENGTH);
		guard_free(copy);
	}
}

static void values_stop_at_control_characters(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++)
		check(h1_scan_value, 'v', c, (c < 0x20 && c != '\t') || c == 0x7f);
}

static void targets_stop_at_blanks_marks_and_control_characters(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++)
		check(h1_scan_target, '/', c, c <= 0x20 || c == 0x7f || c == '?' || c == '#');
}

static void names_stop_at_what_is_no_token(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		bool is_alnum =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		check(h1_scan_name, 'n', c, !is_alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)));
	}
}

static void every_length_up_to_the_pages_end_is_scanned(void **state)
{
	(void)state;
	for (size_t n = 0; n < 70; n++) {
		char text[70];

		memset(text, 'a', n);

		struct str copy = guard_copy(str_n(text, n));
		const char *end = copy.at + n;

		assert_ptr_equal(h1_scan_value(copy.at, end), end);
		assert_ptr_equal(h1_scan_target(copy.at, end), end);
		assert_ptr_equal(h1_scan_name(copy.at, end), end);
		assert_ptr_equal(h1_scan_while(copy.at, end, H1_SCAN_HOST), end);
		guard_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stop_at_control_characters),
		cmocka_unit_test(targets_stop_at_blanks_marks_and_control_characters),
		cmocka_unit_test(names_stop_at_what_is_no_token),
		cmocka_unit_test(every_length_up_to_the_pages_end_is_scanned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
