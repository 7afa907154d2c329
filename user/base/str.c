// SPDX-License-Identifier: Apache-2.0
/* str: the text functions that are too long to be inline. */

#include "base/str.h"

enum {
	DISTANCE_LEN_MAX = 64, /* longer texts are not typing errors of each other */
};

bool str_eq_nocase(struct str a, struct str b)
{
	return a.len == b.len && str_starts_nocase(a, b);
}

bool str_starts_nocase(struct str text, struct str prefix)
{
	if (text.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		if (ascii_lower(text.at[i]) != ascii_lower(prefix.at[i]))
			return false;
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.at, b.at, common) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

ptrdiff_t str_find(struct str text, char c)
{
	const char *found = text.len ? memchr(text.at, c, text.len) : NULL;

	return found ? found - text.at : -1;
}

ptrdiff_t str_rfind(struct str text, char c)
{
	const char *found = text.len ? memrchr(text.at, c, text.len) : NULL;

	return found ? found - text.at : -1;
}

ptrdiff_t str_search(struct str text, struct str part)
{
	if (part.len == 0)
		return 0;
	if (text.len < part.len)
		return -1;
	const char *found = memmem(text.at, text.len, part.at, part.len);

	return found ? found - text.at : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct str trim(struct str text, bool (*drop)(char))
{
	while (text.len && drop(text.at[text.len - 1]))
		text.len--;
	while (text.len && drop(text.at[0]))
		text = str_n(text.at + 1, text.len - 1);
	return text;
}

struct str str_trim(struct str text)
{
	return trim(text, is_blank);
}

struct str str_trim_space(struct str text)
{
	return trim(text, is_space);
}

bool str_next(struct str *rest, char sep, struct str *ret_piece)
{
	if (!rest->at)
		return false;
	ptrdiff_t end = str_find(*rest, sep);

	if (end < 0) {
		*ret_piece = *rest;
		*rest = (struct str){0};
		return true;
	}
	*ret_piece = str_take(*rest, (size_t)end);
	/* Not str_from(): what follows a last separator is an empty piece, not the end. */
	*rest = str_n(rest->at + end + 1, rest->len - (size_t)end - 1);
	return true;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

size_t str_distance(struct str a, struct str b)
{
	size_t row[3][DISTANCE_LEN_MAX + 1];

	if (a.len > DISTANCE_LEN_MAX || b.len > DISTANCE_LEN_MAX)
		return a.len > b.len ? a.len : b.len;
	for (size_t j = 0; j <= b.len; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *now = row[i % 3];
		const size_t *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t differs = a.at[i - 1] != b.at[j - 1];

			now[j] = min3(up[j] + 1, now[j - 1] + 1, up[j - 1] + differs);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
			    a.at[i - 2] == b.at[j - 1] && up2[j - 2] + 1 < now[j])
				now[j] = up2[j - 2] + 1;
		}
	}
	return row[a.len % 3][b.len];
}

struct str str_nearest(struct str text, const struct str *candidates, size_t n)
{
	/* One slip in short words, three at most in long ones. */
	size_t limit = text.len < 3 ? 1 : text.len / 3 + (text.len < 6);
	size_t best = (limit > 3 ? 3 : limit) + 1;
	struct str nearest = {0};

	for (size_t i = 0; i < n; i++) {
		if (str_eq_nocase(text, candidates[i]))
			return candidates[i];
		size_t distance = str_distance(text, candidates[i]);

		/* A candidate of which nothing is left is no suggestion. */
		if (distance < best && distance < candidates[i].len) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}

size_t str_utf8_len(struct str text)
{
	const unsigned char *at = (const unsigned char *)text.at;

	if (text.len == 0)
		return 0;
	if (at[0] < 0x80)
		return 1;
	/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
	size_t n = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;

	if (at[0] < 0xc2 || at[0] > 0xf4 || text.len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return n;
}
