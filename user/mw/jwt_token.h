/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JWT_TOKEN_H
#define JWT_TOKEN_H

/*
 * jwt_token: a signed JSON Web Token in compact form, taken apart (RFC 7515 3.1, 7.1; RFC 7519 7.2;
 * RFC 8725). Strict: exactly three parts of base64url without padding, JSON objects without
 * duplicate members, no critical extension, bounded in length. Nothing in it is to be believed
 * before its signature was verified.
 */

#include <jansson.h>

#include "base/arena.h"
#include "base/str.h"

enum { JWT_TOKEN_MAX_BYTES = 16384 };

/* What a signature is made with (RFC 7518 3.1, RFC 8037 3.1); never "none". */
enum jwt_algorithm {
	JWT_RS256,
	JWT_RS384,
	JWT_RS512,
	JWT_PS256,
	JWT_PS384,
	JWT_PS512,
	JWT_ES256,
	JWT_ES384,
	JWT_ES512,
	JWT_EDDSA,
	JWT_HS256,
	JWT_HS384,
	JWT_HS512,
	JWT__COUNT,
};

struct jwt_token {
	enum jwt_algorithm algorithm;
	struct str kid; /* at NULL: none */
	struct str signed_part, signature;
	json_t *claims; /* owned: jwt_token_done() */
};

/* 0; -EINVAL with a reason for people (RFC 6750 error_description: no quotes in it); -ENOMEM. */
int jwt_token_parse(struct str text, struct arena *arena, struct jwt_token *ret_token,
		    const char **ret_reason);
void jwt_token_done(struct jwt_token *token);

/* JWT__COUNT for an unknown name. Names are exact. */
enum jwt_algorithm jwt_algorithm_of(struct str name);
struct str jwt_algorithm_name(enum jwt_algorithm algorithm);
/* RFC 4648 section 5, without padding; strict as codec_base64_decode(). */
int jwt_base64url_decode(struct str text, struct arena *arena, struct str *ret_bytes);

#endif
