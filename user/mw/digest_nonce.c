// SPDX-License-Identifier: Apache-2.0
/* digest_nonce: see the header. */

#include "mw/digest_nonce.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/hash.h"
#include "http/uri.h"

enum {
	WAYS = 8,
	SETS = DIGEST_NONCE_USED / WAYS,
	KEY_BYTES = 32,
	NUMBER_BYTES = 8,
	TAG_BYTES = DIGEST_NONCE_TEXT / 2 - NUMBER_BYTES,
	COUNT_BITS = 24,
};

#define COUNT_MAX ((1ULL << COUNT_BITS) - 1)

struct set {
	_Atomic uint64_t words[WAYS]; /* number << COUNT_BITS | count; 0: free */
	_Atomic uint64_t forgotten;   /* the highest number that was pushed out */
	atomic_bool changing;	      /* somebody takes a place */
};

struct nonces {
	struct mw_state state; /* first */
	unsigned char key[KEY_BYTES];
	char opaque[DIGEST_NONCE_OPAQUE + 1];
	_Atomic uint64_t number;
	struct set sets[SETS];
};

static void nonces_free(struct mw_state *state)
{
	struct nonces *nonces = (struct nonces *)state;

	OPENSSL_cleanse(nonces->key, sizeof(nonces->key));
	free(nonces);
}

static size_t nonces_memory(const struct mw_state *state)
{
	(void)state;
	return sizeof(struct nonces);
}

struct mw_state *digest_nonce_new(void)
{
	struct nonces *nonces = calloc(1, sizeof(*nonces));
	unsigned char opaque[DIGEST_NONCE_OPAQUE / 2];

	if (!nonces)
		return NULL;
	ref_init(&nonces->state.ref);
	nonces->state.free = nonces_free;
	nonces->state.memory_bytes = nonces_memory;
	if (RAND_priv_bytes(nonces->key, KEY_BYTES) != 1 ||
	    RAND_bytes(opaque, sizeof(opaque)) != 1) {
		free(nonces);
		return NULL;
	}
	codec_hex(opaque, sizeof(opaque), nonces->opaque);
	return &nonces->state;
}

struct str digest_nonce_opaque(const struct mw_state *state)
{
	return str_n(((const struct nonces *)state)->opaque, DIGEST_NONCE_OPAQUE);
}

/* The tag of a number: what only this state can make. Key and message have fixed lengths, so no
 * message extends another. */
static void tag(const struct nonces *nonces, uint64_t number, unsigned char ret_tag[TAG_BYTES])
{
	unsigned char message[2 * KEY_BYTES + NUMBER_BYTES], digest[32];

	memcpy(message, nonces->key, KEY_BYTES);
	memcpy(message + KEY_BYTES, &number, NUMBER_BYTES);
	memcpy(message + KEY_BYTES + NUMBER_BYTES, nonces->key, KEY_BYTES);
	hash_sha256(str_n((char *)message, sizeof(message)), digest);
	memcpy(ret_tag, digest, TAG_BYTES);
	OPENSSL_cleanse(message, sizeof(message));
}

void digest_nonce_make(struct mw_state *state, char ret_text[DIGEST_NONCE_TEXT])
{
	struct nonces *nonces = (struct nonces *)state;
	uint64_t number = atomic_fetch_add_explicit(&nonces->number, 1, memory_order_relaxed) + 1;
	unsigned char bytes[NUMBER_BYTES + TAG_BYTES];
	char text[DIGEST_NONCE_TEXT + 1];

	for (int i = 0; i < NUMBER_BYTES; i++)
		bytes[i] = (unsigned char)(number >> (56 - 8 * i));
	tag(nonces, number, bytes + NUMBER_BYTES);
	codec_hex(bytes, sizeof(bytes), text);
	memcpy(ret_text, text, DIGEST_NONCE_TEXT);
}

/* The number of a nonce that this state has made; 0: it has not. */
static uint64_t number_of(const struct nonces *nonces, struct str nonce)
{
	unsigned char expected[TAG_BYTES];
	char got[TAG_BYTES];
	uint64_t number = 0;

	if (nonce.len != DIGEST_NONCE_TEXT)
		return 0;
	for (size_t i = 0; i < DIGEST_NONCE_TEXT; i++) {
		int digit = uri_hex((unsigned char)nonce.at[i]);

		if (digit < 0)
			return 0;
		if (i < 2 * NUMBER_BYTES)
			number = number << 4 | (uint64_t)digit;
		else if (i % 2 == 0)
			got[i / 2 - NUMBER_BYTES] = (char)(digit << 4);
		else
			got[i / 2 - NUMBER_BYTES] |= (char)digit;
	}
	tag(nonces, number, expected);
	return codec_equal_secret(str_n(got, TAG_BYTES), str_n((char *)expected, TAG_BYTES))
		       ? number
		       : 0;
}

/* Raises the count of a nonce that is remembered at word. */
static enum digest_nonce_verdict raise_count(_Atomic uint64_t *word, uint64_t number,
					     uint64_t count, bool *ret_moved)
{
	uint64_t now = atomic_load(word);

	*ret_moved = false;
	while (now >> COUNT_BITS == number) {
		if ((now & COUNT_MAX) >= count)
			return DIGEST_NONCE_STALE;
		if (atomic_compare_exchange_weak(word, &now, number << COUNT_BITS | count))
			return DIGEST_NONCE_FRESH;
	}
	*ret_moved = true; /* pushed out meanwhile */
	return DIGEST_NONCE_STALE;
}

/* Puts a nonce in a free place, or in that of the oldest; the caller alone changes places. */
static void take_place(struct set *set, uint64_t number)
{
	size_t oldest = 0;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < WAYS; i++) {
		uint64_t word = atomic_load(&set->words[i]);

		if (word >> COUNT_BITS == number)
			return;
		if (word < least) {
			least = word;
			oldest = i;
		}
	}
	/* Older than all that are remembered: it would be the next to go. */
	if (least >> COUNT_BITS > number) {
		atomic_store(&set->forgotten, number);
		return;
	}
	/* First forgotten, then gone: nobody may find it neither here nor there. */
	if (least)
		atomic_store(&set->forgotten, least >> COUNT_BITS);
	/* Its count may have been raised meanwhile; it goes nevertheless. */
	atomic_store(&set->words[oldest], number << COUNT_BITS);
}

/* False when others keep the set busy: nobody waits for long here. */
static bool remember(struct set *set, uint64_t number)
{
	enum { SPINS = 10000 };

	for (int i = 0; i < SPINS; i++) {
		if (atomic_exchange(&set->changing, true))
			continue;
		if (number > atomic_load(&set->forgotten))
			take_place(set, number);
		atomic_store(&set->changing, false);
		return true;
	}
	return false;
}

enum digest_nonce_verdict digest_nonce_use(struct mw_state *state, struct str nonce, uint64_t count)
{
	enum { TRIES = 3 };
	struct nonces *nonces = (struct nonces *)state;
	uint64_t number = number_of(nonces, nonce);

	if (!number)
		return DIGEST_NONCE_UNKNOWN;
	if (count == 0 || count > COUNT_MAX)
		return DIGEST_NONCE_STALE;
	struct set *set = &nonces->sets[hash_mix64(number) % SETS];

	for (int try = 0; try < TRIES; try++) {
		for (size_t i = 0; i < WAYS; i++) {
			bool moved;

			if (atomic_load(&set->words[i]) >> COUNT_BITS != number)
				continue;
			enum digest_nonce_verdict verdict =
				raise_count(&set->words[i], number, count, &moved);

			if (!moved)
				return verdict;
		}
		/* What is remembered is newer than what was pushed out, so this one is not new. */
		if (number <= atomic_load(&set->forgotten) || !remember(set, number))
			return DIGEST_NONCE_STALE;
	}
	return DIGEST_NONCE_STALE;
}
