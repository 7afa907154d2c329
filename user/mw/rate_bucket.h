/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RATE_BUCKET_H
#define RATE_BUCKET_H

/*
 * rate_bucket: token buckets of many sources, shared by all workers without a lock.
 *
 * A bucket is one 64-bit word: the time at which it will be full again (the generic cell rate
 * algorithm). That is the token bucket of golang.org/x/time/rate exactly: it starts full, refills
 * continuously, and a request may borrow from the future for up to max_delay. Times are kept in
 * 1/64 ns, so that odd rates do not drift.
 *
 * Buckets lie in sets of 8 slots found by a keyed hash of the source, whose 64 bits are the slot's
 * tag. A source unseen for ttl is forgotten; when a set is full, the source unseen for longest
 * makes room (on full: fails open for that one source). Bounded by RATE_BUCKET_SOURCES.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mw/mw.h"

enum { RATE_BUCKET_SOURCES = 65536, RATE_BUCKET_TICKS_PER_NS = 64 };

struct rate_rule {
	uint64_t token_ticks;	  /* one token's time to come back */
	uint64_t capacity_ticks;  /* burst tokens */
	uint64_t max_delay_ticks; /* how long a request may be held back */
	uint64_t ttl_ns;	  /* of an unused bucket */
};

/* average per period > 0, burst >= 1 (reference/traefik.md c.5). */
struct rate_rule rate_bucket_rule(int64_t average, int64_t period_ns, int64_t burst);

struct mw_state *rate_bucket_new(void);
/*
 * Takes one token for the source with this hash. True: the request may go on after *ret_delay_ns
 * (often 0). False: nothing was taken, and it would have had to wait *ret_delay_ns.
 */
bool rate_bucket_take(struct mw_state *state, const struct rate_rule *rule, uint64_t source,
		      uint64_t now_ns, uint64_t *ret_delay_ns);

#endif
