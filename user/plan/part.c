// SPDX-License-Identifier: Apache-2.0
/*
 * part: see the header. A grave holds a reference to the next newer one, so that parts go in the
 * order in which they were replaced: whoever still reads an old snapshot keeps all that came later.
 */

#include "plan/part.h"

#include <stdlib.h>

#include "base/ref.h"

enum { PART_CAP_BYTES = 1 << 30 };

struct part_owned {
	struct part_owned *next; /* registered before this one */
	void *thing;
	void (*release)(void *thing);
};

struct part_grave {
	struct ref ref;
	struct part *first, *last;
	struct part_grave *newer; /* a reference */
};

struct part *part_new(size_t block_bytes)
{
	struct part *part = calloc(1, sizeof(*part));

	if (!part)
		return NULL;
	arena_init(&part->memory, PART_CAP_BYTES, block_bytes);
	part->arena = &part->memory;
	return part;
}

struct part *part_within(struct part *whole)
{
	struct part *part = calloc(1, sizeof(*part));

	if (part)
		part->arena = whole->arena;
	return part;
}

void part_free(struct part *part)
{
	if (!part)
		return;
	for (struct part_owned *owned = part->owned; owned; owned = owned->next)
		owned->release(owned->thing);
	if (part->arena == &part->memory)
		arena_done(&part->memory);
	free(part);
}

void part_own(struct part *part, void *thing, void (*release)(void *thing))
{
	struct part_owned *owned = ARENA_NEW(part->arena, struct part_owned);

	if (!owned) {
		/* Nobody could free it later; the arena's sticky failure makes compile give up. */
		release(thing);
		return;
	}
	*owned = (struct part_owned){part->owned, thing, release};
	part->owned = owned;
}

/* ----------------------------------------------------------------- graves -- */

struct part_grave *part_grave_new(void)
{
	struct part_grave *grave = calloc(1, sizeof(*grave));

	if (grave)
		ref_init(&grave->ref);
	return grave;
}

struct part_grave *part_grave_next(struct part_grave *grave)
{
	grave->newer = part_grave_new();
	return grave->newer ? part_grave_ref(grave->newer) : NULL;
}

void part_grave_bury(struct part_grave *grave, struct part *part)
{
	part->next = NULL;
	if (grave->last)
		grave->last->next = part;
	else
		grave->first = part;
	grave->last = part;
}

struct part_grave *part_grave_ref(struct part_grave *grave)
{
	ref_get(&grave->ref);
	return grave;
}

void part_grave_unref(struct part_grave *grave)
{
	/* One after the other, without recursion: there may have been many. */
	while (grave && ref_put(&grave->ref)) {
		struct part_grave *newer = grave->newer;

		for (struct part *part = grave->first, *next; part; part = next) {
			next = part->next;
			part_free(part);
		}
		free(grave);
		grave = newer;
	}
}
