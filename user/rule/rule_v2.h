/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RULE_V2_H
#define RULE_V2_H

/*
 * rule_v2: the matchers of the old syntax (reference/traefik.md b.2 and b.3, v2), each turned into
 * leaves of the present one, so that there is one tree, one evaluation and one index. Internal to
 * the rule module.
 */

#include "rule/rule.h"

enum { RULE_ARGS_MAX = 64 /* of one matcher */, RULE_WHY_BYTES = 128 };

struct rule_arg {
	struct str value;
	size_t column;
};

/* A leaf to be: what its matcher's check still has to look at. */
struct rule_v2_term {
	enum matcher_kind kind;
	uint8_t n_args;
	bool first_value; /* of a query key: only the first value counts */
	struct str args[2];
	size_t column; /* of the argument it was made from */
};

struct rule_v2_terms {
	struct rule_v2_term *at; /* in the arena */
	size_t n;
	bool all; /* all of them must hold; else one of them */
};

/* Index of the matcher with that name in one of its spellings, or -1. */
int rule_v2_find(struct str name, bool is_tcp);
/* The matcher that a wrong name may have meant, or {0}. */
struct str rule_v2_suggest(struct str name, bool is_tcp);
struct str rule_v2_name(int index);
/* False: *ret_bad is the argument to blame (n: their number), why the sentence. Out of memory shows
 * in arena->failed. */
bool rule_v2_translate(int index, const struct rule_arg *args, size_t n, struct arena *arena,
		       struct rule_v2_terms *ret_terms, size_t *ret_bad,
		       char ret_why[RULE_WHY_BYTES]);

#endif
