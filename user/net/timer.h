/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TIMER_H
#define TIMER_H

/*
 * timer: deadlines in a hierarchical wheel of 1 ms ticks. Setting and cancelling cost O(1).
 *
 * Moving a deadline into the future, which is what happens to a connection with every request, only
 * stores the new time: the timer stays where it is in the wheel, and is put to its right place when
 * its old turn comes. Pure: the time is an argument. Timers fire at or after their time, never
 * before.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum {
	TIMER_LEVELS = 6,
	TIMER_SLOT_BITS = 6,
	TIMER_SLOTS = 1 << TIMER_SLOT_BITS,
};

struct timer {
	struct list node;
	uint64_t at_ns;	    /* when it is wanted; 0: not at all */
	uint64_t queued_ns; /* where it stands in the wheel; 0: nowhere */
	uint8_t level, slot;
	void (*on_fire)(struct timer *timer);
};

struct timer_wheel {
	uint64_t tick;		     /* every tick before this one was served */
	uint64_t used[TIMER_LEVELS]; /* a bit per slot that may hold timers */
	struct list slots[TIMER_LEVELS][TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ns);
void timer_init(struct timer *timer, void (*on_fire)(struct timer *timer));
void timer_queue(struct timer_wheel *wheel, struct timer *timer);
/* at_ns > 0 replaces what was set before. */
static inline void timer_set(struct timer_wheel *wheel, struct timer *timer, uint64_t at_ns)
{
	timer->at_ns = at_ns;
	if (timer->queued_ns == 0 || at_ns < timer->queued_ns)
		timer_queue(wheel, timer);
}
/* Takes it out of the wheel: a must before its memory goes. */
void timer_cancel(struct timer_wheel *wheel, struct timer *timer);
/* Nanoseconds until timer_run() has something to do; UINT64_MAX: nothing is queued. */
uint64_t timer_wait_ns(const struct timer_wheel *wheel, uint64_t now_ns);
/* Fires everything due. on_fire may set and cancel any timer and free its own. */
void timer_run(struct timer_wheel *wheel, uint64_t now_ns);

#endif
