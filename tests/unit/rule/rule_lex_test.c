// SPDX-License-Identifier: Apache-2.0
/* rule_lex_test: texts and the tokens in them; what tokens mean is rule_parse_test's. */

#include "rule/rule_lex.h"

#include "check.h"
#include "guard.h"

/* One letter per kind, in the order of enum rule_token_kind. */
static const char letters[] = "$;nsl(),!&|oX";

static void texts_fall_into_tokens(void **state)
{
	static const struct {
		const char *text, *tokens;
	} rows[] = {
		{"", "$"},
		{"Host(`a`)", "n(s)$"},
		{"a&&b||!c", "n&n|!n$"},
		{"a b\tc\rd", "nnnn$"},
		{"\n\na\n", "n;"},
		{"a,\nb", "n,n$"},
		{"`a`\n", "s;"},
		{"1 .5 0x1f 1e9 'a' '\\''", "llllll$"},
		{"1\n", "l;"},
		{")\n", ");"},
		{"(\n)", "()$"},
		{"a // b\n", "n;"},
		{"a // b", "n$"},
		{"// b", "$"},
		{"a /* b */ c", "nn$"},
		{"a /* b\n */ c", "n;"},
		{"( /* b\n */ c", "(n$"},
		{"== != <= >= << >> < > = + - * / % & ^ . ; : [ ] { } ? ~",
		 "ooooooooooooooooooooooooo$"},
		{"\"a\\x41\" \"\"", "ss$"},
		{"\"a", "X"},
		{"`a", "X"},
		{"'a", "X"},
		{"\"\\z\"", "X"},
		{"/* a", "X"},
		{"a @", "nX"},
		{"_a1 \xc3\xa9", "nn$"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = guard_copy(str_of(rows[i].text));
		struct arena arena;
		struct rule_lex lex = {.text = text, .arena = &arena};
		char tokens[64] = "";
		size_t n = 0;
		struct rule_token token;

		arena_init(&arena, 65536, 0);
		do {
			token = rule_lex_next(&lex);
			assert_true(token.kind < sizeof(letters) - 1 && n + 1 < sizeof(tokens));
			assert_true(token.column <= token.end && token.end <= text.len);
			tokens[n++] = letters[token.kind];
		} while (token.kind != RULE_TOKEN_END && token.kind != RULE_TOKEN_NEWLINE &&
			 token.kind != RULE_TOKEN_BAD);
		CHECK_STR(rows[i].text, str_of(tokens), str_of(rows[i].tokens));
		guard_free(text);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_fall_into_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
