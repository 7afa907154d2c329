// SPDX-License-Identifier: Apache-2.0
/* matcher_tcp_test: which names HostSNI takes, and what it keeps of them. */

#include "rule/matcher.h"

#include "check.h"

static void names_lose_one_final_dot_and_their_capitals(void **state)
{
	static const struct {
		const char *written, *kept; /* kept NULL: refused */
	} rows[] = {
		{"*", "*"},	    {"a", "a"},	   {"A.B", "a.b"},  {"a.", "a"},  {"a..", "a."},
		{"*.A.", "*.a"},    {"*.", NULL},  {"*..", "*.."},  {".", "."},	  {"::1", "::1"},
		{"a_b-c", "a_b-c"}, {"a b", NULL}, {"a*", NULL},    {"*a", NULL}, {"**", NULL},
		{"*.*.a", NULL},    {"a/", NULL},  {"[::1]", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena arena;
		struct rule leaf = {.args = {str_of(rows[i].written)}, .n_args = 1};
		char why[128] = "";

		arena_init(&arena, 4096, 0);
		CHECK_INT(rows[i].written, matcher_tcp_check_sni(&leaf, &arena, why),
			  rows[i].kept ? -1 : 0);
		if (rows[i].kept)
			CHECK_STR(rows[i].written, leaf.args[0], str_of(rows[i].kept));
		else
			assert_true(why[0]);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lose_one_final_dot_and_their_capitals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
