/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

/*
 * auth_cache: credentials that were verified a moment ago, so that slow hashes are not computed for
 * each request.
 *
 * Nothing is kept but HMAC-SHA-256 over user, stored hash and password under a random key of this
 * cache: a password that was changed in the Secret no longer matches. Bounded (older entries are
 * overwritten), short-lived, lock-free; comparison tells nothing, since an attacker cannot compute
 * what is compared.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mw/mw.h"

enum { AUTH_CACHE_ENTRIES = 4096, AUTH_CACHE_SECONDS = 60 };

/* A credential's name in the cache. */
struct auth_cache_key {
	uint64_t part[2];
};

struct mw_state *auth_cache_new(void);
/* False when memory is short: then nothing is cached. */
bool auth_cache_key(const struct mw_state *state, struct str user, struct str hash,
		    struct str password, struct arena *arena, struct auth_cache_key *ret_key);
bool auth_cache_has(const struct mw_state *state, const struct auth_cache_key *key,
		    uint64_t now_ns);
void auth_cache_put(struct mw_state *state, const struct auth_cache_key *key, uint64_t now_ns);

#endif
