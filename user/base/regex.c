// SPDX-License-Identifier: Apache-2.0
/* regex: replacement as Go's regexp package does it, over regex_find(). */

#include "base/regex.h"

#include "base/num.h"
#include "base/regex_re2.h"

static bool is_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') ||
	       (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/*
 * Reads the reference after a '$' (name, {name}) from *rest and advances it. False when it is
 * malformed: then Go takes the dollar sign as it stands.
 */
static bool take_reference(struct str *rest, struct str *ret_name)
{
	bool brace = str_starts(*rest, STR("{"));
	struct str text = brace ? str_from(*rest, 1) : *rest;
	size_t n = 0;

	while (n < text.len && is_word(text.at[n]))
		n++;
	if (n == 0 || (brace && (n == text.len || text.at[n] != '}')))
		return false;
	*ret_name = str_take(text, n);
	*rest = str_from(text, n + brace);
	return true;
}

/* The group's text: by number when the name is one, else by name; empty when there is no such
 * group. */
static struct str group_named(const struct regex *regex, struct str name, const struct str *groups,
			      size_t n)
{
	uint64_t index;

	if (num_uint64(name, &index) == 0)
		return index < n ? groups[index] : (struct str){0};
	int named = regex_group_index(regex, name);

	return named >= 0 && (size_t)named < n ? groups[named] : (struct str){0};
}

static struct str expand(const struct regex *regex, struct str out, struct str replacement,
			 const struct str *groups, size_t n, struct arena *arena)
{
	while (replacement.len) {
		ptrdiff_t dollar = str_find(replacement, '$');
		struct str name;

		if (dollar < 0)
			return arena_join(arena, out, replacement);
		out = arena_join(arena, out, str_take(replacement, (size_t)dollar));
		replacement = str_from(replacement, (size_t)dollar + 1);
		if (str_starts(replacement, STR("$"))) {
			out = arena_join(arena, out, STR("$"));
			replacement = str_from(replacement, 1);
		} else if (take_reference(&replacement, &name)) {
			out = arena_join(arena, out, group_named(regex, name, groups, n));
		} else {
			out = arena_join(arena, out, STR("$"));
		}
	}
	return out;
}

struct str regex_replace_all(const struct regex *regex, struct str text, struct str replacement,
			     struct arena *arena)
{
	size_t n = (size_t)regex_group_count(regex) + 1;
	size_t copied = 0, from = 0;
	struct str groups[REGEX_GROUPS_MAX];
	struct str out = arena_str(arena, (struct str){0});

	if (text.len == 0)
		text = STR("");
	if (n > REGEX_GROUPS_MAX)
		n = REGEX_GROUPS_MAX;
	while (from <= text.len && regex_find(regex, text, from, groups, n)) {
		size_t start = (size_t)(groups[0].at - text.at), end = start + groups[0].len;

		out = arena_join(arena, out, str_n(text.at + copied, start - copied));
		/* Go: no empty match directly after a match. */
		if (end > copied || start == 0)
			out = expand(regex, out, replacement, groups, n, arena);
		copied = end;
		size_t step = str_utf8_len(str_from(text, from));

		/* By one character at least, or an empty match would be found forever. */
		step = step ? step : 1;
		from = from + step > end ? from + step : end;
	}
	return arena_join(arena, out, str_from(text, copied));
}
