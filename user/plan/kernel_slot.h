/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_SLOT_H
#define KERNEL_SLOT_H

/*
 * kernel_slot: which slot of a table each name gets: the one it has, or else one that nobody had.
 *
 * A slot that has just become free is the last choice: what the kernel remembers about it (buckets,
 * bans) must not become another's. Slot 0 of every table means "none".
 */

#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/arena.h"
#include "base/str.h"

/* Names of a table as it is: at the same offset in every slot. */
struct kernel_slot_table {
	const char *first_name; /* of slot 0; NULL: the table is empty */
	size_t slot_bytes;
	uint32_t n;
};

/* Padded with zeros: names are compared whole. A longer name is cut; the cut is its identity. */
void kernel_slot_name(char ret_name[ABI_NAME_BYTES], struct str name);
/*
 * Slots for n names (an array of pointers' targets read by name_of). -ENOSPC, -ENOMEM. The same
 * name twice: the second is as if it were new.
 */
int kernel_slot_assign(const struct kernel_slot_table *table,
		       struct str (*name_of)(const void *user, size_t i), const void *user,
		       size_t n, struct arena *arena, uint32_t *ret_slots);

#endif
