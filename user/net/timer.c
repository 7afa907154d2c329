// SPDX-License-Identifier: Apache-2.0
/*
 * timer: level l has 64 slots of 64^l ticks. A timer stands in the lowest level whose range reaches
 * it; when the wheel comes to a slot of a higher level, its timers move down. One bit per slot says
 * whether it may hold any, so that the next due slot is found by counting zeros.
 */

#include "net/timer.h"

#include "base/clock.h"

enum { SLOT_MASK = TIMER_SLOTS - 1 };

/* 2^36 ticks of 1 ms: 2 years. What is later waits in the last slot and is queued again there. */
static const uint64_t RANGE_TICKS = 1ULL << (TIMER_LEVELS * TIMER_SLOT_BITS);

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ns)
{
	wheel->tick = now_ns / NS_PER_MS;
	for (int level = 0; level < TIMER_LEVELS; level++) {
		wheel->used[level] = 0;
		for (int slot = 0; slot < TIMER_SLOTS; slot++)
			list_init(&wheel->slots[level][slot]);
	}
}

void timer_init(struct timer *timer, void (*on_fire)(struct timer *timer))
{
	*timer = (struct timer){.on_fire = on_fire};
	list_init(&timer->node);
}

static void take_out(struct timer_wheel *wheel, struct timer *timer)
{
	struct list *slot = &wheel->slots[timer->level][timer->slot];

	list_del(&timer->node);
	if (list_empty(slot))
		wheel->used[timer->level] &= ~(1ULL << timer->slot);
	timer->queued_ns = 0;
}

void timer_queue(struct timer_wheel *wheel, struct timer *timer)
{
	if (timer->queued_ns)
		take_out(wheel, timer);
	/* Rounded up: a timer never fires before its time. */
	uint64_t tick = timer->at_ns / NS_PER_MS + (timer->at_ns % NS_PER_MS != 0);
	int level = 0;

	if (tick < wheel->tick)
		tick = wheel->tick;
	if (tick - wheel->tick >= RANGE_TICKS)
		tick = wheel->tick + RANGE_TICKS - 1;
	/*
	 * The lowest level in which tick and now differ by less than a whole turn: there, slots
	 * ahead of the current one are the future and none is ambiguous.
	 */
	while (level < TIMER_LEVELS - 1 &&
	       (tick >> (level * TIMER_SLOT_BITS)) - (wheel->tick >> (level * TIMER_SLOT_BITS)) >=
		       TIMER_SLOTS)
		level++;
	uint64_t slot = (tick >> (level * TIMER_SLOT_BITS)) & SLOT_MASK;

	timer->level = (uint8_t)level;
	timer->slot = (uint8_t)slot;
	timer->queued_ns = timer->at_ns;
	list_add_back(&wheel->slots[level][slot], &timer->node);
	wheel->used[level] |= 1ULL << slot;
}

void timer_cancel(struct timer_wheel *wheel, struct timer *timer)
{
	if (timer->queued_ns)
		take_out(wheel, timer);
	timer->at_ns = 0;
}

/* Ticks from the wheel's tick to the next slot of that level that may hold something; false: none.
 */
static bool next_in_level(const struct timer_wheel *wheel, int level, uint64_t *ret_tick)
{
	uint64_t used = wheel->used[level];
	unsigned int shift = (unsigned int)level * TIMER_SLOT_BITS;
	uint64_t here = wheel->tick >> shift;
	unsigned int slot = (unsigned int)(here & SLOT_MASK);

	if (!used)
		return false;
	/* Rotated so that bit 0 is the current slot. */
	uint64_t ahead = slot ? used >> slot | used << (TIMER_SLOTS - slot) : used;

	/*
	 * Nothing is ever queued into the current slot of a higher level (it would fit a lower
	 * one), and what stood there moved down when the wheel came to its beginning: so bit 0
	 * means "now" in every level.
	 */
	*ret_tick = (here + (unsigned int)__builtin_ctzll(ahead)) << shift;
	return true;
}

static bool next_tick(const struct timer_wheel *wheel, uint64_t *ret_tick)
{
	uint64_t tick;
	bool any = false;

	for (int level = 0; level < TIMER_LEVELS; level++) {
		if (next_in_level(wheel, level, &tick) && (!any || tick < *ret_tick)) {
			*ret_tick = tick;
			any = true;
		}
	}
	return any;
}

uint64_t timer_wait_ns(const struct timer_wheel *wheel, uint64_t now_ns)
{
	uint64_t tick;

	if (!next_tick(wheel, &tick))
		return UINT64_MAX;
	uint64_t at_ns = tick * NS_PER_MS;

	return at_ns > now_ns ? at_ns - now_ns : 0;
}

/* The wheel stands at a tick that begins a slot of this level: its timers go where they now belong.
 */
static void move_down(struct timer_wheel *wheel, int level)
{
	struct list *slot =
		&wheel->slots[level][(wheel->tick >> (level * TIMER_SLOT_BITS)) & SLOT_MASK];
	struct list moving;

	if (list_empty(slot))
		return;
	moving = *slot;
	moving.next->prev = moving.prev->next = &moving;
	list_init(slot);
	wheel->used[level] &= ~(1ULL << ((wheel->tick >> (level * TIMER_SLOT_BITS)) & SLOT_MASK));
	while (!list_empty(&moving)) {
		struct timer *timer = LIST_OF(moving.next, struct timer, node);

		list_del(&timer->node);
		timer->queued_ns = 0;
		timer_queue(wheel, timer);
	}
}

static void fire_slot(struct timer_wheel *wheel, uint64_t now_ns)
{
	struct list *slot = &wheel->slots[0][wheel->tick & SLOT_MASK];
	struct list due;

	if (list_empty(slot))
		return;
	/* Taken off first: a timer that is set to "now" by a handler waits for the next run. */
	due = *slot;
	due.next->prev = due.prev->next = &due;
	list_init(slot);
	wheel->used[0] &= ~(1ULL << (wheel->tick & SLOT_MASK));
	wheel->tick++;
	while (!list_empty(&due)) {
		struct timer *timer = LIST_OF(due.next, struct timer, node);

		list_del(&timer->node);
		timer->queued_ns = 0;
		if (timer->at_ns > now_ns) {
			timer_queue(wheel, timer);
		} else if (timer->at_ns) {
			timer->at_ns = 0;
			timer->on_fire(timer);
		}
	}
	wheel->tick--;
}

void timer_run(struct timer_wheel *wheel, uint64_t now_ns)
{
	uint64_t end = now_ns / NS_PER_MS, tick;

	while (next_tick(wheel, &tick) && tick <= end) {
		wheel->tick = tick;
		for (int level = TIMER_LEVELS - 1; level > 0; level--)
			if (!(tick & ((1ULL << (level * TIMER_SLOT_BITS)) - 1)))
				move_down(wheel, level);
		fire_slot(wheel, now_ns);
		wheel->tick = tick + 1;
	}
	if (wheel->tick < end)
		wheel->tick = end;
}
