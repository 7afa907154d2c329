// SPDX-License-Identifier: Apache-2.0
/* regex: Go's dialect, bytes that are not UTF-8, replacement, sets. */

#include "base/regex.h"

#include <stdio.h>

#include "check.h"

static void patterns_match_as_in_go(void **state)
{
	static const struct {
		const char *name, *pattern;
		struct str text;
		bool matches;
	} rows[] = {
		{"unanchored", "b+", STR("abbc"), true},
		{"anchored", "^b", STR("ab"), false},
		{"case", "api", STR("/API"), false},
		{"case flag", "(?i)api", STR("/API"), true},
		{"perl class", "^\\d+$", STR("123"), true},
		{"dot is no newline", "a.b", STR("a\nb"), false},
		{"newline in a class", "a[^x]b", STR("a\nb"), true},
		{"empty pattern", "", STR(""), true},
		{"unicode dot", "^.$", STR("\xe2\x82\xac"), true},
		{"go named group", "^(?<id>[0-9]+)$", STR("12"), true},
		{"escaped group mark", "^\\(?<a$", STR("<a"), true},
		{"quoted", "\\Qa.b\\E", STR("axb"), false},
		/* Go takes an invalid byte for one character; nothing may slip past a dot. */
		{"invalid byte", "^/a.b$",
		 STR("/a\xff"
		     "b"),
		 true},
		{"cut character", "^..$", STR("a\xe2"), true},
		{"nul byte", "^a.b$", STR("a\0b"), true},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char message[128] = "";
		struct regex *regex = regex_new(str_of(rows[i].pattern), message, sizeof(message));

		if (!regex)
			fail_msg("%s: %s", rows[i].name, message);
		CHECK_INT(rows[i].name, regex_match(regex, rows[i].text), rows[i].matches);
		regex_free(regex);
	}
}

static void bad_patterns_say_why(void **state)
{
	static const char *const rows[] = {"(",	  "[",	     "a**",	"(?=look)",
					   "\\1", "a{1001}", "(?<=x)y", "\xff("};
	static char longest[70000];
	char message[128];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		message[0] = 0;
		assert_null(regex_new(str_of(rows[i]), message, sizeof(message)));
		assert_true(message[0]);
	}
	memset(longest, 'a', sizeof(longest));
	assert_null(regex_new(str_n(longest, sizeof(longest)), message, sizeof(message)));
	/* No room for the message is no reason to crash. */
	assert_null(regex_new(STR("("), NULL, 0));
	regex_free(NULL);
}

static void groups_are_found_from_an_offset(void **state)
{
	struct regex *regex = regex_new(STR("(?P<k>[a-z]+)=(\\d+)?(;)?"), NULL, 0);
	struct str text = STR("a=1;b=2"), groups[6];

	(void)state;
	assert_int_equal(regex_group_count(regex), 3);
	assert_int_equal(regex_group_index(regex, STR("k")), 1);
	assert_int_equal(regex_group_index(regex, STR("x")), -1);
	assert_true(regex_find(regex, text, 0, groups, 4));
	CHECK_STR("whole", groups[0], STR("a=1;"));
	assert_true(regex_find(regex, text, 4, groups, 6));
	CHECK_STR("key", groups[1], STR("b"));
	CHECK_STR("value", groups[2], STR("2"));
	assert_null(groups[3].at);
	assert_null(groups[5].at);
	assert_false(regex_find(regex, text, 7, groups, 4));
	assert_false(regex_find(regex, text, 8, groups, 4));
	regex_free(regex);
}

static void replacement_is_go_s_replace_all_string(void **state)
{
	static const struct {
		const char *name, *pattern, *text, *replacement, *result;
	} rows[] = {
		{"group", "^/api/(.*)", "/api/v1", "/$1", "/v1"},
		{"braces", "^/(\\w+)/(\\w+)", "/a/b/c", "/${2}x/${1}", "/bx/a/c"},
		{"longest name", "(a)", "a", "$1x", ""},
		{"named", "(?P<n>a+)", "baa", "[$n]", "b[aa]"},
		{"dollar", "a", "a", "$$1", "$1"},
		{"lone dollar", "a", "a", "$", "$"},
		{"dollar before a sign", "a", "a", "$-", "$-"},
		{"open brace", "(a)", "a", "${1", "${1"},
		{"empty braces", "(a)", "a", "${}", "${}"},
		{"unknown group", "a", "a", "<$7>", "<>"},
		{"huge group", "a", "a", "<$99999999999999999999>", "<>"},
		{"no match", "x", "abc", "y", "abc"},
		{"all", "a", "aXa", "b", "bXb"},
		{"empty matches", "x*", "abc", "-", "-a-b-c-"},
		{"empty after a match", "a*", "baac", "x", "xbxcx"},
		{"empty text", "^$", "", "x", "x"},
		{"anchor does not come again", "^a", "aa", "b", "ba"},
		{"whole characters", "", "\xe2\x82\xac", "-", "-\xe2\x82\xac-"},
		{"invalid bytes pass", "a", "a\xff", "b", "b\xff"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct regex *regex = regex_new(str_of(rows[i].pattern), NULL, 0);

		assert_non_null(regex);
		CHECK_STR(rows[i].name,
			  regex_replace_all(regex, str_of(rows[i].text),
					    str_of(rows[i].replacement), &arena),
			  str_of(rows[i].result));
		regex_free(regex);
	}
	arena_done(&arena);
}

static void hostile_patterns_take_linear_time(void **state)
{
	struct regex *regex = regex_new(STR("^(a+)+$"), NULL, 0);
	static char text[100001];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 2] = '!';
	assert_false(regex_match(regex, str_of(text)));
	regex_free(regex);
}

static void note(void *context, int index)
{
	*(unsigned *)context |= 1u << index;
}

static void a_set_tells_which_patterns_match(void **state)
{
	struct regex_set *set = regex_set_new(), *empty = regex_set_new();
	unsigned seen = 0;

	(void)state;
	assert_int_equal(regex_set_add(set, STR("^/a.c")), 0);
	assert_int_equal(regex_set_add(set, STR("(")), -1);
	assert_int_equal(regex_set_add(set, STR("b")), 1);
	assert_int_equal(regex_set_add(set, STR("(?<n>z)")), 2);
	assert_int_equal(regex_set_compile(set), 0);
	assert_int_equal(regex_set_match(set, STR("/abc"), note, &seen), 2);
	assert_int_equal(seen, 3);
	seen = 0;
	assert_int_equal(regex_set_match(set,
					 STR("/a\xff"
					     "cz"),
					 note, &seen),
			 2);
	assert_int_equal(seen, 5);
	assert_int_equal(regex_set_match(set, STR("none"), note, &seen), 0);
	assert_int_equal(regex_set_compile(empty), 0);
	assert_int_equal(regex_set_match(empty, STR("a"), note, &seen), 0);
	regex_set_free(set);
	regex_set_free(empty);
	regex_set_free(NULL);
}

static void count(void *context, int index)
{
	(void)index;
	++*(size_t *)context;
}

static void a_set_that_outgrows_its_memory_misses_nothing(void **state)
{
	enum { PATTERNS = 100 };
	struct regex_set *set = regex_set_new();
	size_t seen = 0;

	(void)state;
	/* Some nine thousand instructions each: together they are no program of the size allowed.
	 */
	for (int i = 0; i < PATTERNS; i++) {
		char pattern[64];

		snprintf(pattern, sizeof(pattern), "^(?:.{0,900})-%d$", i);
		assert_int_equal(regex_set_add(set, str_of(pattern)), i);
	}
	assert_int_equal(regex_set_compile(set), 0);
	assert_int_equal(regex_set_match(set, STR("abc-17"), count, &seen), 1);
	assert_int_equal(regex_set_match(set, STR("abc\xff-17"), count, &seen), 1);
	assert_int_equal(seen, 2);
	assert_int_equal(regex_set_match(set, STR("abc-100"), count, &seen), 0);
	regex_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_in_go),
		cmocka_unit_test(bad_patterns_say_why),
		cmocka_unit_test(groups_are_found_from_an_offset),
		cmocka_unit_test(replacement_is_go_s_replace_all_string),
		cmocka_unit_test(hostile_patterns_take_linear_time),
		cmocka_unit_test(a_set_tells_which_patterns_match),
		cmocka_unit_test(a_set_that_outgrows_its_memory_misses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
