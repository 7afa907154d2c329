// SPDX-License-Identifier: Apache-2.0
/*
 * tls_cache: what outlives a table: certificates, policies, ticket keys, the generated certificate.
 */

#include "tls/tls_cache.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/table.h"
#include "tls/tls_cert.h"
#include "tls/tls_hello.h"
#include "tls/tls_policy.h"
#include "tls/tls_ticket.h"

enum {
	/* Private keys lie in memory that core dumps leave out; pages are taken as they are used.
	 */
	KEY_HEAP_BYTES = 64 << 20,
	KEY_HEAP_UNIT_BYTES = 32,
	FIRST_FREE_ID = TLS_POLICY_BROKEN + 1,
	DIGEST_BYTES = 32,
};

struct identity {
	unsigned char digest[DIGEST_BYTES];
	uint16_t id;
	struct identity *next;
};

/* The last content of a name that could be used. */
struct good {
	struct tls_cert *cert; /* a reference */
	size_t name_len;
	char name[];
};

struct tls_cache {
	pthread_mutex_t lock;
	struct table certs;    /* digest -> struct tls_cert */
	struct table policies; /* digest -> struct tls_policy */
	struct table good;     /* name -> struct good */
	struct table ids; /* identity -> struct identity; never shrinks, so that ids never change */
	struct identity *identities;
	uint32_t next_id;
	struct tls_cert *default_cert;
	SSL_CTX *front;
	SSL *probe; /* tries certificates */
	struct tls_ticket_ring *tickets;
};

static struct str digest_key(const unsigned char *digest)
{
	return str_n((const char *)digest, DIGEST_BYTES);
}

static int id_of(struct tls_cache *cache, const unsigned char *identity, uint32_t next)
{
	struct identity *known = table_find(&cache->ids, digest_key(identity));

	if (known)
		return known->id;
	if (next > UINT16_MAX)
		return -ENOSPC;
	known = calloc(1, sizeof(*known));
	if (!known)
		return -ENOMEM;
	memcpy(known->digest, identity, DIGEST_BYTES);
	known->id = (uint16_t)next;
	if (table_put(&cache->ids, digest_key(known->digest), known, NULL) < 0) {
		free(known);
		return -ENOMEM;
	}
	known->next = cache->identities;
	cache->identities = known;
	return known->id;
}

/* The built-in default has id TLS_POLICY_DEFAULT: a TLSOption of that name that asks nothing more
 * shares it. */
static bool reserve_default_id(struct tls_cache *cache)
{
	struct arena arena;
	struct diag_sink sink;
	struct tls_policy *policy = NULL;

	arena_init(&arena, 1 << 16, 0);
	diag_init(&sink, &arena);
	bool ok = tls_policy_make(STR("default"), NULL, NULL, 0, &sink, NULL, &policy) == 0 &&
		  id_of(cache, policy->identity, TLS_POLICY_DEFAULT) == TLS_POLICY_DEFAULT;

	tls_policy_free(policy);
	arena_done(&arena);
	return ok;
}

struct tls_cache *tls_cache_new(void)
{
	struct tls_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	/* Once per process; where it cannot be had, keys lie in the ordinary heap. */
	if (!CRYPTO_secure_malloc_initialized())
		(void)CRYPTO_secure_malloc_init(KEY_HEAP_BYTES, KEY_HEAP_UNIT_BYTES);
	pthread_mutex_init(&cache->lock, NULL);
	table_init(&cache->certs, NULL);
	table_init(&cache->policies, NULL);
	table_init(&cache->good, NULL);
	table_init(&cache->ids, NULL);
	cache->next_id = FIRST_FREE_ID;
	cache->tickets = tls_ticket_ring_new(clock_mono_ns());
	cache->front = tls_hello_front();
	cache->probe = cache->front ? SSL_new(cache->front) : NULL;
	if (!cache->tickets || !cache->probe || !reserve_default_id(cache)) {
		tls_cache_free(cache);
		return NULL;
	}
	return cache;
}

static void cert_put_locked(struct tls_cache *cache, struct tls_cert *cert)
{
	if (!ref_put(&cert->ref))
		return;
	table_del(&cache->certs, digest_key(cert->digest));
	tls_cert_free(cert);
}

void tls_cache_free(struct tls_cache *cache)
{
	if (!cache)
		return;
	tls_cert_free(cache->default_cert);
	TABLE_EACH (&cache->good, slot) {
		struct good *good = slot->value;

		cert_put_locked(cache, good->cert);
		free(good);
	}
	table_done(&cache->good);
	ASSERT(cache->certs.n == 0 && cache->policies.n == 0);
	for (struct identity *at = cache->identities, *next; at; at = next) {
		next = at->next;
		free(at);
	}
	table_done(&cache->certs);
	table_done(&cache->policies);
	table_done(&cache->ids);
	SSL_free(cache->probe);
	SSL_CTX_free(cache->front);
	tls_ticket_ring_free(cache->tickets);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

struct tls_cache_counts tls_cache_count(struct tls_cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	struct tls_cache_counts counts = {cache->certs.n, cache->policies.n};

	pthread_mutex_unlock(&cache->lock);
	return counts;
}

void tls_cache_rotate_tickets(struct tls_cache *cache)
{
	tls_ticket_ring_rotate(cache->tickets, clock_mono_ns());
}

/* Whether OpenSSL would serve it: key sizes and signatures below its security level are refused. */
static int try_cert(struct tls_cache *cache, const struct tls_cert *cert, char *message)
{
	if (SSL_use_cert_and_key(cache->probe, cert->leaf, cert->key, cert->chain, 1) == 1)
		return 0;
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(message, TLS_MESSAGE_MAX, "the certificate cannot be used: %s",
		 reason ? reason : "refused by OpenSSL");
	ERR_clear_error();
	return -EINVAL;
}

static int cert_locked(struct tls_cache *cache, struct str cert_pem, struct str key_pem,
		       struct tls_cert **ret_cert, char *message)
{
	unsigned char digest[DIGEST_BYTES];

	tls_cert_digest(cert_pem, key_pem, digest);
	struct tls_cert *cert = table_find(&cache->certs, digest_key(digest));

	if (cert) {
		ref_get(&cert->ref);
		tls_cert_warn(cert, message);
		*ret_cert = cert;
		return 0;
	}
	int result = tls_cert_parse(cert_pem, key_pem, &cert, message);

	if (result < 0)
		return result;
	result = try_cert(cache, cert, message);
	if (result == 0)
		result = table_put(&cache->certs, digest_key(cert->digest), cert, NULL);
	if (result < 0) {
		tls_cert_free(cert);
		return result;
	}
	*ret_cert = cert;
	return 0;
}

int tls_cache_cert(struct tls_cache *cache, struct str cert_pem, struct str key_pem,
		   struct tls_cert **ret_cert, char *ret_message)
{
	pthread_mutex_lock(&cache->lock);
	int result = cert_locked(cache, cert_pem, key_pem, ret_cert, ret_message);

	pthread_mutex_unlock(&cache->lock);
	return result;
}

void tls_cache_cert_put(struct tls_cache *cache, struct tls_cert *cert)
{
	if (!cert)
		return;
	pthread_mutex_lock(&cache->lock);
	cert_put_locked(cache, cert);
	pthread_mutex_unlock(&cache->lock);
}

/* Keeps a reference for the name; without memory the name has just no last good one. */
static void remember_locked(struct tls_cache *cache, struct str name, struct tls_cert *cert)
{
	struct good *good = table_find(&cache->good, name);

	if (good && good->cert == cert)
		return;
	if (!good) {
		good = calloc(1, sizeof(*good) + name.len);
		if (!good)
			return;
		good->name_len = name.len;
		memcpy(good->name, name.at, name.len);
		if (table_put(&cache->good, str_n(good->name, name.len), good, NULL) < 0) {
			free(good);
			return;
		}
	} else {
		cert_put_locked(cache, good->cert);
	}
	ref_get(&cert->ref);
	good->cert = cert;
}

int tls_cache_cert_of(struct tls_cache *cache, struct str name, struct str cert_pem,
		      struct str key_pem, struct tls_cert **ret_cert, char *ret_message)
{
	pthread_mutex_lock(&cache->lock);
	int result = cert_locked(cache, cert_pem, key_pem, ret_cert, ret_message);
	struct good *good = result < 0 ? table_find(&cache->good, name) : NULL;

	if (result == 0) {
		remember_locked(cache, name, *ret_cert);
	} else if (good) {
		ref_get(&good->cert->ref);
		*ret_cert = good->cert;
		result = 1;
	}
	pthread_mutex_unlock(&cache->lock);
	return result;
}

void tls_cache_cert_forget(struct tls_cache *cache, struct str name)
{
	pthread_mutex_lock(&cache->lock);
	struct good *good = table_find(&cache->good, name);

	if (good) {
		table_del(&cache->good, name);
		cert_put_locked(cache, good->cert);
		free(good);
	}
	pthread_mutex_unlock(&cache->lock);
}

struct tls_cert *tls_cache_default_cert(struct tls_cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	if (!cache->default_cert)
		cache->default_cert = tls_cert_generate();
	struct tls_cert *cert = cache->default_cert;

	if (cert)
		ref_get(&cert->ref);
	pthread_mutex_unlock(&cache->lock);
	return cert;
}

static struct tls_policy *policy_locked(struct tls_cache *cache, struct tls_policy *policy)
{
	struct tls_policy *known = table_find(&cache->policies, digest_key(policy->digest));

	if (known) {
		tls_policy_free(policy);
		ref_get(&known->ref);
		return known;
	}
	int id =
		policy->broken ? TLS_POLICY_BROKEN : id_of(cache, policy->identity, cache->next_id);

	if (id < 0 || table_put(&cache->policies, digest_key(policy->digest), policy, NULL) < 0) {
		tls_policy_free(policy);
		return NULL;
	}
	if ((uint32_t)id == cache->next_id)
		cache->next_id++;
	policy->id = (uint16_t)id;
	return policy;
}

struct tls_policy *tls_cache_policy(struct tls_cache *cache, struct tls_policy *policy)
{
	if (!policy)
		return NULL;
	pthread_mutex_lock(&cache->lock);
	policy = policy_locked(cache, policy);
	pthread_mutex_unlock(&cache->lock);
	return policy;
}

void tls_cache_policy_put(struct tls_cache *cache, struct tls_policy *policy)
{
	if (!policy)
		return;
	pthread_mutex_lock(&cache->lock);
	if (ref_put(&policy->ref)) {
		table_del(&cache->policies, digest_key(policy->digest));
		tls_policy_free(policy);
	}
	pthread_mutex_unlock(&cache->lock);
}

SSL_CTX *tls_cache_front(const struct tls_cache *cache)
{
	return cache->front;
}

struct tls_ticket_ring *tls_cache_tickets(const struct tls_cache *cache)
{
	return cache->tickets;
}
