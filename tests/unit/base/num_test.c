// SPDX-License-Identifier: Apache-2.0
/* num: tables of what is a number and what is not. */

#include "base/num.h"

#include <errno.h>
#include <inttypes.h>

#include "check.h"
#include "guard.h"

enum { UNTOUCHED = 77 };

static void integers_are_the_whole_text_or_nothing(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t value;
	} rows[] = {
		{"0", 0, 0},
		{"42", 0, 42},
		{"-42", 0, -42},
		{"007", 0, 7},
		{"9223372036854775807", 0, INT64_MAX},
		{"-9223372036854775808", 0, INT64_MIN},
		{"9223372036854775808", -ERANGE, 0},
		{"-9223372036854775809", -ERANGE, 0},
		{"99999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"--1", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = guard_copy(str_of(rows[i].text));
		int64_t value = UNTOUCHED;

		CHECK_INT(rows[i].text, num_int64(text, &value), rows[i].result);
		CHECK_INT(rows[i].text, value, rows[i].result ? UNTOUCHED : rows[i].value);
		guard_free(text);
	}
}

static void unsigned_integers_know_their_width(void **state)
{
	uint64_t wide = UNTOUCHED;
	uint16_t narrow = UNTOUCHED;

	(void)state;
	assert_int_equal(num_uint64(STR("18446744073709551615"), &wide), 0);
	assert_true(wide == UINT64_MAX);
	assert_int_equal(num_uint64(STR("18446744073709551616"), &wide), -ERANGE);
	assert_int_equal(num_uint64(STR("-1"), &wide), -EINVAL);
	assert_int_equal(num_uint16(STR("65536"), &narrow), -ERANGE);
	assert_int_equal(narrow, UNTOUCHED);
	assert_int_equal(num_uint16(STR("65535"), &narrow), 0);
	assert_int_equal(narrow, 65535);
}

static void doubles_are_decimal_and_finite(void **state)
{
	static const struct {
		const char *text;
		int result;
		double value;
	} rows[] = {
		{"1", 0, 1},	       {"0.5", 0, 0.5},	      {".5", 0, 0.5},
		{"5.", 0, 5},	       {"-2.5e3", 0, -2500},  {"1e-2", 0, 0.01},
		{"+1", 0, 1},	       {"1e999", -ERANGE, 0}, {"", -EINVAL, 0},
		{".", -EINVAL, 0},     {"-", -EINVAL, 0},     {"1e", -EINVAL, 0},
		{"0x1p3", -EINVAL, 0}, {"inf", -EINVAL, 0},   {"nan", -EINVAL, 0},
		{" 1", -EINVAL, 0},    {"1,5", -EINVAL, 0},   {"1.5x", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		double value = UNTOUCHED;

		CHECK_INT(rows[i].text, num_double(str_of(rows[i].text), &value), rows[i].result);
		assert_true(value == (rows[i].result ? UNTOUCHED : rows[i].value));
	}
}

static void durations_are_go_durations(void **state)
{
	static const struct {
		const char *text;
		bool bare;
		int result;
		int64_t ns;
	} rows[] = {
		{"0", false, 0, 0},
		{"1s", false, 0, 1000000000},
		{"1m30s", false, 0, 90000000000},
		{"1.5h", false, 0, 5400000000000},
		{"100ms", false, 0, 100000000},
		{"-1s", false, 0, -1000000000},
		{"+5s", false, 0, 5000000000},
		{".5s", false, 0, 500000000},
		{"1.s", false, 0, 1000000000},
		{"3us", false, 0, 3000},
		{"3\u00b5s", false, 0, 3000},
		{"3\u03bcs", false, 0, 3000},
		{"1h2m3s4ms5us6ns", false, 0, 3723004005006},
		{"0.123456789123456789123s", false, 0, 123456789},
		{"2562047h47m16.854775807s", false, 0, INT64_MAX},
		{"-2562047h47m16.854775808s", false, 0, INT64_MIN},
		{"2562047h47m16.854775808s", false, -ERANGE, 0},
		{"9999999h", false, -ERANGE, 0},
		{"99999999999999999999s", false, -ERANGE, 0},
		{"10", true, 0, 10000000000},
		{"-10", true, 0, -10000000000},
		{"10", false, -EINVAL, 0},
		{"1.5", true, -EINVAL, 0},
		{"", false, -EINVAL, 0},
		{"", true, -EINVAL, 0},
		{"-", true, -EINVAL, 0},
		{"s", false, -EINVAL, 0},
		{".s", false, -EINVAL, 0},
		{"1d", false, -EINVAL, 0},
		{"1S", false, -EINVAL, 0},
		{"1 s", false, -EINVAL, 0},
		{"1s ", false, -EINVAL, 0},
		{"1s2", false, -EINVAL, 0},
		{"1e3s", false, -EINVAL, 0},
		{"--1s", false, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = guard_copy(str_of(rows[i].text));
		int64_t ns = UNTOUCHED;

		CHECK_INT(rows[i].text, num_duration_ns(text, rows[i].bare, &ns), rows[i].result);
		CHECK_INT(rows[i].text, ns, rows[i].result ? UNTOUCHED : rows[i].ns);
		guard_free(text);
	}
}

static void bytes_are_kubernetes_quantities(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t bytes;
	} rows[] = {
		{"512", 0, 512},
		{"4Ki", 0, 4096},
		{"64Mi", 0, 67108864},
		{"1Gi", 0, 1073741824},
		{"10k", 0, 10000},
		{"5M", 0, 5000000},
		{"1G", 0, 1000000000},
		{"1.5Ki", 0, 1536},
		{"0.3", 0, 1},
		{"8Ei", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"Ki", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"1K", -EINVAL, 0},
		{"1ki", -EINVAL, 0},
		{"1 Ki", -EINVAL, 0},
		{"1KiB", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		int64_t bytes = UNTOUCHED;

		CHECK_INT(rows[i].text, num_bytes(str_of(rows[i].text), &bytes), rows[i].result);
		CHECK_INT(rows[i].text, bytes, rows[i].result ? UNTOUCHED : rows[i].bytes);
	}
}

static void booleans_are_go_booleans(void **state)
{
	static const struct {
		const char *text;
		int value; /* -1: none */
	} rows[] = {
		{"true", 1}, {"True", 1},  {"TRUE", 1},	 {"t", 1},	{"T", 1},
		{"1", 1},    {"false", 0}, {"0", 0},	 {"F", 0},	{"yes", -1},
		{"on", -1},  {"", -1},	   {"tRUE", -1}, {"true ", -1}, {"2", -1},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		bool value = !rows[i].value;

		CHECK_INT(rows[i].text, num_bool(str_of(rows[i].text), &value),
			  rows[i].value < 0 ? -EINVAL : 0);
		if (rows[i].value >= 0)
			CHECK_INT(rows[i].text, value, rows[i].value);
	}
}

static void durations_print_as_go_prints_them(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{0, "0s"},
		{1, "1ns"},
		{1100, "1.1\u00b5s"},
		{2200000, "2.2ms"},
		{3300000000, "3.3s"},
		{245000000000, "4m5s"},
		{245001000000, "4m5.001s"},
		{18367001000000, "5h6m7.001s"},
		{480000000001, "8m0.000000001s"},
		{120000000000, "2m0s"},
		{-1500000000, "-1.5s"},
		{INT64_MAX, "2562047h47m16.854775807s"},
		{INT64_MIN, "-2562047h47m16.854775808s"},
	};
	char small[4];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char text[32];
		size_t n = num_print_duration(rows[i].ns, text, sizeof(text));

		CHECK_STR(rows[i].text, str_n(text, n), str_of(rows[i].text));
		int64_t back;

		CHECK_INT(rows[i].text, num_duration_ns(str_n(text, n), false, &back), 0);
		CHECK_INT(rows[i].text, back, rows[i].ns);
	}
	assert_int_equal(num_print_duration(480000000001, small, sizeof(small)), 3);
	assert_string_equal(small, "8m0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_the_whole_text_or_nothing),
		cmocka_unit_test(unsigned_integers_know_their_width),
		cmocka_unit_test(doubles_are_decimal_and_finite),
		cmocka_unit_test(durations_are_go_durations),
		cmocka_unit_test(bytes_are_kubernetes_quantities),
		cmocka_unit_test(booleans_are_go_booleans),
		cmocka_unit_test(durations_print_as_go_prints_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
