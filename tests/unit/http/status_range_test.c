// SPDX-License-Identifier: Apache-2.0
/* status_range_test: what ranges hold, and what is none. */

#include "http/status_range.h"

#include <errno.h>

#include "check.h"

static void ranges_hold_what_they_say(void **state)
{
	struct str texts[] = {STR("404"), STR("500-502,504"), STR("599")};
	struct strs list = {texts, 3};
	static const struct {
		uint16_t status;
		bool is_in;
	} rows[] = {
		{403, false}, {404, true}, {405, false}, {499, false}, {500, true},  {502, true},
		{503, false}, {504, true}, {505, false}, {599, true},  {200, false},
	};
	struct status_range *ranges;
	struct arena arena;
	struct str bad;
	uint32_t n;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	assert_int_equal(status_range_parse(&list, &arena, &ranges, &n, &bad), 0);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < ROWS(rows); i++)
		CHECK_INT("in", status_range_has(ranges, n, rows[i].status), rows[i].is_in);
	arena_done(&arena);
}

static void anything_else_is_refused(void **state)
{
	static const char *const rows[] = {"",	   "99",   "600",     "abc",
					   "500-", "-500", "502-500", "500,"};
	struct status_range *ranges;
	struct arena arena;
	struct str bad;
	uint32_t n;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = str_of(rows[i]);
		struct strs list = {&text, 1};

		CHECK_INT(rows[i], status_range_parse(&list, &arena, &ranges, &n, &bad), -EINVAL);
		CHECK_STR(rows[i], bad, text);
	}
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_hold_what_they_say),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
