/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

/*
 * cache_store: kept responses by key, in bounded memory, shared by all workers; and who is fetching
 * what right now.
 *
 * Keys are spread over shards, each behind a lock that is held for a few memory accesses and that
 * nobody sleeps on: one that stays taken for longer (its holder lost the processor) is given up,
 * and the request does without the store. What is found is counted as referenced and used without
 * the lock. When memory is short, what was not asked for since the last look is dropped (CLOCK).
 *
 * A flight is one request's fetch for a key. Others that miss the same key wait for it: they look
 * at its state, which it changes without a lock.
 */

#include "mw/cache_object.h"
#include "mw/mw.h"

enum cache_flight_state {
	CACHE_FLYING,
	CACHE_LANDED, /* over: look again */
	CACHE_LOST,   /* its leader's client is gone: somebody else may lead another */
	CACHE_VOID,   /* what it brings is outdated: the key was dropped meanwhile */
};

struct cache_flight {
	struct ref ref;
	_Atomic uint8_t state; /* enum cache_flight_state */
	uint64_t hash, until_ns;
	struct cache_flight *next; /* in its shard */
	struct str key;
};

struct mw_state *cache_store_new(size_t max_bytes);
/* Where objects of this store are counted. */
atomic_size_t *cache_store_used(struct mw_state *state);
/* True when n more bytes fit, perhaps after others were dropped; they are not taken yet. */
bool cache_store_make_room(struct mw_state *state, size_t n);
/* A reference to what is kept, or NULL; *ret_busy: nothing is known. */
struct cache_object *cache_store_find(struct mw_state *state, struct str key, bool *ret_busy);
/* Puts it in place of what is there; the caller keeps its own reference. False: not kept. */
bool cache_store_put(struct mw_state *state, struct str key, struct cache_object *object);
/* Forgets the key, and voids a flight for it. */
void cache_store_drop(struct mw_state *state, struct str key);
/* For cache_object_varies(): a number that was not used before. */
uint64_t cache_store_id(struct mw_state *state);

/*
 * The flight for this key, with a reference: a new one that the caller leads (*ret_leads), or one
 * that is under way. NULL without memory, or when the store is busy.
 */
struct cache_flight *cache_store_join(struct mw_state *state, struct str key, uint64_t now_ns,
				      uint64_t until_ns, bool *ret_leads);
/* The leader's: the flight is over (CACHE_LANDED, CACHE_LOST), and its reference given back.
 * Accepts NULL. */
void cache_store_land(struct mw_state *state, struct cache_flight *flight,
		      enum cache_flight_state how);
static inline uint8_t cache_flight_state(const struct cache_flight *flight)
{
	return atomic_load_explicit(&flight->state, memory_order_acquire);
}
void cache_flight_put(struct cache_flight *flight); /* accepts NULL */

#endif
