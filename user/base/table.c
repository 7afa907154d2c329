// SPDX-License-Identifier: Apache-2.0
/*
 * table: linear probing over a power of two of slots, at most three quarters used (removed slots
 * count, so that a probe always ends). Growing rehashes by the stored hash and drops the removed
 * slots.
 */

#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/die.h"
#include "base/hash.h"

enum { FIRST_SLOTS = 8 };

/* The address marks a slot whose value was removed; its content is nothing. */
static const char gone_mark;
#define TABLE_GONE ((void *)(uintptr_t)&gone_mark)

void table_init(struct table *table, struct arena *arena)
{
	*table = (struct table){.arena = arena};
}

void table_done(struct table *table)
{
	if (!table)
		return;
	if (!table->arena)
		free(table->slots);
	*table = (struct table){.arena = table->arena};
}

static struct table_slot *find(const struct table *table, struct str key, uint64_t hash)
{
	if (table->n_slots == 0)
		return NULL;
	for (size_t i = hash & (table->n_slots - 1);; i = (i + 1) & (table->n_slots - 1)) {
		struct table_slot *slot = &table->slots[i];

		if (!slot->value)
			return NULL;
		if (slot->hash != hash || slot->value == TABLE_GONE)
			continue;
		/* As good as found: the value comes from memory while the keys are compared. */
		__builtin_prefetch(slot->value);
		if (str_eq(slot->key, key))
			return slot;
	}
}

void *table_find(const struct table *table, struct str key)
{
	struct table_slot *slot = table->n ? find(table, key, hash_keyed(key)) : NULL;

	return slot ? slot->value : NULL;
}

/* Puts into the first free slot of the probe; the caller knows that the key is not there. */
static void place(struct table *table, struct table_slot added)
{
	size_t i = added.hash & (table->n_slots - 1);

	while (table->slots[i].value)
		i = (i + 1) & (table->n_slots - 1);
	table->slots[i] = added;
	table->n_used++;
}

static int grow(struct table *table)
{
	struct table old = *table;
	size_t n_slots = FIRST_SLOTS;

	/* Sized by what is alive: a table full of removed slots is rebuilt at its size. */
	while (n_slots < table->n * 2 + 2)
		n_slots *= 2;
	table->slots = table->arena ? ARENA_ARRAY(table->arena, struct table_slot, n_slots)
				    : calloc(n_slots, sizeof(*table->slots));
	if (!table->slots) {
		*table = old;
		return -ENOMEM;
	}
	table->n_slots = n_slots;
	table->n_used = 0;
	for (size_t i = 0; i < old.n_slots; i++)
		if (old.slots[i].value && old.slots[i].value != TABLE_GONE)
			place(table, old.slots[i]);
	if (!table->arena)
		free(old.slots);
	return 0;
}

int table_put(struct table *table, struct str key, void *value, void **ret_old)
{
	uint64_t hash = hash_keyed(key);
	struct table_slot *slot = find(table, key, hash);

	ASSERT(value);
	if (slot) {
		if (ret_old)
			*ret_old = slot->value;
		/* The new key: the old one may end with the old value. */
		slot->key = key;
		slot->value = value;
		return 0;
	}
	if ((table->n_used + 1) * 4 > table->n_slots * 3 && grow(table))
		return -ENOMEM;
	place(table, (struct table_slot){key, hash, value});
	table->n++;
	if (ret_old)
		*ret_old = NULL;
	return 0;
}

void *table_del(struct table *table, struct str key)
{
	struct table_slot *slot = table->n ? find(table, key, hash_keyed(key)) : NULL;

	if (!slot)
		return NULL;
	void *value = slot->value;

	slot->value = TABLE_GONE;
	slot->key = (struct str){0};
	table->n--;
	return value;
}

struct table_slot *table_next(const struct table *table, struct table_slot *slot)
{
	size_t i = slot ? (size_t)(slot - table->slots) + 1 : 0;

	for (; i < table->n_slots; i++)
		if (table->slots[i].value && table->slots[i].value != TABLE_GONE)
			return &table->slots[i];
	return NULL;
}
