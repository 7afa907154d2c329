// SPDX-License-Identifier: Apache-2.0
/* jwt_fetched: see the header. */

#include "mw/jwt_fetched.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { RETIRED_MAX = 8 };

struct fetched {
	struct mw_state state; /* first */
	struct mw_state *cache;
	_Atomic(struct jwt_keys *) keys;
	atomic_int looking; /* readers between looking and taking */
	_Atomic uint64_t at_ns, tried_ns;
	uint64_t n_sets;
	atomic_bool busy; /* somebody fetches; what follows is theirs */
	struct jwt_keys *retired[RETIRED_MAX];
	size_t n_retired;
};

static void fetched_free(struct mw_state *state)
{
	struct fetched *fetched = (struct fetched *)state;

	for (size_t i = 0; i < fetched->n_retired; i++)
		jwt_keys_put(fetched->retired[i]);
	jwt_keys_put(atomic_load(&fetched->keys));
	if (ref_put(&fetched->cache->ref))
		fetched->cache->free(fetched->cache);
	free(fetched);
}

static size_t fetched_memory(const struct mw_state *state)
{
	const struct fetched *fetched = (const struct fetched *)state;

	return sizeof(*fetched) + sizeof(struct jwt_keys) +
	       fetched->cache->memory_bytes(fetched->cache);
}

struct mw_state *jwt_fetched_new(void)
{
	struct fetched *fetched = calloc(1, sizeof(*fetched));

	if (!fetched)
		return NULL;
	ref_init(&fetched->state.ref);
	fetched->state.free = fetched_free;
	fetched->state.memory_bytes = fetched_memory;
	fetched->cache = auth_cache_new();
	if (fetched->cache)
		return &fetched->state;
	free(fetched);
	return NULL;
}

struct jwt_keys *jwt_fetched_get(struct mw_state *state, uint64_t *ret_at_ns)
{
	struct fetched *fetched = (struct fetched *)state;
	struct jwt_keys *keys;

	/* Sequentially consistent: who replaces the set and then sees nobody looking knows that
	 * whoever looks later sees the new one. */
	atomic_fetch_add(&fetched->looking, 1);
	keys = atomic_load(&fetched->keys);
	if (keys)
		ref_get(&keys->ref);
	atomic_fetch_sub(&fetched->looking, 1);
	*ret_at_ns = atomic_load(&fetched->at_ns);
	return keys;
}

enum jwt_fetch_turn jwt_fetched_begin(struct mw_state *state, uint64_t now_ns, uint64_t interval_ns)
{
	struct fetched *fetched = (struct fetched *)state;
	uint64_t tried_ns = atomic_load(&fetched->tried_ns);

	if (atomic_load(&fetched->busy))
		return JWT_FETCH_UNDER_WAY;
	if (tried_ns && now_ns < tried_ns + interval_ns)
		return JWT_FETCH_NOT_NOW;
	if (atomic_exchange(&fetched->busy, true))
		return JWT_FETCH_UNDER_WAY;
	/* Another one may have come and gone since. */
	tried_ns = atomic_load(&fetched->tried_ns);
	if (tried_ns && now_ns < tried_ns + interval_ns) {
		atomic_store(&fetched->busy, false);
		return JWT_FETCH_NOT_NOW;
	}
	return JWT_FETCH_YOURS;
}

/* Of the one who is busy. */
static void sweep(struct fetched *fetched)
{
	if (atomic_load(&fetched->looking) != 0)
		return;
	while (fetched->n_retired)
		jwt_keys_put(fetched->retired[--fetched->n_retired]);
}

void jwt_fetched_end(struct mw_state *state, struct jwt_keys *keys, uint64_t now_ns)
{
	struct fetched *fetched = (struct fetched *)state;

	sweep(fetched);
	/* No room: readers were looking at each of the last sweeps, which cannot last. */
	if (keys && fetched->n_retired == RETIRED_MAX) {
		jwt_keys_put(keys);
		keys = NULL;
	}
	if (keys) {
		/* Keys of Secrets have the id 0. */
		keys->id = ++fetched->n_sets;
		struct jwt_keys *old = atomic_exchange(&fetched->keys, keys);

		if (old)
			fetched->retired[fetched->n_retired++] = old;
		atomic_store(&fetched->at_ns, now_ns);
		sweep(fetched);
	}
	atomic_store(&fetched->tried_ns, now_ns);
	atomic_store(&fetched->busy, false);
}

bool jwt_fetched_was_verified(struct mw_state *state, const struct jwt_keys *keys, struct str token,
			      struct arena *arena, uint64_t now_ns, struct auth_cache_key *ret_key,
			      bool *ret_has_key)
{
	struct fetched *fetched = (struct fetched *)state;
	struct str id = str_n((const char *)&keys->id, sizeof(keys->id));

	*ret_has_key = auth_cache_key(fetched->cache, (struct str){0}, id, token, arena, ret_key);
	return *ret_has_key && auth_cache_has(fetched->cache, ret_key, now_ns);
}

void jwt_fetched_note_verified(struct mw_state *state, const struct auth_cache_key *key,
			       uint64_t now_ns)
{
	auth_cache_put(((struct fetched *)state)->cache, key, now_ns);
}
