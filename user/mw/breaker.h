/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BREAKER_H
#define BREAKER_H

/*
 * breaker: what a circuit breaker remembers (reference/traefik.md c.11), shared by all workers
 * without a lock.
 *
 *	standby --(expression true)--> tripped --(fallback over)--> recovering --(over)--> standby
 *	                                  ^----------(expression true)----/
 *
 * State and its end are one word. Answers are counted per status in ten cells of a second, times in
 * six histograms of ten seconds: a cell that has become old is emptied by whoever comes first to
 * its new second; the few counts that race with this may be lost.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mw/mw.h"

enum breaker_phase { BREAKER_STANDBY, BREAKER_TRIPPED, BREAKER_RECOVERING };

struct breaker_times {
	uint64_t check_ns, fallback_ns, recovery_ns;
};

struct mw_state *breaker_new(void);
/* Whether a request may go on; moves the state on as time has passed. */
bool breaker_allows(struct mw_state *state, const struct breaker_times *times, uint64_t now_ns);
/* One answer: its status, and how long it took. */
void breaker_record(struct mw_state *state, unsigned status, uint64_t took_ns, uint64_t now_ns);
/*
 * Whether it is time to check the expression: true for one caller per check_ns, and not while
 * tripped.
 */
bool breaker_due(struct mw_state *state, const struct breaker_times *times, uint64_t now_ns);
/* The expression is true: trips, and forgets what was counted. */
void breaker_trip(struct mw_state *state, const struct breaker_times *times, uint64_t now_ns);
/* Without moving the state on. */
enum breaker_phase breaker_phase(const struct mw_state *state, const struct breaker_times *times,
				 uint64_t now_ns);

/* Of the last ten seconds: answers with a status in [from, to). */
uint64_t breaker_count(const struct mw_state *state, unsigned from, unsigned to, uint64_t now_ns);
/* Of the last minute: milliseconds that quantile percent of the answers did not exceed. */
uint64_t breaker_latency_ms(const struct mw_state *state, double quantile, uint64_t now_ns);

#endif
