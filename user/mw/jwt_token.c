// SPDX-License-Identifier: Apache-2.0
/* jwt_token: see the header. */

#include "mw/jwt_token.h"

#include <errno.h>

static const struct str names[JWT__COUNT] = {
	[JWT_RS256] = STR("RS256"), [JWT_RS384] = STR("RS384"), [JWT_RS512] = STR("RS512"),
	[JWT_PS256] = STR("PS256"), [JWT_PS384] = STR("PS384"), [JWT_PS512] = STR("PS512"),
	[JWT_ES256] = STR("ES256"), [JWT_ES384] = STR("ES384"), [JWT_ES512] = STR("ES512"),
	[JWT_EDDSA] = STR("EdDSA"), [JWT_HS256] = STR("HS256"), [JWT_HS384] = STR("HS384"),
	[JWT_HS512] = STR("HS512"),
};

enum jwt_algorithm jwt_algorithm_of(struct str name)
{
	enum jwt_algorithm i = 0;

	while (i < JWT__COUNT && !str_eq(names[i], name))
		i++;
	return i;
}

struct str jwt_algorithm_name(enum jwt_algorithm algorithm)
{
	return names[algorithm];
}

/* 0..63, or 64. */
static uint32_t sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '-' ? 62 : c == '_' ? 63 : 64;
}

int jwt_base64url_decode(struct str text, struct arena *arena, struct str *ret_bytes)
{
	char *bytes = arena_alloc(arena, text.len / 4 * 3 + 4, 1);
	uint32_t word = 0;
	size_t n = 0, bits = 0;

	if (!bytes)
		return -ENOMEM;
	if (text.len % 4 == 1)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		uint32_t six = sextet(text.at[i]);

		if (six > 63)
			return -EINVAL;
		word = (word << 6 | six) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes[n++] = (char)(word >> bits);
		}
	}
	/* RFC 4648 3.5: one text for each value, so that a token has one spelling. */
	if (word & ((1U << bits) - 1))
		return -EINVAL;
	*ret_bytes = str_n(bytes, n);
	return 0;
}

static json_t *read_object(struct str part, struct arena *arena)
{
	struct str bytes;
	json_error_t error;
	json_t *json;

	if (jwt_base64url_decode(part, arena, &bytes) < 0)
		return NULL;
	json = json_loadb(bytes.at, bytes.len, JSON_REJECT_DUPLICATES, &error);
	if (json && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static const char *read_header(struct str part, struct arena *arena, struct jwt_token *token)
{
	json_t *header = read_object(part, arena), *value;
	const char *reason = NULL;

	if (!header)
		return "the header is not a JSON object in base64url";
	value = json_object_get(header, "alg");
	token->algorithm =
		jwt_algorithm_of(str_n(json_string_value(value), json_string_length(value)));
	if (token->algorithm == JWT__COUNT)
		reason = "the algorithm is not known";
	/* RFC 7515 4.1.11: we know no extension, so a critical one is a reason to refuse. */
	if (json_object_get(header, "crit"))
		reason = "the token needs an extension";
	value = json_object_get(header, "kid");
	if (value && !json_is_string(value))
		reason = "kid is not a text";
	else if (value)
		token->kid = arena_str(arena,
				       str_n(json_string_value(value), json_string_length(value)));
	json_decref(header);
	return reason;
}

static const char *read_token(struct str text, struct arena *arena, struct jwt_token *token)
{
	struct str rest = text, header, claims;
	const char *reason;

	if (text.len > JWT_TOKEN_MAX_BYTES)
		return "the token is too long";
	if (!str_next(&rest, '.', &header) || !rest.at || !str_next(&rest, '.', &claims) ||
	    !rest.at || str_find(rest, '.') >= 0)
		return "the token has not three parts";
	reason = read_header(header, arena, token);
	if (reason)
		return reason;
	if (!rest.len || jwt_base64url_decode(rest, arena, &token->signature) < 0)
		return "the signature is not base64url";
	token->signed_part = str_take(text, header.len + 1 + claims.len);
	token->claims = read_object(claims, arena);
	return token->claims ? NULL : "the claims are not a JSON object in base64url";
}

int jwt_token_parse(struct str text, struct arena *arena, struct jwt_token *ret_token,
		    const char **ret_reason)
{
	*ret_token = (struct jwt_token){0};
	*ret_reason = read_token(text, arena, ret_token);
	if (!*ret_reason)
		return 0;
	jwt_token_done(ret_token);
	return arena->failed ? -ENOMEM : -EINVAL;
}

void jwt_token_done(struct jwt_token *token)
{
	json_decref(token->claims);
	token->claims = NULL;
}
