// SPDX-License-Identifier: Apache-2.0
/* credential: see the header. */

#include "mw/credential.h"

#include "http/header.h"
#include "http/query.h"
#include "http/uri.h"

static enum credential_place in_header(const struct token_source *source, struct request *request,
				       struct str *ret_value)
{
	struct header *header = header_find_name(&request->headers, source->header);
	struct str value, scheme;

	if (!header)
		return CREDENTIAL_NONE;
	if (header_next_same(&request->headers, header))
		return CREDENTIAL_TWICE;
	value = header->value;
	if (source->header_auth_scheme.len) {
		if (!str_next(&value, ' ', &scheme) || !value.at ||
		    !str_eq_nocase(scheme, source->header_auth_scheme))
			return CREDENTIAL_NONE;
		value = str_trim(value);
	}
	*ret_value = value;
	return value.len ? CREDENTIAL_HEADER : CREDENTIAL_NONE;
}

static enum credential_place in_query(const struct token_source *source, struct request *request,
				      struct str *ret_value)
{
	struct query query = query_of(request->query, request->arena);
	enum credential_place place = CREDENTIAL_NONE;
	struct str key, value;

	while (query_next(&query, &key, &value)) {
		if (!str_eq(key, source->query))
			continue;
		if (place != CREDENTIAL_NONE)
			return CREDENTIAL_TWICE;
		place = CREDENTIAL_QUERY;
		*ret_value = value;
	}
	return place;
}

static size_t count_cookies(const struct headers *headers, struct str name)
{
	size_t count = 0;

	for (size_t i = 0; i < headers->n; i++) {
		struct str rest = headers->at[i].value, piece;

		if (headers->at[i].gone || headers->at[i].id != HEADER_COOKIE)
			continue;
		while (str_next(&rest, ';', &piece)) {
			ptrdiff_t equals = str_find(piece, '=');

			if (equals >= 0)
				piece = str_take(piece, (size_t)equals);
			count += str_eq(str_trim(piece), name);
		}
	}
	return count;
}

static enum credential_place in_cookie(const struct token_source *source, struct request *request,
				       struct str *ret_value)
{
	struct str value = header_cookie(&request->headers, source->cookie);

	if (!value.len)
		return CREDENTIAL_NONE;
	/* The service might take the other one. */
	if (count_cookies(&request->headers, source->cookie) > 1)
		return CREDENTIAL_TWICE;
	*ret_value = value;
	return CREDENTIAL_COOKIE;
}

enum credential_place credential_find(const struct token_source *source, struct request *request,
				      struct str *ret_value)
{
	enum credential_place place = CREDENTIAL_NONE;

	if (source->header.len)
		place = in_header(source, request, ret_value);
	if (place == CREDENTIAL_NONE && source->query.len)
		place = in_query(source, request, ret_value);
	if (place == CREDENTIAL_NONE && source->cookie.len)
		place = in_cookie(source, request, ret_value);
	return place;
}

/* ----------------------------------------------------------------- removal -- */

static bool is_named(struct str piece, struct str name, struct arena *arena)
{
	ptrdiff_t equals = str_find(piece, '=');
	struct str key = equals < 0 ? piece : str_take(piece, (size_t)equals), decoded;

	return uri_decode(key, true, arena, &decoded) == 0 && str_eq(decoded, name);
}

static void remove_parameter(struct request *request, struct str name)
{
	struct str rest = request->query, piece;
	char *out = arena_alloc(request->arena, request->query.len + 1, 1);
	size_t n = 0;

	if (!out)
		return;
	while (str_next(&rest, '&', &piece)) {
		if (is_named(piece, name, request->arena))
			continue;
		if (n)
			out[n++] = '&';
		if (piece.len)
			memcpy(out + n, piece.at, piece.len);
		n += piece.len;
	}
	request->query = str_n(out, n);
	request->has_query = n > 0;
}

static void remove_cookie(struct header *header, struct str name, struct arena *arena)
{
	struct str rest = header->value, piece;
	char *out = arena_alloc(arena, header->value.len + 1, 1);
	size_t n = 0;

	if (!out) {
		header->gone = true;
		return;
	}
	while (str_next(&rest, ';', &piece)) {
		ptrdiff_t equals = str_find(piece, '=');

		piece = str_trim(piece);
		equals = str_find(piece, '=');
		if (str_eq(equals < 0 ? piece : str_trim(str_take(piece, (size_t)equals)), name) ||
		    !piece.len)
			continue;
		if (n) {
			memcpy(out + n, "; ", 2);
			n += 2;
		}
		memcpy(out + n, piece.at, piece.len);
		n += piece.len;
	}
	header->value = str_n(out, n);
	header->gone = n == 0;
}

void credential_remove(const struct token_source *source, struct request *request)
{
	if (source->header.len)
		header_remove(&request->headers, source->header);
	if (source->query.len && request->has_query)
		remove_parameter(request, source->query);
	if (!source->cookie.len)
		return;
	for (size_t i = 0; i < request->headers.n; i++) {
		struct header *header = &request->headers.at[i];

		if (!header->gone && header->id == HEADER_COOKIE)
			remove_cookie(header, source->cookie, request->arena);
	}
}
