/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RULE_LEX_H
#define RULE_LEX_H

/*
 * rule_lex: tokens of a Go expression, as far as rules may hold them (reference/traefik.md b.1). A
 * newline after a complete operand is a token of its own: there the expression ends. Internal to
 * the rule module.
 */

#include "base/arena.h"
#include "base/str.h"

enum rule_token_kind {
	RULE_TOKEN_END,
	RULE_TOKEN_NEWLINE, /* the semicolon that Go inserts */
	RULE_TOKEN_NAME,
	RULE_TOKEN_STRING,  /* value is unquoted */
	RULE_TOKEN_LITERAL, /* a number or a character: never allowed, but known by name */
	RULE_TOKEN_OPEN,
	RULE_TOKEN_CLOSE,
	RULE_TOKEN_COMMA,
	RULE_TOKEN_NOT,
	RULE_TOKEN_AND,
	RULE_TOKEN_OR,
	RULE_TOKEN_OPERATOR, /* any other: never allowed, but known by name */
	RULE_TOKEN_BAD,	     /* value is the message */
};

struct rule_token {
	uint8_t kind; /* enum rule_token_kind */
	size_t column, end;
	struct str value;
};

struct rule_lex {
	struct str text;
	size_t at;
	bool after_operand;  /* a newline here ends the expression */
	struct arena *arena; /* for strings with escapes */
};

struct rule_token rule_lex_next(struct rule_lex *lex);

#endif
