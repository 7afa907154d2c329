// SPDX-License-Identifier: Apache-2.0
/* kernel_room: first fit from a hint on. */
#include "plan/kernel_room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_hash.h"

enum { FREE, TAKEN, RETIRED, AWAITED, UNIT_LINES = 32, CLASS_MASK = 3, CLASS_BITS = 2 };

int kernel_room_init(struct kernel_room *room, uint32_t n_lines)
{
	*room = (struct kernel_room){.n_units = n_lines / UNIT_LINES, .hint = 1};
	room->units = calloc(room->n_units ? room->n_units : 1, 1);
	if (!room->units)
		return -ENOMEM;
	room->units[0] = TAKEN;
	room->n_free = room->n_units ? room->n_units - 1 : 0;
	return 0;
}

void kernel_room_done(struct kernel_room *room)
{
	free(room->units);
	*room = (struct kernel_room){0};
}

static uint32_t units_of(uint32_t class)
{
	return ring_lines(class) / UNIT_LINES;
}

static void set(struct kernel_room *room, uint32_t ring, uint8_t to)
{
	uint32_t first = (ring >> CLASS_BITS) / UNIT_LINES, n = units_of(ring & CLASS_MASK);

	for (uint32_t i = first; ring && i < first + n && i < room->n_units; i++) {
		room->n_free += (to == FREE) - (uint32_t)(room->units[i] == FREE);
		room->units[i] = to;
	}
}

/* The first unit of a free place, or 0. */
static uint32_t find(const struct kernel_room *room, uint32_t units)
{
	uint32_t n_places = room->n_units / units, start = room->hint / units;

	for (uint32_t i = 0; i < n_places; i++) {
		uint32_t first = (start + i) % n_places * units, used = 0;

		while (used < units && room->units[first + used] == FREE)
			used++;
		if (used == units)
			return first;
	}
	return 0;
}

uint32_t kernel_room_take(struct kernel_room *room, uint32_t class, bool may_shrink)
{
	for (;; class --) {
		uint32_t units = units_of(class);
		/* A half for the smaller ones' and all rings' successors, a quarter below that. */
		uint32_t keep = class > 1 ? room->n_units / 2 : class ? room->n_units / 4 : 0;
		bool fits = room->n_free >= units + (may_shrink ? keep : 0);
		uint32_t first = fits ? find(room, units) : 0;

		if (first) {
			uint32_t ring = first * UNIT_LINES << CLASS_BITS | class;

			set(room, ring, TAKEN);
			room->hint = first + units;
			return ring;
		}
		if (!class || !may_shrink)
			return 0;
	}
}

void kernel_room_claim(struct kernel_room *room, uint32_t ring)
{
	set(room, ring, TAKEN);
}

void kernel_room_retire(struct kernel_room *room, uint32_t ring)
{
	set(room, ring, RETIRED);
}

void kernel_room_drop(struct kernel_room *room, uint32_t ring)
{
	set(room, ring, FREE);
}

bool kernel_room_await(struct kernel_room *room)
{
	bool any = false;

	for (uint32_t i = 1; i < room->n_units; i++) {
		if (room->units[i] == RETIRED)
			room->units[i] = AWAITED;
		any |= room->units[i] == AWAITED;
	}
	return any;
}

void kernel_room_settle(struct kernel_room *room)
{
	for (uint32_t i = 1; i < room->n_units; i++) {
		room->n_free += room->units[i] == AWAITED;
		if (room->units[i] == AWAITED)
			room->units[i] = FREE;
	}
}
