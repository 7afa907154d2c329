// SPDX-License-Identifier: Apache-2.0
/* regex_factor_test: factors row by row; and at random: whatever matches holds them. */

#include "plan/regex_factor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/regex.h"

static void factors_are_what_must_be_there(void **state)
{
	static const struct {
		const char *pattern, *head, *longest;
	} rows[] = {
		{"^/api/v[0-9]+/orders$", "/api/v", "/orders"},
		{"^/api", "/api", "/api"},
		{"/api", "", "/api"},
		{"^/a/[^/]+/bcd", "/a/", "/bcd"},
		{"^/ab?c", "/a", "/a"},
		{"^/ab*cdef", "/a", "cdef"},
		{"^/ab+c", "/ab", "/ab"},
		{"^/ab{0,2}c", "/a", "/a"},
		{"^/(a|b)cde", "/", "cde"},
		{"^/(?:abc)?de", "/", "de"},
		{"^/(?P<n>abc)de", "/", "de"},
		{"^(/abc)", "", ""},
		{"^/a|/b", "", ""},
		{"(?i)^/abc", "", ""},
		{"^/a(?i)bc", "", ""},
		{"^*/a", "", "/a"},
		{"^/\\.well-known/", "/.well-known/", "/.well-known/"},
		{"\\.(jpg|png)$", "", "."},
		{"^/a\\d+bcd", "/a", "bcd"},
		{"^/a\\Qbc", "", ""},
		{"^/[()]ab", "/", "ab"},
		{"^/([)]x)ab", "/", "ab"},
		{"^/é?a", "/", "/"},
		{"^/aé*bcd", "/a", "bcd"},
		{"^/a.b", "/a", "/a"},
		{".*", "", ""},
		{"", "", ""},
		{"\\", "", ""},
		{"(a", "", ""},
		{"[a", "", ""},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct regex_factor found = regex_factor(str_of(rows[i].pattern), &arena);

		if (!str_eq(found.head, str_of(rows[i].head)) ||
		    !str_eq(found.longest, str_of(rows[i].longest)))
			fail_msg("%s: " STR_FMT " " STR_FMT, rows[i].pattern, STR_ARG(found.head),
				 STR_ARG(found.longest));
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

static void whatever_matches_holds_them(void **state)
{
	unsigned int seed = 5;
	size_t n_known = 0, n_matches = 0;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (int i = 0; i < 40000; i++) {
		char pattern[16] = "^", text[8], message[64];
		struct regex_factor found;
		struct regex *regex;

		random_text(&seed, "aab\\.$^*?+()|[]{}1d", 11, pattern + (i & 1));
		found = regex_factor(str_of(pattern), &arena);
		regex = found.longest.len ? regex_new(str_of(pattern), message, sizeof(message))
					  : NULL;
		n_known += regex != NULL;
		for (int probe = 0; regex && probe < 30; probe++) {
			random_text(&seed, "ab.1d", 7, text);
			if (!regex_match(regex, str_of(text)))
				continue;
			n_matches++;
			if (!str_starts(str_of(text), found.head) ||
			    str_search(str_of(text), found.longest) < 0)
				fail_msg("%s matches %s", pattern, text);
		}
		regex_free(regex);
		arena_reset(&arena);
	}
	assert_true(n_known > 1000 && n_matches > 1000);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(factors_are_what_must_be_there),
		cmocka_unit_test(whatever_matches_holds_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
