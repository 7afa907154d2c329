// SPDX-License-Identifier: Apache-2.0
/*
 * media_type: type/subtype (Go lets a type stand alone) and parameters, each ; name = value, where
 * the value is a token or a quoted string.
 */

#include "mw/media_type.h"

#include <errno.h>

#include "http/header.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str skip_blanks(struct str text)
{
	while (text.len && is_blank(text.at[0]))
		text = str_from(text, 1);
	return text;
}

static bool is_token_byte(char c)
{
	return header_name_valid(str_n(&c, 1));
}

static struct str take_token(struct str *rest)
{
	size_t n = 0;

	while (n < rest->len && is_token_byte(rest->at[n]))
		n++;
	struct str token = str_take(*rest, n);

	*rest = str_from(*rest, n);
	return token;
}

/* False when there is no whole quoted string. */
static bool take_quoted(struct str *rest)
{
	size_t i = 1;

	while (i < rest->len && rest->at[i] != '"') {
		if (rest->at[i] == '\r' || rest->at[i] == '\n')
			return false;
		i += rest->at[i] == '\\' ? 2 : 1;
	}
	if (i >= rest->len)
		return false;
	*rest = str_from(*rest, i + 1);
	return true;
}

static bool take_parameter(struct str *rest)
{
	*rest = skip_blanks(str_from(*rest, 1)); /* ';' */
	if (!take_token(rest).len)
		return false;
	*rest = skip_blanks(*rest);
	if (!rest->len || rest->at[0] != '=')
		return false;
	*rest = skip_blanks(str_from(*rest, 1));
	if (rest->len && rest->at[0] == '"')
		return take_quoted(rest);
	return take_token(rest).len > 0;
}

static bool parameters_ok(struct str rest)
{
	for (rest = skip_blanks(rest); rest.len; rest = skip_blanks(rest)) {
		if (rest.at[0] != ';')
			return false;
		/* A final semicolon is forgiven. */
		if (!skip_blanks(str_from(rest, 1)).len)
			return true;
		if (!take_parameter(&rest))
			return false;
	}
	return true;
}

bool media_type_parse(struct str value, struct str *ret_type)
{
	ptrdiff_t semicolon = str_find(value, ';');
	struct str type = semicolon < 0 ? value : str_take(value, (size_t)semicolon);
	struct str rest = type = str_trim_space(type);

	*ret_type = (struct str){0};
	if (type.len > MEDIA_TYPE_MAX || !take_token(&rest).len)
		return false;
	if (rest.len) {
		if (rest.at[0] != '/')
			return false;
		rest = str_from(rest, 1);
		if (!take_token(&rest).len || rest.len)
			return false;
	}
	*ret_type = type;
	return semicolon < 0 || parameters_ok(str_from(value, (size_t)semicolon));
}

int media_type_prepare(struct mw_prepare *prepare, const struct strs *types,
		       const struct diag_path *path, struct strs *ret_types)
{
	int result = 0;

	*ret_types = (struct strs){.at = ARENA_ARRAY(prepare->arena, struct str, types->n + 1)};
	if (!ret_types->at)
		return -ENOMEM;
	for (size_t i = 0; i < types->n; i++) {
		struct str type;

		if (!media_type_parse(types->at[i], &type)) {
			diag_expected(prepare->sink,
				      diag_error(prepare->sink, DIAG_INDEX(path, i),
						 "not a media type: \"" STR_FMT "\"",
						 STR_ARG(types->at[i])),
				      "type/subtype, such as text/html");
			result = -EINVAL;
			continue;
		}
		ret_types->at[ret_types->n++] = arena_lower(prepare->arena, type);
	}
	return result;
}

bool media_type_in(struct str type, const struct strs *types)
{
	for (size_t i = 0; i < types->n; i++)
		if (str_eq_nocase(type, types->at[i]))
			return true;
	return false;
}
