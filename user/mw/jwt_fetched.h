/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JWT_FETCHED_H
#define JWT_FETCHED_H

/*
 * jwt_fetched: what jwt keeps over requests and updates: the keys that were fetched, who fetches
 * them now, and which tokens were verified a moment ago.
 *
 * One request fetches at a time; while it does the old keys serve. Attempts are apart by the
 * interval that the caller names, so that tokens with invented key ids cause no flood of questions.
 * Lock-free: readers take a reference of the set that is there; a set that was replaced goes when
 * no reader is between looking and taking.
 */

#include "mw/auth_cache.h"
#include "mw/jwt_key.h"
#include "mw/mw.h"

enum jwt_fetch_turn {
	JWT_FETCH_YOURS,     /* fetch, then jwt_fetched_end() */
	JWT_FETCH_UNDER_WAY, /* another request does */
	JWT_FETCH_NOT_NOW,   /* the last attempt was too short ago */
};

struct mw_state *jwt_fetched_new(void);
/* A reference, or NULL before the first success. *ret_at_ns: when they came. */
struct jwt_keys *jwt_fetched_get(struct mw_state *state, uint64_t *ret_at_ns);
enum jwt_fetch_turn jwt_fetched_begin(struct mw_state *state, uint64_t now_ns,
				      uint64_t interval_ns);
/* keys: taken over; NULL: the attempt failed, the old ones stay. */
void jwt_fetched_end(struct mw_state *state, struct jwt_keys *keys, uint64_t now_ns);

/* Whether the token was verified with these keys a moment ago; false without memory. */
bool jwt_fetched_was_verified(struct mw_state *state, const struct jwt_keys *keys, struct str token,
			      struct arena *arena, uint64_t now_ns, struct auth_cache_key *ret_key,
			      bool *ret_has_key);
void jwt_fetched_note_verified(struct mw_state *state, const struct auth_cache_key *key,
			       uint64_t now_ns);

#endif
