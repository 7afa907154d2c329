// SPDX-License-Identifier: Apache-2.0
/* in_flight: see the header. */

#include "mw/in_flight.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"

enum { WAYS = 16, SETS = IN_FLIGHT_SOURCES / WAYS, COUNT_BITS = 24, TRIES = 64 };

#define COUNT_MASK ((1ULL << COUNT_BITS) - 1)

struct table {
	struct mw_state state; /* first */
	_Atomic uint64_t *words;
};

static void table_free(struct mw_state *state)
{
	free(((struct table *)state)->words);
	free(state);
}

static size_t table_memory(const struct mw_state *state)
{
	(void)state;
	return sizeof(struct table) + IN_FLIGHT_SOURCES * sizeof(uint64_t);
}

struct mw_state *in_flight_new(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->words = calloc(IN_FLIGHT_SOURCES, sizeof(*table->words));
	if (!table->words) {
		free(table);
		return NULL;
	}
	ref_init(&table->state.ref);
	table->state.free = table_free;
	table->state.memory_bytes = table_memory;
	return &table->state;
}

static uint64_t tag_of(uint64_t source)
{
	return source & ~COUNT_MASK;
}

static uint32_t set_of(uint64_t source)
{
	return (uint32_t)(hash_mix64(source) % SETS) * WAYS;
}

static bool is_of(uint64_t word, uint64_t tag)
{
	return (word & COUNT_MASK) && (word & ~COUNT_MASK) == tag;
}

/* The source's slot in its set before way to; IN_FLIGHT_NONE: none. */
static uint32_t find(struct table *table, uint64_t source, uint32_t to)
{
	uint32_t set = set_of(source);

	for (uint32_t i = set; i < to; i++)
		if (is_of(atomic_load(&table->words[i]), tag_of(source)))
			return i;
	return IN_FLIGHT_NONE;
}

/* Takes the first free slot of the set for one request; IN_FLIGHT_NONE: none is free. */
static uint32_t claim(struct table *table, uint64_t source)
{
	uint32_t set = set_of(source);

	for (uint32_t i = set; i < set + WAYS; i++) {
		uint64_t word = atomic_load(&table->words[i]);

		if (!(word & COUNT_MASK) &&
		    atomic_compare_exchange_strong(&table->words[i], &word, tag_of(source) | 1))
			return i;
	}
	return IN_FLIGHT_NONE;
}

bool in_flight_enter(struct mw_state *state, uint64_t source, uint64_t limit, uint32_t *ret_slot)
{
	struct table *table = (struct table *)state;

	*ret_slot = IN_FLIGHT_NONE;
	if (limit == 0)
		return false;
	if (limit > COUNT_MASK)
		limit = COUNT_MASK;
	for (int tries = 0; tries < TRIES; tries++) {
		uint32_t at = find(table, source, set_of(source) + WAYS);

		if (at == IN_FLIGHT_NONE) {
			at = claim(table, source);
			if (at == IN_FLIGHT_NONE)
				return true;
			/* Two threads may have claimed two: the one further on gives way. */
			if (find(table, source, at) == IN_FLIGHT_NONE) {
				*ret_slot = at;
				return true;
			}
			in_flight_leave(state, at);
			continue;
		}
		uint64_t word = atomic_load(&table->words[at]);

		if (!is_of(word, tag_of(source)))
			continue; /* has just become free */
		if ((word & COUNT_MASK) >= limit)
			return false;
		if (atomic_compare_exchange_weak(&table->words[at], &word, word + 1)) {
			*ret_slot = at;
			return true;
		}
	}
	return true;
}

void in_flight_leave(struct mw_state *state, uint32_t slot)
{
	struct table *table = (struct table *)state;

	if (slot != IN_FLIGHT_NONE)
		atomic_fetch_sub(&table->words[slot], 1);
}

uint64_t in_flight_count(const struct mw_state *state, uint64_t source)
{
	struct table *table = (struct table *)(uintptr_t)state;
	uint32_t at = find(table, source, set_of(source) + WAYS);

	return at == IN_FLIGHT_NONE ? 0 : atomic_load(&table->words[at]) & COUNT_MASK;
}
