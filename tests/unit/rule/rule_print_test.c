// SPDX-License-Identifier: Apache-2.0
/* rule_print_test: quotes are chosen so that what is printed can be read again; whole trees are
 * rule_parse_test's. */

#include "check.h"
#include "rule/rule.h"

static void strings_are_quoted_as_they_need(void **state)
{
	static const struct {
		const char *arg, *printed;
	} rows[] = {
		{"/a", "!Path(`/a`)"},	      {"/a\"b\\", "!Path(`/a\"b\\`)"},
		{"/`", "!Path(\"/`\")"},      {"/`\"\\", "!Path(\"/`\\x22\\x5c\")"},
		{"/\r", "!Path(\"/\\x0d\")"}, {"/`\xc3\xa9\x7f", "!Path(\"/`\xc3\xa9\\x7f\")"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct rule leaf = {.kind = MATCH_PATH,
					  .negated = true,
					  .n_args = 1,
					  .args = {str_of(rows[i].arg)}};
		struct arena arena;
		const struct rule *again;
		struct rule_fault fault;

		arena_init(&arena, 65536, 0);
		CHECK_STR(rows[i].arg, rule_print_leaf(&leaf, &arena), str_of(rows[i].printed));
		CHECK_INT(rows[i].arg,
			  rule_parse(rule_print(&leaf, &arena), &arena, &again, &fault), 0);
		CHECK_STR(rows[i].arg, again->args[0], leaf.args[0]);
		rule_done(again);
		arena_done(&arena);
	}
}

static void short_memory_gives_no_text(void **state)
{
	const struct rule leaf = {.kind = MATCH_PATH, .n_args = 1, .args = {STR("/")}};
	struct arena arena;

	(void)state;
	arena_init(&arena, 0, 0);
	assert_null(rule_print(&leaf, &arena).at);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_quoted_as_they_need),
		cmocka_unit_test(short_memory_gives_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
