// SPDX-License-Identifier: Apache-2.0
/* uri_resolve: see the header. */

#include "http/uri_resolve.h"

#include "http/uri.h"

/* A reference that begins with "scheme:" (RFC 3986 3.1, 4.2). */
static bool is_absolute(struct str reference)
{
	for (size_t i = 0; i < reference.len; i++) {
		char c = ascii_lower(reference.at[i]);

		if (c == ':')
			return i > 0;
		if (!(c >= 'a' && c <= 'z') &&
		    !(i > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
			return false;
	}
	return false;
}

static bool is_clean(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c < 0x20 || c == 0x7f)
			return false;
		if (c == '%' && (i + 2 >= text.len || uri_hex((unsigned char)text.at[i + 1]) < 0 ||
				 uri_hex((unsigned char)text.at[i + 2]) < 0))
			return false;
	}
	return true;
}

/* RFC 3986 5.2.4; path begins with '/'. */
static struct str without_dots(struct str path, struct arena *arena)
{
	char *out = arena_alloc(arena, path.len + 1, 1);
	struct str rest = str_from(path, 1), segment;
	size_t n = 0;

	if (!out)
		return (struct str){0};
	out[n++] = '/';
	while (rest.at && str_next(&rest, '/', &segment)) {
		bool is_last = !rest.at;

		if (str_eq(segment, STR("..")) && n > 1) {
			n--;
			while (out[n - 1] != '/')
				n--;
		} else if (!str_eq(segment, STR(".")) && !str_eq(segment, STR(".."))) {
			if (segment.len)
				memcpy(out + n, segment.at, segment.len);
			n += segment.len;
			if (!is_last)
				out[n++] = '/';
		}
	}
	return str_n(out, n);
}

/* Cuts at the first of these bytes. */
static struct str before(struct str text, const char *stops)
{
	for (size_t i = 0; i < text.len; i++)
		if (strchr(stops, text.at[i]) && text.at[i])
			return str_take(text, i);
	return text;
}

struct str uri_resolve(struct str base, struct str reference, struct arena *arena)
{
	ptrdiff_t colon = str_search(base, STR("://"));

	if (colon < 0 || !is_clean(reference))
		return (struct str){0};
	if (is_absolute(reference))
		return reference;
	struct str scheme = str_take(base, (size_t)colon + 1);
	struct str authority = before(str_from(base, scheme.len + 2), "/?#");
	struct str base_path = before(str_from(base, scheme.len + 2 + authority.len), "?#");
	struct str path = before(reference, "?#"), rest = str_from(reference, path.len);

	if (str_starts(reference, STR("//")))
		return arena_printf(arena, STR_FMT STR_FMT, STR_ARG(scheme), STR_ARG(reference));
	if (!base_path.len)
		base_path = STR("/");
	if (!path.len) {
		/* The query of the base stays unless there is another one. */
		path = str_starts(rest, STR("?"))
			       ? base_path
			       : before(str_from(base, scheme.len + 2 + authority.len), "#");
		if (!str_starts(path, STR("/")))
			path = arena_printf(arena, "/" STR_FMT, STR_ARG(path));
	} else {
		if (!str_starts(path, STR("/")))
			path = arena_printf(
				arena, STR_FMT STR_FMT,
				STR_ARG(str_take(base_path, (size_t)str_rfind(base_path, '/') + 1)),
				STR_ARG(path));
		path = without_dots(path, arena);
	}
	return arena_printf(arena, STR_FMT "//" STR_FMT STR_FMT STR_FMT, STR_ARG(scheme),
			    STR_ARG(authority), STR_ARG(path), STR_ARG(rest));
}
