// SPDX-License-Identifier: Apache-2.0
/*
 * regex_factor: one scan over the pattern that looks at runs of literals outside of groups.
 *
 * A quantifier makes the character before it uncertain, a group may be left out: both end a run.
 * Alternatives outside of groups, flags and rare escapes end the attempt: then nothing is known.
 */

#include "plan/regex_factor.h"

struct scan {
	struct str pattern;
	size_t at;
	char *run; /* literals so far; the longest run is kept elsewhere */
	size_t n;
	bool is_head; /* this run began right behind ^ */
	struct arena *arena;
	struct regex_factor found;
};

static void end_run(struct scan *scan)
{
	if (scan->is_head && scan->n)
		scan->found.head = arena_str(scan->arena, str_n(scan->run, scan->n));
	if (scan->n > scan->found.longest.len)
		scan->found.longest = arena_str(scan->arena, str_n(scan->run, scan->n));
	scan->n = 0;
	scan->is_head = false;
}

/* The last character, of one or more bytes, may not be there. */
static void drop_last(struct scan *scan)
{
	while (scan->n && ((unsigned char)scan->run[scan->n - 1] & 0xc0) == 0x80)
		scan->n--;
	if (scan->n)
		scan->n--;
	end_run(scan);
}

/* Behind the class whose bracket was read; false when it has no end. */
static bool skip_class(struct scan *scan)
{
	struct str pattern = scan->pattern;

	if (scan->at < pattern.len && pattern.at[scan->at] == '^')
		scan->at++;
	/* A bracket that comes first is a member. */
	if (scan->at < pattern.len && pattern.at[scan->at] == ']')
		scan->at++;
	while (scan->at < pattern.len && pattern.at[scan->at] != ']') {
		char c = pattern.at[scan->at++];

		if (c == '\\')
			scan->at++;
		else if (c == '[')
			return false; /* [:alpha:] and the like */
	}
	return scan->at++ < pattern.len;
}

static bool is_alnum(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/* Behind the group whose parenthesis was read. Whatever is in it may be left out. */
static bool skip_group(struct scan *scan)
{
	struct str pattern = scan->pattern;

	for (size_t depth = 1; depth;) {
		char c;

		if (scan->at >= pattern.len)
			return false;
		c = pattern.at[scan->at++];
		if (c == '\\') {
			/* \Q...\E would hide parentheses */
			if (scan->at < pattern.len && pattern.at[scan->at] == 'Q')
				return false;
			scan->at++;
		} else if (c == '[') {
			if (!skip_class(scan))
				return false;
		} else if (c == '(') {
			depth++;
		} else if (c == ')') {
			depth--;
		}
	}
	return true;
}

/* A group that only groups: (?:...) and (?P<name>...); flags change what follows. */
static bool group_is_plain(struct str rest)
{
	return !str_starts(rest, STR("?")) || str_starts(rest, STR("?:")) ||
	       str_starts(rest, STR("?P<")) || str_starts(rest, STR("?<"));
}

/* Behind {2,3}, whose brace was read; any other brace is one that we do not understand. */
static bool skip_count(struct scan *scan)
{
	while (scan->at < scan->pattern.len) {
		char c = scan->pattern.at[scan->at++];

		if (c == '}')
			return true;
		if (c != ',' && (c < '0' || c > '9'))
			break;
	}
	return false;
}

static bool escape(struct scan *scan)
{
	char c;

	if (scan->at >= scan->pattern.len)
		return false;
	c = scan->pattern.at[scan->at++];
	if (!is_alnum(c)) {
		scan->run[scan->n++] = c;
		return true;
	}
	end_run(scan);
	return str_find(STR("dDwWsSbBAz"), c) >= 0;
}

/* One step; false: nothing is known of this pattern. */
static bool step(struct scan *scan)
{
	char c = scan->pattern.at[scan->at++];

	switch (c) {
	case '\\':
		return escape(scan);
	case '[':
		end_run(scan);
		return skip_class(scan);
	case '(':
		end_run(scan);
		return group_is_plain(str_from(scan->pattern, scan->at)) && skip_group(scan);
	case '|':
	case ')':
		return false;
	case '*':
	case '?':
	case '{':
		drop_last(scan);
		return c != '{' || skip_count(scan);
	case '^':
		end_run(scan);
		scan->is_head = scan->at == 1;
		return true;
	case '+':
	case '.':
	case '$':
		end_run(scan);
		return true;
	default:
		scan->run[scan->n++] = c;
		return true;
	}
}

struct regex_factor regex_factor(struct str pattern, struct arena *arena)
{
	struct scan scan = {.pattern = pattern, .arena = arena};

	scan.run = arena_alloc(arena, pattern.len + 1, 1);
	while (scan.run && scan.at < pattern.len)
		if (!step(&scan))
			return (struct regex_factor){0};
	if (scan.run)
		end_run(&scan);
	return scan.found;
}
