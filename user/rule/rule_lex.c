// SPDX-License-Identifier: Apache-2.0
/*
 * rule_lex: Go's scanner for the tokens that can stand in a rule: names, strings, numbers,
 * characters, comments, operators, and the newline that ends a statement.
 */

#include "rule/rule_lex.h"

#include "http/uri.h"

enum { MAX_RUNE = 0x10ffff, SURROGATE_FIRST = 0xd800, SURROGATE_LAST = 0xdfff };

static bool is_letter(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char peek(const struct rule_lex *lex, size_t ahead)
{
	return lex->at + ahead < lex->text.len ? lex->text.at[lex->at + ahead] : '\0';
}

static struct rule_token token(struct rule_lex *lex, size_t from, enum rule_token_kind kind)
{
	lex->after_operand = kind == RULE_TOKEN_NAME || kind == RULE_TOKEN_STRING ||
			     kind == RULE_TOKEN_LITERAL || kind == RULE_TOKEN_CLOSE;
	return (struct rule_token){.kind = (uint8_t)kind,
				   .column = from,
				   .end = lex->at,
				   .value = str_n(lex->text.at + from, lex->at - from)};
}

static struct rule_token bad(struct rule_lex *lex, size_t at, struct str message)
{
	lex->at = lex->text.len;
	return (struct rule_token){
		.kind = RULE_TOKEN_BAD, .column = at, .end = at, .value = message};
}

/*
 * Skips blanks and comments. Returns true at a newline that counts: one after an operand, which a
 * comment that holds or ends in a newline brings too.
 */
static bool skip_blanks(struct rule_lex *lex, size_t *ret_unfinished)
{
	*ret_unfinished = SIZE_MAX;
	while (lex->at < lex->text.len) {
		char c = lex->text.at[lex->at];

		if (c == '\n') {
			if (lex->after_operand)
				return true;
			lex->at++;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			lex->at++;
		} else if (c == '/' && peek(lex, 1) == '/') {
			while (lex->at < lex->text.len && lex->text.at[lex->at] != '\n')
				lex->at++;
		} else if (c == '/' && peek(lex, 1) == '*') {
			struct str rest = str_from(lex->text, lex->at + 2);
			ptrdiff_t end = str_search(rest, STR("*/"));

			if (end < 0) {
				*ret_unfinished = lex->at;
				return false;
			}
			lex->at += (size_t)end + 4;
			if (lex->after_operand && str_find(str_take(rest, (size_t)end), '\n') >= 0)
				return true;
		} else {
			return false;
		}
	}
	return false;
}

/* `raw`: everything up to the next backtick, without carriage returns, as Go reads it. */
static struct rule_token raw_string(struct rule_lex *lex)
{
	size_t from = lex->at, n = 0;
	struct str body = str_from(lex->text, from + 1);
	ptrdiff_t end = str_find(body, '`');
	struct rule_token result;
	char *out;

	if (end < 0)
		return bad(lex, from, STR("the string is not closed"));
	lex->at = from + (size_t)end + 2;
	result = token(lex, from, RULE_TOKEN_STRING);
	result.value = str_take(body, (size_t)end);
	if (str_find(result.value, '\r') < 0)
		return result;
	out = arena_alloc(lex->arena, result.value.len, 1);
	if (!out)
		return bad(lex, from, STR("out of memory"));
	for (size_t i = 0; i < result.value.len; i++) {
		if (result.value.at[i] != '\r')
			out[n++] = result.value.at[i];
	}
	result.value = str_n(out, n);
	return result;
}

static size_t put_utf8(char *out, uint32_t rune)
{
	if (rune < 0x80) {
		out[0] = (char)rune;
		return 1;
	}
	if (rune < 0x800) {
		out[0] = (char)(0xc0 | rune >> 6);
		out[1] = (char)(0x80 | (rune & 0x3f));
		return 2;
	}
	if (rune < 0x10000) {
		out[0] = (char)(0xe0 | rune >> 12);
		out[1] = (char)(0x80 | (rune >> 6 & 0x3f));
		out[2] = (char)(0x80 | (rune & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | rune >> 18);
	out[1] = (char)(0x80 | (rune >> 12 & 0x3f));
	out[2] = (char)(0x80 | (rune >> 6 & 0x3f));
	out[3] = (char)(0x80 | (rune & 0x3f));
	return 4;
}

/* digits of a base after a backslash; false when there are too few. */
static bool read_digits(struct rule_lex *lex, int n, int base, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (int i = 0; i < n; i++, lex->at++) {
		int digit = lex->at < lex->text.len ? uri_hex((unsigned char)lex->text.at[lex->at])
						    : -1;

		if (digit < 0 || digit >= base)
			return false;
		value = value * (uint32_t)base + (uint32_t)digit;
	}
	*ret_value = value;
	return true;
}

/* One escape, lex->at behind the backslash. Returns the bytes written, 0 for a bad one. */
static size_t read_escape(struct rule_lex *lex, char *out)
{
	static const char letters[] = "abfnrtv\\\"", bytes[] = "\a\b\f\n\r\t\v\\\"";
	char c = peek(lex, 0);
	const char *simple = c ? strchr(letters, c) : NULL;
	uint32_t value;

	if (simple) {
		lex->at++;
		*out = bytes[simple - letters];
		return 1;
	}
	if (c >= '0' && c <= '7') {
		if (!read_digits(lex, 3, 8, &value) || value > 255)
			return 0;
		*out = (char)value;
		return 1;
	}
	lex->at++;
	if (c == 'x') {
		if (!read_digits(lex, 2, 16, &value))
			return 0;
		*out = (char)value;
		return 1;
	}
	if ((c != 'u' && c != 'U') || !read_digits(lex, c == 'u' ? 4 : 8, 16, &value) ||
	    value > MAX_RUNE || (value >= SURROGATE_FIRST && value <= SURROGATE_LAST))
		return 0;
	return put_utf8(out, value);
}

/* "interpreted", with Go's escapes. An escape is never shorter than what it stands for. */
static struct rule_token interpreted_string(struct rule_lex *lex)
{
	size_t from = lex->at++, n = 0;
	char *out = arena_alloc(lex->arena, lex->text.len - from + 1, 1);
	struct rule_token result;

	if (!out)
		return bad(lex, from, STR("out of memory"));
	for (;;) {
		char c;

		if (lex->at >= lex->text.len || lex->text.at[lex->at] == '\n')
			return bad(lex, from, STR("the string is not closed"));
		c = lex->text.at[lex->at++];
		if (c == '"')
			break;
		if (c == '\\') {
			size_t escape = lex->at - 1, written = read_escape(lex, out + n);

			if (written == 0)
				return bad(lex, escape, STR("unknown escape in a string"));
			n += written;
		} else {
			out[n++] = c;
		}
	}
	result = token(lex, from, RULE_TOKEN_STRING);
	result.value = str_n(out, n);
	return result;
}

/* 'x': only found to be named in the message; an escaped quote does not close it. */
static struct rule_token character(struct rule_lex *lex)
{
	size_t from = lex->at++;

	while (lex->at < lex->text.len && lex->text.at[lex->at] != '\'') {
		if (lex->text.at[lex->at] == '\n')
			break;
		lex->at += lex->text.at[lex->at] == '\\' ? 2 : 1;
	}
	if (lex->at >= lex->text.len || lex->text.at[lex->at] != '\'')
		return bad(lex, from, STR("the character literal is not closed"));
	lex->at++;
	return token(lex, from, RULE_TOKEN_LITERAL);
}

static struct rule_token operator_token(struct rule_lex *lex)
{
	static const struct {
		struct str text;
		enum rule_token_kind kind;
	} operators[] = {
		{{"&&", 2}, RULE_TOKEN_AND},	  {{"||", 2}, RULE_TOKEN_OR},
		{{"==", 2}, RULE_TOKEN_OPERATOR}, {{"!=", 2}, RULE_TOKEN_OPERATOR},
		{{"<=", 2}, RULE_TOKEN_OPERATOR}, {{">=", 2}, RULE_TOKEN_OPERATOR},
		{{"<<", 2}, RULE_TOKEN_OPERATOR}, {{">>", 2}, RULE_TOKEN_OPERATOR},
		{{"!", 1}, RULE_TOKEN_NOT},	  {{"(", 1}, RULE_TOKEN_OPEN},
		{{")", 1}, RULE_TOKEN_CLOSE},	  {{",", 1}, RULE_TOKEN_COMMA},
	};
	static const char others[] = "<>=+-*/%&|^.;:[]{}~?";
	struct str rest = str_from(lex->text, lex->at);
	size_t from = lex->at;

	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		if (str_starts(rest, operators[i].text)) {
			lex->at += operators[i].text.len;
			return token(lex, from, operators[i].kind);
		}
	}
	if (rest.at[0] && strchr(others, rest.at[0])) {
		lex->at++;
		return token(lex, from, RULE_TOKEN_OPERATOR);
	}
	return bad(lex, from, STR("this character has no place in a rule"));
}

struct rule_token rule_lex_next(struct rule_lex *lex)
{
	size_t unfinished;

	if (skip_blanks(lex, &unfinished)) {
		struct rule_token newline = token(lex, lex->at, RULE_TOKEN_NEWLINE);

		return newline;
	}
	if (unfinished != SIZE_MAX)
		return bad(lex, unfinished, STR("the comment is not closed"));
	if (lex->at >= lex->text.len)
		return token(lex, lex->at, RULE_TOKEN_END);

	size_t from = lex->at;
	char c = lex->text.at[from];

	if (is_letter(c)) {
		while (is_letter(peek(lex, 0)) || is_digit(peek(lex, 0)))
			lex->at++;
		return token(lex, from, RULE_TOKEN_NAME);
	}
	if (is_digit(c) || (c == '.' && is_digit(peek(lex, 1)))) {
		while (is_letter(peek(lex, 0)) || is_digit(peek(lex, 0)) || peek(lex, 0) == '.')
			lex->at++;
		return token(lex, from, RULE_TOKEN_LITERAL);
	}
	if (c == '`')
		return raw_string(lex);
	if (c == '"')
		return interpreted_string(lex);
	if (c == '\'')
		return character(lex);
	return operator_token(lex);
}
