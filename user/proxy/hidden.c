// SPDX-License-Identifier: Apache-2.0
/* hidden: see the header. */

#include "proxy/hidden.h"

#include <stdlib.h>

#include "http/uri.h"
#include "model/mw_conf_token.h"
#include "plan/snapshot.h"

static const struct str redacted = {"=REDACTED", 9};

/* {0}: it looks for nothing in the query. */
static struct str parameter_of(const struct mw_named *mw)
{
	const struct token_source *source = NULL;

	if (!mw->decoded)
		return (struct str){0};
	/* By type: a broken one has a type, and requests bring their keys all the same. */
	if (!strcmp(mw->type, "jwt"))
		source = ((const struct mwc_jwt *)mw->decoded)->source;
	else if (!strcmp(mw->type, "apiKey"))
		source = ((const struct mwc_api_key *)mw->decoded)->source;
	return source ? source->query : (struct str){0};
}

static bool has(const struct hidden *hidden, struct str name)
{
	for (uint32_t i = 0; i < hidden->n; i++)
		if (str_eq(hidden->names[i], name))
			return true;
	return false;
}

bool hidden_of(const struct snapshot *snapshot, struct hidden **ret_hidden)
{
	struct hidden *hidden;
	uint32_t n = 0;

	*ret_hidden = NULL;
	for (uint32_t i = 0; i < snapshot->n_middlewares; i++)
		n += parameter_of(&snapshot->middlewares[i]).len > 0;
	if (!n)
		return true;
	hidden = malloc(sizeof(*hidden) + n * sizeof(*hidden->names));
	if (!hidden)
		return false;
	hidden->n = 0;
	for (uint32_t i = 0; i < snapshot->n_middlewares; i++) {
		struct str name = parameter_of(&snapshot->middlewares[i]);

		if (name.len && !has(hidden, name))
			hidden->names[hidden->n++] = name;
	}
	*ret_hidden = hidden;
	return true;
}

/* A name that cannot be decoded is taken as it stands. */
static bool is_hidden(const struct hidden *hidden, struct str name, struct arena *arena)
{
	struct str decoded;

	return has(hidden, name) ||
	       ((str_find(name, '%') >= 0 || str_find(name, '+') >= 0) &&
		(uri_decode(name, true, arena, &decoded) < 0 || has(hidden, decoded)));
}

static char *put(char *at, struct str text)
{
	if (text.len)
		memcpy(at, text.at, text.len);
	return at + text.len;
}

/* The URL is as it came: both separators count, and a fragment is read as a query too. */
static size_t piece_len(struct str rest)
{
	size_t n = 0;

	while (n < rest.len && !memchr("&;#?", rest.at[n], 4))
		n++;
	return n;
}

struct str hidden_told(const struct hidden *hidden, struct str url, struct arena *arena)
{
	size_t n_path = 0, n_pieces = 1;
	struct str rest;
	char *told, *at;

	while (n_path < url.len && url.at[n_path] != '?' && url.at[n_path] != '#')
		n_path++;
	if (!hidden || n_path == url.len)
		return url;
	for (size_t i = n_path; i < url.len; i++)
		n_pieces += memchr("&;#?", url.at[i], 4) != NULL;
	told = arena_alloc(arena, url.len + n_pieces * redacted.len, 1);
	if (!told)
		return STR("-");
	at = put(told, str_take(url, n_path + 1));
	for (rest = str_from(url, n_path + 1); rest.len;) {
		size_t n = piece_len(rest);
		struct str piece = str_take(rest, n), name = piece;
		ptrdiff_t equals = str_find(piece, '=');

		if (equals >= 0)
			name = str_take(piece, (size_t)equals);
		if (is_hidden(hidden, name, arena))
			at = put(put(at, name), redacted);
		else
			at = put(at, piece);
		at = put(at, str_take(str_from(rest, n), n < rest.len));
		rest = str_from(rest, n + (n < rest.len));
	}
	return str_n(told, (size_t)(at - told));
}
