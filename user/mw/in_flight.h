/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IN_FLIGHT_H
#define IN_FLIGHT_H

/*
 * in_flight: how many requests of each source are under way, counted by all workers without a lock.
 *
 * A slot is one 64-bit word: 40 bits of the source's keyed hash and the count, so that taking a
 * slot over and counting in it are the same atomic step; one whose count is 0 is free. Slots lie in
 * sets of 16. When all slots of a set are taken by other sources, a further source is not counted
 * (fails open for it). Bounded by IN_FLIGHT_SOURCES.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mw/mw.h"

enum { IN_FLIGHT_SOURCES = 65536, IN_FLIGHT_NONE = UINT32_MAX };

struct mw_state *in_flight_new(void);
/*
 * Counts one more request of the source with this hash, unless there are limit already: then false.
 * *ret_slot is for in_flight_leave(); IN_FLIGHT_NONE: not counted.
 */
bool in_flight_enter(struct mw_state *state, uint64_t source, uint64_t limit, uint32_t *ret_slot);
void in_flight_leave(struct mw_state *state, uint32_t slot);
/* Requests of this source now. */
uint64_t in_flight_count(const struct mw_state *state, uint64_t source);

#endif
