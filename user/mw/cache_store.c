// SPDX-License-Identifier: Apache-2.0
/*
 * cache_store: chained hash tables of a fixed size, one per shard, with entries also in a ring in
 * the order of their coming.
 *
 * Objects are freed outside of the locks. Order of references: an entry holds one to its object;
 * exchanges hold their own.
 */

#include "mw/cache_store.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"

enum {
	SHARDS = 64,
	USUAL_BYTES = 4096, /* of an object, for the size of the tables */
	SLOTS_MIN = 16,
	SLOTS_MAX = 1 << 16,
	TRIES = 4096,	/* of a lock, with a pause each: some tens of microseconds */
	DROPS_MAX = 64, /* to make room for one object */
};

struct entry {
	struct entry *next;
	struct list order;
	struct cache_object *object;
	uint64_t hash;
	bool was_used; /* since the last look */
	struct str key;
};

struct shard {
	_Alignas(64) atomic_flag lock;
	struct entry **slots;
	struct list order; /* newest in front */
	struct cache_flight *flights;
};

struct store {
	struct mw_state state; /* first */
	size_t max_bytes, n_slots;
	_Alignas(64) atomic_size_t used_bytes;
	atomic_uint next_victim;
	_Atomic uint64_t next_id;
	struct shard shards[SHARDS];
};

static inline void pause_a_little(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static bool try_lock(struct shard *shard, int tries)
{
	while (atomic_flag_test_and_set_explicit(&shard->lock, memory_order_acquire)) {
		if (--tries <= 0)
			return false;
		pause_a_little();
	}
	return true;
}

static void unlock(struct shard *shard)
{
	atomic_flag_clear_explicit(&shard->lock, memory_order_release);
}

static struct shard *shard_of(struct store *store, uint64_t hash)
{
	return &store->shards[hash >> 58];
}

static struct entry **slot_of(const struct store *store, struct shard *shard, uint64_t hash)
{
	return &shard->slots[hash & (store->n_slots - 1)];
}

static struct entry **find_entry(const struct store *store, struct shard *shard, uint64_t hash,
				 struct str key)
{
	struct entry **at = slot_of(store, shard, hash);

	while (*at && ((*at)->hash != hash || !str_eq((*at)->key, key)))
		at = &(*at)->next;
	return at;
}

static struct entry *unlink_entry(struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	list_del(&entry->order);
	return entry;
}

static size_t entry_bytes(size_t key_bytes)
{
	return sizeof(struct entry) + key_bytes;
}

static void free_entry(struct store *store, struct entry *entry)
{
	if (!entry)
		return;
	atomic_fetch_sub_explicit(&store->used_bytes, entry_bytes(entry->key.len),
				  memory_order_relaxed);
	cache_object_put(entry->object);
	free(entry);
}

static void store_free(struct mw_state *state)
{
	struct store *store = (struct store *)state;

	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &store->shards[i];

		LIST_EACH (&shard->order, it)
			free_entry(store, LIST_OF(it, struct entry, order));
		while (shard->flights) {
			struct cache_flight *flight = shard->flights;

			shard->flights = flight->next;
			cache_flight_put(flight);
		}
	}
	free(store->shards[0].slots);
	free(store);
}

static size_t store_memory(const struct mw_state *state)
{
	const struct store *store = (const struct store *)state;

	return sizeof(*store) + SHARDS * store->n_slots * sizeof(struct entry *) +
	       atomic_load_explicit(&store->used_bytes, memory_order_relaxed);
}

struct mw_state *cache_store_new(size_t max_bytes)
{
	size_t bytes = (sizeof(struct store) + 63) & ~(size_t)63;
	struct store *store = aligned_alloc(64, bytes);
	size_t n = SLOTS_MIN;
	struct entry **slots;

	while (n < SLOTS_MAX && n * SHARDS * USUAL_BYTES < max_bytes)
		n *= 2;
	slots = calloc(n * SHARDS, sizeof(struct entry *));
	if (!store || !slots) {
		free(store);
		free(slots);
		return NULL;
	}
	memset(store, 0, bytes);
	ref_init(&store->state.ref);
	store->state.free = store_free;
	store->state.memory_bytes = store_memory;
	store->max_bytes = max_bytes;
	store->n_slots = n;
	for (int i = 0; i < SHARDS; i++) {
		list_init(&store->shards[i].order);
		store->shards[i].slots = slots + (size_t)i * n;
	}
	return &store->state;
}

atomic_size_t *cache_store_used(struct mw_state *state)
{
	return &((struct store *)state)->used_bytes;
}

uint64_t cache_store_id(struct mw_state *state)
{
	return atomic_fetch_add_explicit(&((struct store *)state)->next_id, 1,
					 memory_order_relaxed);
}

/* The oldest entry that was not used since it was looked at last; NULL: all were, and each has gone
 * to the front without its mark. */
static struct entry *take_victim(struct store *store, struct shard *shard)
{
	const struct list *first_moved = NULL;

	while (!list_empty(&shard->order) && shard->order.prev != first_moved) {
		struct list *last = shard->order.prev;
		struct entry *entry = LIST_OF(last, struct entry, order);

		if (!entry->was_used)
			return unlink_entry(find_entry(store, shard, entry->hash, entry->key));
		entry->was_used = false;
		list_del(last);
		list_add_front(&shard->order, last);
		if (!first_moved)
			first_moved = last;
	}
	return NULL;
}

static bool fits(const struct store *store, size_t n)
{
	size_t used = atomic_load_explicit(&store->used_bytes, memory_order_relaxed);

	return n <= store->max_bytes && used <= store->max_bytes - n;
}

bool cache_store_make_room(struct mw_state *state, size_t n)
{
	struct store *store = (struct store *)state;

	if (n > store->max_bytes)
		return false;
	for (int drops = 0, empty = 0; !fits(store, n);) {
		unsigned int i =
			atomic_fetch_add_explicit(&store->next_victim, 1, memory_order_relaxed) %
			SHARDS;
		struct shard *shard = &store->shards[i];
		struct entry *victim = NULL;

		if (try_lock(shard, 1)) {
			victim = take_victim(store, shard);
			unlock(shard);
		}
		empty = victim ? 0 : empty + 1;
		drops += victim != NULL;
		free_entry(store, victim);
		if (empty > 2 * SHARDS || drops > DROPS_MAX)
			return fits(store, n);
	}
	return true;
}

struct cache_object *cache_store_find(struct mw_state *state, struct str key, bool *ret_busy)
{
	struct store *store = (struct store *)state;
	uint64_t hash = hash_keyed(key);
	struct shard *shard = shard_of(store, hash);
	struct cache_object *object = NULL;
	struct entry *entry;

	*ret_busy = !try_lock(shard, TRIES);
	if (*ret_busy)
		return NULL;
	entry = *find_entry(store, shard, hash, key);
	if (entry) {
		entry->was_used = true;
		object = cache_object_get(entry->object);
	}
	unlock(shard);
	return object;
}

static struct entry *new_entry(struct store *store, struct str key, struct cache_object *object)
{
	struct entry *entry = malloc(entry_bytes(key.len));

	if (!entry)
		return NULL;
	char *text = (char *)(entry + 1);

	memcpy(text, key.at, key.len);
	*entry = (struct entry){.hash = hash_keyed(key),
				.key = str_n(text, key.len),
				.object = cache_object_get(object)};
	atomic_fetch_add_explicit(&store->used_bytes, entry_bytes(key.len), memory_order_relaxed);
	return entry;
}

bool cache_store_put(struct mw_state *state, struct str key, struct cache_object *object)
{
	struct store *store = (struct store *)state;
	struct entry *entry, *old = NULL, **at;
	struct shard *shard;

	if (!cache_store_make_room(state, entry_bytes(key.len)))
		return false;
	entry = new_entry(store, key, object);
	if (!entry)
		return false;
	shard = shard_of(store, entry->hash);
	if (!try_lock(shard, TRIES)) {
		free_entry(store, entry);
		return false;
	}
	at = find_entry(store, shard, entry->hash, key);
	if (*at)
		old = unlink_entry(at);
	at = slot_of(store, shard, entry->hash);
	entry->next = *at;
	*at = entry;
	list_add_front(&shard->order, &entry->order);
	unlock(shard);
	free_entry(store, old);
	return true;
}

static struct cache_flight **find_flight(struct shard *shard, uint64_t hash, struct str key)
{
	struct cache_flight **at = &shard->flights;

	while (*at && ((*at)->hash != hash || !str_eq((*at)->key, key)))
		at = &(*at)->next;
	return at;
}

void cache_store_drop(struct mw_state *state, struct str key)
{
	struct store *store = (struct store *)state;
	uint64_t hash = hash_keyed(key);
	struct shard *shard = shard_of(store, hash);
	struct entry *old = NULL, **at;
	struct cache_flight *flight;

	/* The only one that may not give up: what is outdated must go. */
	while (!try_lock(shard, TRIES))
		;
	at = find_entry(store, shard, hash, key);
	if (*at)
		old = unlink_entry(at);
	flight = *find_flight(shard, hash, key);
	if (flight)
		atomic_store_explicit(&flight->state, CACHE_VOID, memory_order_release);
	unlock(shard);
	free_entry(store, old);
}

void cache_flight_put(struct cache_flight *flight)
{
	if (flight && ref_put(&flight->ref))
		free(flight);
}

static struct cache_flight *new_flight(uint64_t hash, struct str key, uint64_t until_ns)
{
	struct cache_flight *flight = malloc(sizeof(*flight) + key.len);

	if (!flight)
		return NULL;
	char *text = (char *)(flight + 1);

	memcpy(text, key.at, key.len);
	*flight = (struct cache_flight){
		.hash = hash, .until_ns = until_ns, .key = str_n(text, key.len)};
	ref_init(&flight->ref);
	ref_get(&flight->ref); /* one for the shard, one for the leader */
	return flight;
}

struct cache_flight *cache_store_join(struct mw_state *state, struct str key, uint64_t now_ns,
				      uint64_t until_ns, bool *ret_leads)
{
	struct store *store = (struct store *)state;
	uint64_t hash = hash_keyed(key);
	struct shard *shard = shard_of(store, hash);
	struct cache_flight *fresh = new_flight(hash, key, until_ns), *old = NULL, **at, *found;

	*ret_leads = false;
	if (!fresh)
		return NULL;
	if (!try_lock(shard, TRIES)) {
		free(fresh);
		return NULL;
	}
	at = find_flight(shard, hash, key);
	found = *at;
	if (found && cache_flight_state(found) == CACHE_FLYING && now_ns < found->until_ns) {
		ref_get(&found->ref);
		unlock(shard);
		free(fresh);
		return found;
	}
	if (found) {
		old = found;
		*at = found->next;
	}
	fresh->next = shard->flights;
	shard->flights = fresh;
	unlock(shard);
	cache_flight_put(old);
	*ret_leads = true;
	return fresh;
}

void cache_store_land(struct mw_state *state, struct cache_flight *flight,
		      enum cache_flight_state how)
{
	struct store *store = (struct store *)state;
	struct cache_flight **at;
	struct shard *shard;
	bool was_there = false;
	uint8_t flying = CACHE_FLYING;

	if (!flight)
		return;
	atomic_compare_exchange_strong_explicit(&flight->state, &flying, (uint8_t)how,
						memory_order_acq_rel, memory_order_acquire);
	shard = shard_of(store, flight->hash);
	while (!try_lock(shard, TRIES))
		;
	for (at = &shard->flights; *at; at = &(*at)->next) {
		if (*at == flight) {
			*at = flight->next;
			was_there = true;
			break;
		}
	}
	unlock(shard);
	if (was_there)
		cache_flight_put(flight);
	cache_flight_put(flight);
}
