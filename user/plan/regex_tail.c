// SPDX-License-Identifier: Apache-2.0
/*
 * regex_tail: one scan over the pattern that keeps the literals since the last thing that is not
 * one.
 *
 * Alternatives, flags and rare escapes end the attempt. A quantifier makes what stands before it
 * uncertain, a group may be quantified: both start the run anew. What is left before a final `$`
 * must be matched as it is.
 */

#include "plan/regex_tail.h"

/* After the class that begins at i; the length of the pattern when it does not end. */
static size_t skip_class(struct str pattern, size_t i)
{
	size_t at = i + 1;

	if (at < pattern.len && pattern.at[at] == '^')
		at++;
	/* A bracket that comes first is a member. */
	if (at < pattern.len && pattern.at[at] == ']')
		at++;
	for (; at < pattern.len && pattern.at[at] != ']'; at++) {
		if (pattern.at[at] == '\\')
			at++;
		else if (pattern.at[at] == '[')
			return pattern.len; /* [:alpha:] and the like */
	}
	return at + 1;
}

static bool is_alnum(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

struct str regex_tail(struct str pattern, struct arena *arena)
{
	char *run = pattern.len && pattern.at[pattern.len - 1] == '$'
			    ? arena_alloc(arena, pattern.len, 1)
			    : NULL;
	size_t n = 0;

	if (!run || str_search(pattern, STR("(?")) >= 0)
		return (struct str){0};
	for (size_t i = 0; i < pattern.len;) {
		char c = pattern.at[i++];

		if (c == '|')
			return (struct str){0};
		if (c == '$')
			return i == pattern.len ? str_n(run, n) : (struct str){0};
		if (c == '\\') {
			if (i + 1 >= pattern.len)
				return (struct str){0}; /* the last $ is escaped */
			c = pattern.at[i++];
			if (!is_alnum(c))
				run[n++] = c;
			else if (str_find(STR("dDwWsSbB"), c) >= 0)
				n = 0;
			else
				return (struct str){0};
		} else if (c == '[') {
			i = skip_class(pattern, i - 1);
			n = 0;
		} else if (c == '{') {
			return (struct str){0};
		} else if (str_find(STR(".*+?()^"), c) >= 0) {
			n = 0;
		} else {
			run[n++] = c;
		}
	}
	return (struct str){0};
}
