// SPDX-License-Identifier: Apache-2.0
/* regex_tail_test: tails row by row; and at random: whatever matches ends with the tail. */

#include "plan/regex_tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/regex.h"

static void tails_are_what_must_be_there(void **state)
{
	static const struct {
		const char *pattern, *tail;
	} rows[] = {
		{"^[a-z0-9-]+\\.shop\\.test$", ".shop.test"},
		{"^shop\\.test$", "shop.test"},
		{"^.+$", ""},
		{"shop\\.test", ""},
		{"a|b$", ""},
		{"(?i)shop$", ""},
		{"(?m)shop$", ""},
		{"(a|b)c$", ""},
		{"(ab)cd$", "cd"},
		{"(ab)?$", ""},
		{"ab?$", ""},
		{"ab*c$", "c"},
		{"a{2}bc$", ""},
		{"a\\dbc$", "bc"},
		{"a\\pNbc$", ""},
		{"a\\Qb$", ""},
		{"ab\\$", ""},
		{"a$b$", ""},
		{"[]a]b$", "b"},
		{"[^]a]b$", "b"},
		{"[a\\]b]c$", "c"},
		{"[[:alpha:]]c$", ""},
		{"[a", ""},
		{"\\", ""},
		{"$", ""},
		{"", ""},
		{"a.c$", "c"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str tail = regex_tail(str_of(rows[i].pattern), &arena);

		if (!str_eq(tail, str_of(rows[i].tail)))
			fail_msg("%s: " STR_FMT, rows[i].pattern, STR_ARG(tail));
	}
	arena_done(&arena);
}

static void random_text(unsigned int *seed, const char *letters, size_t max, char *text)
{
	size_t n = (size_t)rand_r(seed) % max;

	for (size_t i = 0; i < n; i++)
		text[i] = letters[(size_t)rand_r(seed) % strlen(letters)];
	text[n] = 0;
}

static void whatever_matches_ends_with_the_tail(void **state)
{
	unsigned int seed = 3;
	size_t n_tails = 0;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (int i = 0; i < 20000; i++) {
		char pattern[16], text[8], message[64];
		struct regex *regex;
		struct str tail;

		random_text(&seed, "aab\\.$^*?+()|[]{}1d", 10, pattern);
		strcat(pattern, "$");
		tail = regex_tail(str_of(pattern), &arena);
		regex = tail.len ? regex_new(str_of(pattern), message, sizeof(message)) : NULL;
		n_tails += regex != NULL;
		for (int probe = 0; regex && probe < 30; probe++) {
			random_text(&seed, "ab.1d", 7, text);
			if (regex_match(regex, str_of(text)) && !str_ends(str_of(text), tail))
				fail_msg("%s matches %s", pattern, text);
		}
		regex_free(regex);
		arena_reset(&arena);
	}
	assert_true(n_tails > 1000);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tails_are_what_must_be_there),
		cmocka_unit_test(whatever_matches_ends_with_the_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
