// SPDX-License-Identifier: Apache-2.0
// link: base http mw model rule net obs
/*
 * jwt_token_fuzz: any bytes as a token, as a key set, and as claims. A token that is taken apart is
 * exactly its parts; nothing verifies with keys that did not sign it; claims become texts that a
 * header may hold.
 */

#include <stdlib.h>

#include "base/die.h"
#include "http/header.h"
#include "mw/jwt_claims.h"
#include "mw/jwt_key.h"
#include "mw/jwt_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_claims(const json_t *claims, struct arena *arena)
{
	static const struct str names[] = {{"sub", 3}, {"a.b", 3}, {"roles", 5}, {"", 0}};
	struct mwc_jwt conf = {.leeway.ns = 1};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct str text = jwt_claims_text(claims, names[i], arena);

		ASSERT(header_value_valid(text));
	}
	jwt_claims_fault(claims, &conf, 1000);
}

static void fuzz_token(struct str text, struct arena *arena)
{
	struct jwt_keys *keys = jwt_keys_new();
	struct jwt_token token;
	const char *reason;

	ASSERT(keys && jwt_keys_add_secret(keys, STR("0123456789abcdef0123456789abcdef"
						     "0123456789abcdef0123456789abcdef")) == 1);
	if (jwt_token_parse(text, arena, &token, &reason) == 0) {
		ASSERT(!reason && token.algorithm < JWT__COUNT && token.claims);
		ASSERT(token.signed_part.at == text.at && token.signed_part.len < text.len);
		ASSERT(token.signature.len > 0);
		/* Nobody has guessed the secret by chance. */
		ASSERT(!jwt_keys_verify(keys, token.algorithm, token.kid, token.signed_part,
					token.signature));
		fuzz_claims(token.claims, arena);
	} else {
		ASSERT(reason && !token.claims);
	}
	jwt_token_done(&token);
	jwt_keys_put(keys);
}

static void fuzz_keys(struct str json)
{
	struct jwt_keys *keys = jwt_keys_new();

	ASSERT(keys);
	int added = jwt_keys_add_jwks(keys, json, true);

	ASSERT(added < 0 || (size_t)added == keys->n);
	for (size_t i = 0; i < keys->n; i++)
		ASSERT(keys->at[i].algorithms);
	jwt_keys_add_pem(keys, json, (struct str){0});
	jwt_keys_put(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	char *copy = malloc(size ? size : 1);

	ASSERT(copy);
	if (size)
		memcpy(copy, data, size);
	arena_init(&arena, 4 << 20, 0);
	if (size && copy[0] == '{')
		fuzz_keys(str_n(copy, size));
	else
		fuzz_token(str_n(copy, size), &arena);
	arena_done(&arena);
	free(copy);
	return 0;
}
