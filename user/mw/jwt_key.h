/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JWT_KEY_H
#define JWT_KEY_H

/*
 * jwt_key: keys that verify tokens, from JSON Web Key Sets (RFC 7517), PEM or a shared secret, and
 * the verification (RFC 7518 3, RFC 8037). A key knows its kind, and serves only algorithms of that
 * kind: a public key is never taken for a shared secret (RFC 8725 2.1, 3.1).
 *
 * Sets are immutable once made, and reference-counted.
 */

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ref.h"
#include "mw/jwt_token.h"

enum { JWT_KEYS_MAX = 64, JWT_SECRET_MIN_BYTES = 32 };

struct jwt_key {
	struct str kid;	     /* at NULL: none, fits every kid */
	uint16_t algorithms; /* bits of enum jwt_algorithm */
	EVP_PKEY *pkey;	     /* NULL: a shared secret */
	struct str secret;
};

struct jwt_keys {
	struct ref ref;
	uint64_t id; /* tells sets of one owner apart */
	struct jwt_key at[JWT_KEYS_MAX];
	size_t n, n_skipped; /* skipped: of a kind, use or size that is not for us */
};

struct jwt_keys *jwt_keys_new(void);
/* NULL is allowed. */
void jwt_keys_put(struct jwt_keys *keys);

/* Adds the keys of a set; how many were added, or -EINVAL when it is no JWK Set, -ENOMEM.
 * with_shared: shared secrets count too: never in a set that anybody can read. */
int jwt_keys_add_jwks(struct jwt_keys *keys, struct str json, bool with_shared);
/* Adds the public key, or that of the certificate; 1, -EINVAL, or -ENOMEM. */
int jwt_keys_add_pem(struct jwt_keys *keys, struct str pem, struct str kid);
/* -EINVAL when it is shorter than JWT_SECRET_MIN_BYTES. */
int jwt_keys_add_secret(struct jwt_keys *keys, struct str secret);

/* Whether there is a key for this algorithm and kid. */
bool jwt_keys_have(const struct jwt_keys *keys, enum jwt_algorithm algorithm, struct str kid);
/* Verifies with each key that fits, at most 8 of them. */
bool jwt_keys_verify(const struct jwt_keys *keys, enum jwt_algorithm algorithm, struct str kid,
		     struct str signed_part, struct str signature);

#endif
