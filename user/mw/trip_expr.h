/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRIP_EXPR_H
#define TRIP_EXPR_H

/*
 * trip_expr: the expressions of circuitBreaker and of buffering's retryExpression
 * (reference/traefik.md c.10, c.11): functions compared with literals, joined by && and ||, as in
 * Go; no negation. Which functions there are is the caller's.
 *
 *	or   := and { "||" and }
 *	and  := test { "&&" test }
 *	test := "(" or ")" | call [ ("==" | "!=" | "<" | "<=" | ">" | ">=") literal ]
 *	call := name "(" [ number { "," number } ] ")"
 *
 * A parsed expression is immutable and lives in its arena.
 */

#include "base/arena.h"
#include "base/str.h"

enum trip_type {
	TRIP_NUMBER,
	TRIP_TEXT, /* compared by == and != only */
	TRIP_BOOL, /* stands alone */
};

struct trip_function {
	struct str name;
	uint8_t type; /* enum trip_type */
	uint8_t n_args;
};

enum { TRIP_ARGS = 4, TRIP_DEPTH_MAX = 64 };

struct trip_fault {
	size_t column; /* byte offset in the text */
	char message[160];
};

/* What functions are worth now; embedded in the caller's own struct. */
struct trip_values {
	/* By index in the table; a bool is 0 or 1. */
	double (*number)(const struct trip_values *values, size_t function, const double *args);
	struct str (*text)(const struct trip_values *values, size_t function); /* may be NULL */
};

struct trip_expr;

/* 0, -ENOMEM, or -EINVAL with *ret_fault. The table must outlive the expression. */
int trip_expr_parse(struct str text, const struct trip_function *functions, size_t n_functions,
		    struct arena *arena, const struct trip_expr **ret_expr,
		    struct trip_fault *ret_fault);
bool trip_expr_eval(const struct trip_expr *expr, const struct trip_values *values);
/* As it could be written; parses to the same. */
struct str trip_expr_print(const struct trip_expr *expr, struct arena *arena);

#endif
