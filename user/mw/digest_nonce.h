/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIGEST_NONCE_H
#define DIGEST_NONCE_H

/*
 * digest_nonce: nonces of digest authentication and the counts of those in use (reference c.7;
 * RFC 7616 3.3, 3.4, 5.4).
 *
 * A nonce is a running number with a tag made by a random key of this state: asking for one costs
 * no memory, so that a flood of questions logs nobody out. Only nonces that came back with a right
 * password are remembered, at most DIGEST_NONCE_USED: one 64-bit word each, number and highest
 * count, in sets of 8. When a set is full the oldest nonce goes, and from then on no nonce of that
 * set which is as old is new: a forgotten one cannot be replayed. Lock-free.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mw/mw.h"

enum {
	DIGEST_NONCE_USED = 1024,
	DIGEST_NONCE_TEXT = 48,	  /* hexadecimal digits of a nonce */
	DIGEST_NONCE_OPAQUE = 32, /* and of the state's opaque */
};

enum digest_nonce_verdict {
	DIGEST_NONCE_FRESH,   /* ours, and the count is higher than any before: noted */
	DIGEST_NONCE_STALE,   /* ours, but the count was used, or the nonce is forgotten */
	DIGEST_NONCE_UNKNOWN, /* not ours */
};

struct mw_state *digest_nonce_new(void);
/* The same in all challenges of this state. */
struct str digest_nonce_opaque(const struct mw_state *state);
void digest_nonce_make(struct mw_state *state, char ret_text[DIGEST_NONCE_TEXT]);
/* Once per request, after its response proved right. */
enum digest_nonce_verdict digest_nonce_use(struct mw_state *state, struct str nonce,
					   uint64_t count);

#endif
