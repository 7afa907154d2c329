/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PART_H
#define PART_H

/*
 * part: memory, and what is to be released with it, that snapshots share: what one object has
 * become is the same in every snapshot until the object changes.
 *
 * Snapshots come one after the other, so a part is in a row of them. When it is replaced it is
 * buried in the grave of the last snapshot that has it; a grave is emptied when that snapshot and
 * all older ones are gone. Parts are made and buried by one thread; the last reference to a grave
 * may go on any.
 */

#include "base/arena.h"

struct part {
	struct arena memory;
	struct arena *arena; /* memory, or that of a larger part which lives at least as long */
	struct part_owned *owned;
	struct part *next; /* in a grave */
};

/* NULL without memory. */
struct part *part_new(size_t block_bytes);
/* One that has no memory of its own: whole must be buried after it. */
struct part *part_within(struct part *whole);
void part_free(struct part *part);
/* Releases thing with the part, in reverse order. */
void part_own(struct part *part, void *thing, void (*release)(void *thing));

struct part_grave;

/* The first one. NULL without memory. */
struct part_grave *part_grave_new(void);
/* The grave of the next snapshot; a new reference. Nothing is buried in the older one afterwards.
 */
struct part_grave *part_grave_next(struct part_grave *grave);
void part_grave_bury(struct part_grave *grave, struct part *part);
struct part_grave *part_grave_ref(struct part_grave *grave);
void part_grave_unref(struct part_grave *grave);

#endif
