// SPDX-License-Identifier: Apache-2.0
/* digest_header: see the header. */

#include "mw/digest_header.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	struct str name;
	size_t offset;
} parameters[] = {
	{STR("username"), offsetof(struct digest_header, username)},
	{STR("realm"), offsetof(struct digest_header, realm)},
	{STR("nonce"), offsetof(struct digest_header, nonce)},
	{STR("uri"), offsetof(struct digest_header, uri)},
	{STR("response"), offsetof(struct digest_header, response)},
	{STR("algorithm"), offsetof(struct digest_header, algorithm)},
	{STR("cnonce"), offsetof(struct digest_header, cnonce)},
	{STR("opaque"), offsetof(struct digest_header, opaque)},
	{STR("qop"), offsetof(struct digest_header, qop)},
	{STR("nc"), offsetof(struct digest_header, nc)},
};

static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_blanks(struct str *rest)
{
	while (rest->len && (rest->at[0] == ' ' || rest->at[0] == '\t'))
		*rest = str_n(rest->at + 1, rest->len - 1);
}

static struct str take_token(struct str *rest)
{
	size_t n = 0;

	while (n < rest->len && is_token(rest->at[n]))
		n++;
	struct str token = str_take(*rest, n);

	*rest = str_n(rest->at + n, rest->len - n);
	return token;
}

/* What stands between quotes; copied only when there is an escape in it. */
static int take_quoted(struct str *rest, struct arena *arena, struct str *ret)
{
	const char *at = rest->at + 1;
	size_t room = rest->len - 1, n = 0, escapes = 0;

	while (n < room && at[n] != '"') {
		escapes += at[n] == '\\';
		n += at[n] == '\\' ? 2 : 1;
	}
	if (n >= room)
		return -EINVAL;
	*rest = str_n(at + n + 1, room - n - 1);
	*ret = str_n(at, n);
	if (!escapes)
		return 0;
	char *plain = arena_alloc(arena, n, 1);
	size_t len = 0;

	if (!plain)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		i += at[i] == '\\';
		plain[len++] = at[i];
	}
	*ret = str_n(plain, len);
	return 0;
}

static int take_value(struct str *rest, struct arena *arena, struct str *ret)
{
	if (rest->len && rest->at[0] == '"')
		return take_quoted(rest, arena, ret);
	/* Clients write uri and nc without quotes too, and a uri holds more than token characters.
	 */
	size_t n = 0;

	while (n < rest->len && !memchr(" \t,\"", rest->at[n], 4))
		n++;
	*ret = str_take(*rest, n);
	*rest = str_n(rest->at + n, rest->len - n);
	return n ? 0 : -EINVAL;
}

static int take_parameter(struct str *rest, struct arena *arena, struct digest_header *header)
{
	struct str name = take_token(rest), value;

	skip_blanks(rest);
	if (!name.len || !rest->len || rest->at[0] != '=')
		return -EINVAL;
	*rest = str_n(rest->at + 1, rest->len - 1);
	skip_blanks(rest);
	int result = take_value(rest, arena, &value);

	if (result < 0)
		return result;
	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
		struct str *place = (struct str *)(void *)((char *)header + parameters[i].offset);

		if (!str_eq_nocase(name, parameters[i].name))
			continue;
		if (place->at)
			return -EINVAL;
		*place = value;
	}
	return 0;
}

int digest_header_parse(struct str value, struct arena *arena, struct digest_header *ret_header)
{
	struct str rest = value, scheme;

	*ret_header = (struct digest_header){0};
	scheme = take_token(&rest);
	if (!str_eq_nocase(scheme, STR("Digest")))
		return -ENOENT;
	if (!rest.len || (rest.at[0] != ' ' && rest.at[0] != '\t'))
		return -EINVAL;
	for (;;) {
		skip_blanks(&rest);
		if (!rest.len)
			return 0;
		if (rest.at[0] != ',') {
			int result = take_parameter(&rest, arena, ret_header);

			if (result < 0)
				return result;
			skip_blanks(&rest);
			if (rest.len && rest.at[0] != ',')
				return -EINVAL;
		}
		if (rest.len)
			rest = str_n(rest.at + 1, rest.len - 1);
	}
}
