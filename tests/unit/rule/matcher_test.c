// SPDX-License-Identifier: Apache-2.0
/* matcher_test: the table is whole, and names are found in their four spellings only. */

#include "rule/matcher.h"

#include "check.h"

static void every_matcher_has_a_whole_row(void **state)
{
	(void)state;
	for (int i = 0; i < MATCH__COUNT; i++) {
		const struct matcher *matcher = &matcher_table[i];

		assert_true(matcher->name.len > 0);
		assert_true(matcher->min_args >= 1 && matcher->min_args <= matcher->max_args);
		assert_true(matcher->max_args <= 2);
		assert_non_null(matcher->check);
		assert_true(matcher->match || matcher->match_tcp);
		CHECK_STR("name", matcher_name((enum matcher_kind)i), matcher->name);
		CHECK_INT("find", matcher_find(matcher->name, false), matcher->match ? i : -1);
		CHECK_INT("find", matcher_find(matcher->name, true), matcher->match_tcp ? i : -1);
	}
	assert_int_equal(matcher_name(MATCH__COUNT).len, 0);
}

static void four_spellings_are_known(void **state)
{
	static const struct {
		const char *name;
		int kind;
	} rows[] = {
		{"ClientIP", MATCH_CLIENT_IP},
		{"clientip", MATCH_CLIENT_IP},
		{"CLIENTIP", MATCH_CLIENT_IP},
		{"Clientip", MATCH_CLIENT_IP},
		{"clientIP", -1},
		{"cLIENTIP", -1},
		{"ClientIp", -1},
		{"ClientI", -1},
		{"ClientIPs", -1},
		{"", -1},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		CHECK_INT(rows[i].name, matcher_find(str_of(rows[i].name), false), rows[i].kind);
}

static void near_names_are_suggested(void **state)
{
	(void)state;
	CHECK_STR("casing", matcher_suggest(STR("hOST"), false), STR("Host"));
	CHECK_STR("typing", matcher_suggest(STR("PathPrefixx"), false), STR("PathPrefix"));
	CHECK_STR("nothing", matcher_suggest(STR("Frobnicate"), false), STR(""));
	CHECK_STR("TCP", matcher_suggest(STR("HostSN"), true), STR("HostSNI"));
	CHECK_STR("not of TCP", matcher_suggest(STR("PathPrefixx"), true), STR(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_matcher_has_a_whole_row),
		cmocka_unit_test(four_spellings_are_known),
		cmocka_unit_test(near_names_are_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
