// SPDX-License-Identifier: Apache-2.0
/* kernel_slot: a hashed index of the old names, then two passes: keep, then fill. */
#include "plan/kernel_slot.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void kernel_slot_name(char ret_name[ABI_NAME_BYTES], struct str name)
{
	memset(ret_name, 0, ABI_NAME_BYTES);
	if (name.len)
		memcpy(ret_name, name.at,
		       name.len < ABI_NAME_BYTES - 1 ? name.len : ABI_NAME_BYTES - 1);
}

static uint32_t hash_of(const char name[ABI_NAME_BYTES])
{
	uint64_t word[ABI_NAME_BYTES / 8], h = 0;

	memcpy(word, name, sizeof(word));
	for (size_t i = 0; i < ABI_NAME_BYTES / 8; i++)
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15ULL ^ h >> 29;
	return (uint32_t)(h >> 32);
}

/* Slots by name, open addressing; 0 is empty. */
struct index {
	const struct kernel_slot_table *table;
	uint32_t *cells, mask;
};

static const char *old_name(const struct index *index, uint32_t slot)
{
	return index->table->first_name + slot * index->table->slot_bytes;
}

static int build(struct index *index, struct arena *arena)
{
	uint32_t room = 64;

	while (room < 2 * index->table->n)
		room *= 2;
	index->mask = room - 1;
	index->cells = ARENA_ARRAY(arena, uint32_t, room);
	if (!index->cells)
		return -ENOMEM;
	for (uint32_t slot = 1; index->table->first_name && slot < index->table->n; slot++) {
		if (!*old_name(index, slot))
			continue;
		uint32_t at = hash_of(old_name(index, slot)) & index->mask;

		while (index->cells[at])
			at = (at + 1) & index->mask;
		index->cells[at] = slot;
	}
	return 0;
}

static uint32_t find(const struct index *index, struct str name)
{
	char want[ABI_NAME_BYTES];

	kernel_slot_name(want, name);
	if (!want[0])
		return 0;
	for (uint32_t at = hash_of(want) & index->mask; index->cells[at];
	     at = (at + 1) & index->mask)
		if (!memcmp(old_name(index, index->cells[at]), want, ABI_NAME_BYTES))
			return index->cells[at];
	return 0;
}

int kernel_slot_assign(const struct kernel_slot_table *table,
		       struct str (*name_of)(const void *user, size_t i), const void *user,
		       size_t n, struct arena *arena, uint32_t *ret_slots)
{
	struct index index = {.table = table};
	bool *used = ARENA_ARRAY(arena, bool, table->n);
	uint32_t fresh = 1, freed = 1;
	int err = build(&index, arena);

	if (err || !used)
		return -ENOMEM;
	used[0] = true;
	for (size_t i = 0; i < n; i++) {
		ret_slots[i] = find(&index, name_of(user, i));
		if (used[ret_slots[i]])
			ret_slots[i] = 0;
		used[ret_slots[i]] = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (ret_slots[i])
			continue;
		while (fresh < table->n &&
		       (used[fresh] || (table->first_name && *old_name(&index, fresh))))
			fresh++;
		while (fresh == table->n && freed < table->n && used[freed])
			freed++;
		ret_slots[i] = fresh < table->n ? fresh : freed;
		if (ret_slots[i] == table->n)
			return -ENOSPC;
		used[ret_slots[i]] = true;
	}
	return 0;
}
