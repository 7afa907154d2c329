/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_ROOM_H
#define KERNEL_ROOM_H

/*
 * kernel_room: which lines of the map "ring" are taken. Rings come in four sizes, each four times
 * the one before, and stand at multiples of their size. Pure. Line 0 is never given away.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct kernel_room {
	uint8_t *units; /* of the smallest ring's size: 0 free, 1 taken, 2 retired, 3 awaited */
	uint32_t n_units, n_free;
	uint32_t hint; /* where to look first */
};

/* 0, or -ENOMEM; freed by kernel_room_done(). */
int kernel_room_init(struct kernel_room *room, uint32_t n_lines);
void kernel_room_done(struct kernel_room *room);
/*
 * A ring of at most that class, smaller when rings are getting scarce and it may be: rings that
 * exist keep half of the room for their successors. 0: no room.
 */
uint32_t kernel_room_take(struct kernel_room *room, uint32_t class, bool may_shrink);
/* Marks a ring as taken: one that was there before us. */
void kernel_room_claim(struct kernel_room *room, uint32_t ring);
/* Packets may still be reading it: it is free after kernel_room_await() and _settle(). 0 is no
 * ring. */
void kernel_room_retire(struct kernel_room *room, uint32_t ring);
/* No packet ever saw it. */
void kernel_room_drop(struct kernel_room *room, uint32_t ring);
/* No packet that begins from now on reads what was retired. True: there is something. */
bool kernel_room_await(struct kernel_room *room);
/* Those that had begun before the last kernel_room_await() are over. */
void kernel_room_settle(struct kernel_room *room);

#endif
