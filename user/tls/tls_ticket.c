// SPDX-License-Identifier: Apache-2.0
/*
 * tls_ticket: the keys that session tickets are sealed with.
 */

#include "tls/tls_ticket.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"

enum { NAME_BYTES = 16, KEY_BYTES = 32, IV_BYTES = 16, RING = 2 };

struct ticket_key {
	unsigned char name[NAME_BYTES];
	unsigned char aes[KEY_BYTES];
	unsigned char mac[KEY_BYTES];
	bool valid;
};

struct tls_ticket_ring {
	pthread_mutex_t lock;
	uint64_t rotate_at_ns;
	EVP_CIPHER *cipher;
	struct ticket_key key[RING]; /* [0] is current */
};

static bool key_make(struct ticket_key *key)
{
	key->valid = RAND_bytes(key->name, NAME_BYTES) == 1 &&
		     RAND_priv_bytes(key->aes, KEY_BYTES) == 1 &&
		     RAND_priv_bytes(key->mac, KEY_BYTES) == 1;
	return key->valid;
}

static uint64_t period_ns(void)
{
	return TLS_TICKET_ROTATE_HOURS * 3600ULL * NS_PER_SEC;
}

struct tls_ticket_ring *tls_ticket_ring_new(uint64_t now_ns)
{
	struct tls_ticket_ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ring == MAP_FAILED)
		return NULL;
	/* Advice: a kernel that cannot follow it is no reason not to serve. */
	(void)madvise(ring, sizeof(*ring), MADV_DONTDUMP);
	pthread_mutex_init(&ring->lock, NULL);
	ring->rotate_at_ns = now_ns + period_ns();
	ring->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (!ring->cipher || !key_make(&ring->key[0])) {
		tls_ticket_ring_free(ring);
		return NULL;
	}
	return ring;
}

void tls_ticket_ring_free(struct tls_ticket_ring *ring)
{
	if (!ring)
		return;
	EVP_CIPHER_free(ring->cipher);
	pthread_mutex_destroy(&ring->lock);
	OPENSSL_cleanse(ring, sizeof(*ring));
	munmap(ring, sizeof(*ring));
}

static void rotate_locked(struct tls_ticket_ring *ring, uint64_t now_ns)
{
	struct ticket_key fresh;

	/* Without randomness the old key goes on for another period. */
	if (key_make(&fresh)) {
		ring->key[1] = ring->key[0];
		ring->key[0] = fresh;
	}
	OPENSSL_cleanse(&fresh, sizeof(fresh));
	ring->rotate_at_ns = now_ns + period_ns();
}

void tls_ticket_ring_rotate(struct tls_ticket_ring *ring, uint64_t now_ns)
{
	pthread_mutex_lock(&ring->lock);
	rotate_locked(ring, now_ns);
	pthread_mutex_unlock(&ring->lock);
}

struct saved_ring {
	uint64_t rotate_at_ns;
	struct ticket_key key[RING];
};

_Static_assert(sizeof(struct saved_ring) <= TLS_TICKET_SAVED_BYTES, "room for the keys");

void tls_ticket_ring_save(struct tls_ticket_ring *ring, struct tls_ticket_saved *ret_saved)
{
	struct saved_ring saved;

	memset(&saved, 0, sizeof(saved));
	memset(ret_saved, 0, sizeof(*ret_saved));
	pthread_mutex_lock(&ring->lock);
	saved.rotate_at_ns = ring->rotate_at_ns;
	memcpy(saved.key, ring->key, sizeof(saved.key));
	pthread_mutex_unlock(&ring->lock);
	memcpy(ret_saved->byte, &saved, sizeof(saved));
	OPENSSL_cleanse(&saved, sizeof(saved));
}

void tls_ticket_ring_restore(struct tls_ticket_ring *ring, const struct tls_ticket_saved *from)
{
	struct saved_ring saved;

	memcpy(&saved, from->byte, sizeof(saved));
	pthread_mutex_lock(&ring->lock);
	ring->rotate_at_ns = saved.rotate_at_ns;
	memcpy(ring->key, saved.key, sizeof(saved.key));
	pthread_mutex_unlock(&ring->lock);
	OPENSSL_cleanse(&saved, sizeof(saved));
}

/* Copies the key that is asked for; its place in the ring, or -1. */
static int key_get(struct tls_ticket_ring *ring, uint64_t now_ns, const unsigned char *name,
		   struct ticket_key *ret_key)
{
	int found = -1;

	pthread_mutex_lock(&ring->lock);
	if (now_ns >= ring->rotate_at_ns) {
		/* A whole period without a handshake: the key before is too old as well. */
		bool long_ago = now_ns - ring->rotate_at_ns >= period_ns();

		rotate_locked(ring, now_ns);
		if (long_ago)
			rotate_locked(ring, now_ns);
	}
	for (int i = 0; i < RING && found < 0; i++)
		if (ring->key[i].valid &&
		    (!name || CRYPTO_memcmp(ring->key[i].name, name, NAME_BYTES) == 0))
			found = i;
	if (found >= 0)
		*ret_key = ring->key[found];
	pthread_mutex_unlock(&ring->lock);
	return found;
}

static bool mac_start(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, KEY_BYTES),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

int tls_ticket_apply(struct tls_ticket_ring *ring, uint64_t now_ns, unsigned char key_name[16],
		     unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	struct ticket_key key;
	int place = key_get(ring, now_ns, seal ? NULL : key_name, &key);
	int result = -1;

	if (place < 0)
		return seal ? -1 : 0;
	if (seal && RAND_bytes(iv, IV_BYTES) == 1 &&
	    EVP_EncryptInit_ex(cipher, ring->cipher, NULL, key.aes, iv) == 1 &&
	    mac_start(mac, &key)) {
		memcpy(key_name, key.name, NAME_BYTES);
		result = 1;
	} else if (!seal && mac_start(mac, &key) &&
		   EVP_DecryptInit_ex(cipher, ring->cipher, NULL, key.aes, iv) == 1) {
		result = place == 0 ? 1 : 2;
	}
	OPENSSL_cleanse(&key, sizeof(key));
	return result;
}
