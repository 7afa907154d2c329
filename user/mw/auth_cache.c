// SPDX-License-Identifier: Apache-2.0
/*
 * auth_cache: credentials that were verified a moment ago.
 */

#include "mw/auth_cache.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"

enum { BLOCK_BYTES = 64, DIGEST_BYTES = 32 };

/* The parts of one entry may come from two writers: such a mixture matches nobody's credential. */
struct entry {
	_Atomic uint64_t part[2];
	_Atomic uint64_t until_ns;
};

struct cache {
	struct mw_state state;				      /* first */
	unsigned char inner[BLOCK_BYTES], outer[BLOCK_BYTES]; /* the key, as RFC 2104 pads it */
	struct entry entries[AUTH_CACHE_ENTRIES];
};

static void cache_free(struct mw_state *state)
{
	struct cache *cache = (struct cache *)state;

	OPENSSL_cleanse(cache->inner, sizeof(cache->inner));
	OPENSSL_cleanse(cache->outer, sizeof(cache->outer));
	free(cache);
}

static size_t cache_memory(const struct mw_state *state)
{
	(void)state;
	return sizeof(struct cache);
}

struct mw_state *auth_cache_new(void)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	ref_init(&cache->state.ref);
	cache->state.free = cache_free;
	cache->state.memory_bytes = cache_memory;
	if (RAND_priv_bytes(cache->inner, DIGEST_BYTES) != 1) {
		free(cache);
		return NULL;
	}
	memcpy(cache->outer, cache->inner, DIGEST_BYTES);
	for (int i = 0; i < BLOCK_BYTES; i++) {
		cache->inner[i] ^= 0x36;
		cache->outer[i] ^= 0x5c;
	}
	return &cache->state;
}

/* Each part with its length before it, so that parts cannot run into each other. */
static char *put_part(char *at, struct str part)
{
	uint64_t len = part.len;

	memcpy(at, &len, sizeof(len));
	if (len)
		memcpy(at + sizeof(len), part.at, len);
	return at + sizeof(len) + len;
}

bool auth_cache_key(const struct mw_state *state, struct str user, struct str hash,
		    struct str password, struct arena *arena, struct auth_cache_key *ret_key)
{
	const struct cache *cache = (const struct cache *)state;
	size_t size = BLOCK_BYTES + user.len + hash.len + password.len + 3 * sizeof(uint64_t);
	char *message = arena_alloc(arena, size, 1);
	unsigned char last[BLOCK_BYTES + DIGEST_BYTES], digest[DIGEST_BYTES];

	if (!message)
		return false;
	memcpy(message, cache->inner, BLOCK_BYTES);
	put_part(put_part(put_part(message + BLOCK_BYTES, user), hash), password);
	memcpy(last, cache->outer, BLOCK_BYTES);
	hash_sha256(str_n(message, size), last + BLOCK_BYTES);
	hash_sha256(str_n((char *)last, sizeof(last)), digest);
	memcpy(ret_key->part, digest, sizeof(ret_key->part));
	OPENSSL_cleanse(message, size);
	OPENSSL_cleanse(last, sizeof(last));
	return true;
}

bool auth_cache_has(const struct mw_state *state, const struct auth_cache_key *key, uint64_t now_ns)
{
	const struct cache *cache = (const struct cache *)state;
	const struct entry *entry = &cache->entries[key->part[0] % AUTH_CACHE_ENTRIES];
	uint64_t differs = (atomic_load(&entry->part[0]) ^ key->part[0]) |
			   (atomic_load(&entry->part[1]) ^ key->part[1]);

	return differs == 0 && now_ns < atomic_load(&entry->until_ns);
}

void auth_cache_put(struct mw_state *state, const struct auth_cache_key *key, uint64_t now_ns)
{
	struct cache *cache = (struct cache *)state;
	struct entry *entry = &cache->entries[key->part[0] % AUTH_CACHE_ENTRIES];

	atomic_store(&entry->until_ns, now_ns + AUTH_CACHE_SECONDS * NS_PER_SEC);
	atomic_store(&entry->part[0], key->part[0]);
	atomic_store(&entry->part[1], key->part[1]);
}
