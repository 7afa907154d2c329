/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_H
#define TABLE_H

/*
 * table: a string-keyed hash table (open addressing, SipHash-1-3 with a per-process random key,
 * since keys may come from attackers). Keys are borrowed: they must outlive the table. Values are
 * pointers, never NULL. Memory comes from malloc, or from an arena when one is given (then
 * table_done does nothing). Not thread-safe for changes; lookups of a frozen table may run
 * concurrently.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct table_slot {
	struct str key;
	uint64_t hash;
	void *value; /* NULL: free; TABLE_GONE: removed */
};

struct table {
	struct table_slot *slots;
	size_t n_slots; /* a power of two, or 0 */
	size_t n, n_used;
	struct arena *arena;
};

void table_init(struct table *table, struct arena *arena);
void table_done(struct table *table);
void *table_find(const struct table *table, struct str key);
/* Inserts or replaces; returns 0, or -ENOMEM. ret_old (may be NULL) gets the value replaced, or
 * NULL. */
int table_put(struct table *table, struct str key, void *value, void **ret_old);
/* Removes; returns the value or NULL. */
void *table_del(struct table *table, struct str key);
/* The next used slot after slot (NULL: the first), or NULL: iteration in no useful order. */
struct table_slot *table_next(const struct table *table, struct table_slot *slot);
#define TABLE_EACH(table, slot)                                         \
	for (struct table_slot *slot = table_next((table), NULL); slot; \
	     slot = table_next((table), slot))

#endif
