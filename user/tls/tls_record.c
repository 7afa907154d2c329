// SPDX-License-Identifier: Apache-2.0
/*
 * tls_record: one record of TLS 1.3, sealed and opened.
 */

#include "tls/tls_record.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"

enum { TAG_BYTES = 16, IV_BYTES = 12, LABEL_MAX = 64 };

static const struct {
	uint16_t number;
	const char *cipher, *hash;
	uint8_t key_bytes, secret_bytes;
} suites[TLS_RECORD__SUITES] = {
	[TLS_RECORD_AES128_GCM] = {0x1301, "AES-128-GCM", "SHA256", 16, 32},
	[TLS_RECORD_AES256_GCM] = {0x1302, "AES-256-GCM", "SHA384", 32, 48},
	[TLS_RECORD_CHACHA20] = {0x1303, "ChaCha20-Poly1305", "SHA256", 32, 32},
};

/* ------------------------------------------------------------ the thread's cache -- */

struct context {
	EVP_CIPHER_CTX *evp; /* NULL: none yet */
	uint64_t id;	     /* of the keys it holds; 0: none */
	uint8_t suite;
	bool seals;
};

struct contexts {
	EVP_CIPHER *ciphers[TLS_RECORD__SUITES];
	uint16_t next_slot;
	struct context at[TLS_RECORD_CONTEXTS];
};

static pthread_key_t contexts_key;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;
static _Thread_local struct contexts *contexts_mine;
static _Atomic uint64_t keys_made;

static void contexts_free(void *arg)
{
	struct contexts *all = arg;

	for (int i = 0; i < TLS_RECORD_CONTEXTS; i++)
		EVP_CIPHER_CTX_free(all->at[i].evp);
	for (int i = 0; i < TLS_RECORD__SUITES; i++)
		EVP_CIPHER_free(all->ciphers[i]);
	free(all);
	contexts_mine = NULL;
}

static void contexts_key_make(void)
{
	ASSERT(pthread_key_create(&contexts_key, contexts_free) == 0);
}

/* The calling thread's; NULL when out of memory. */
static struct contexts *contexts_get(void)
{
	if (contexts_mine)
		return contexts_mine;
	pthread_once(&contexts_once, contexts_key_make);
	struct contexts *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	for (int i = 0; i < TLS_RECORD__SUITES; i++)
		all->ciphers[i] = EVP_CIPHER_fetch(NULL, suites[i].cipher, NULL);
	pthread_setspecific(contexts_key, all);
	contexts_mine = all;
	return all;
}

/* A cipher context that holds these keys. */
static EVP_CIPHER_CTX *context_for(const struct tls_record_keys *keys, bool seals)
{
	struct contexts *all = contexts_get();
	struct context *context = all ? &all->at[keys->slot] : NULL;

	if (!context)
		return NULL;
	if (context->id == keys->id && context->seals == seals)
		return context->evp;
	bool same_kind = context->evp && context->id && context->suite == keys->suite &&
			 context->seals == seals;

	if (!context->evp)
		context->evp = EVP_CIPHER_CTX_new();
	/* Naming the cipher again would make its state anew. */
	if (!context->evp ||
	    EVP_CipherInit_ex(context->evp, same_kind ? NULL : all->ciphers[keys->suite], NULL,
			      keys->key, NULL, seals) != 1) {
		context->id = 0;
		return NULL;
	}
	context->id = keys->id;
	context->suite = keys->suite;
	context->seals = seals;
	return context->evp;
}

static void context_forget(const struct tls_record_keys *keys)
{
	struct context *context = contexts_mine ? &contexts_mine->at[keys->slot] : NULL;

	if (!context || context->id != keys->id)
		return;
	EVP_CIPHER_CTX_reset(context->evp); /* wipes the expanded key */
	context->id = 0;
}

/* ---------------------------------------------------------------------- keys -- */

int tls_record_suite_of(uint16_t number)
{
	for (int i = 0; i < TLS_RECORD__SUITES; i++)
		if (suites[i].number == number)
			return i;
	return -1;
}

size_t tls_record_secret_bytes(enum tls_record_suite suite)
{
	return suites[suite].secret_bytes;
}

/* HKDF-Expand-Label(secret, label, "", n) of RFC 8446 7.1; one block of HKDF is enough for all of
 * ours. */
static bool expand(const struct tls_record_keys *keys, const char *label, unsigned char *out,
		   size_t n)
{
	unsigned char info[LABEL_MAX], block[EVP_MAX_MD_SIZE];
	size_t label_len = strlen(label), len = 0;
	unsigned int block_len = 0;

	info[len++] = 0;
	info[len++] = (unsigned char)n;
	info[len++] = (unsigned char)(6 + label_len);
	memcpy(info + len, "tls13 ", 6);
	memcpy(info + len + 6, label, label_len);
	len += 6 + label_len;
	info[len++] = 0;
	info[len++] = 1; /* the block's number, RFC 5869 2.3 */
	bool ok = HMAC(EVP_get_digestbyname(suites[keys->suite].hash), keys->secret,
		       suites[keys->suite].secret_bytes, info, len, block, &block_len) != NULL &&
		  block_len >= n;

	if (ok)
		memcpy(out, block, n);
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

static bool derive(struct tls_record_keys *keys, uint64_t seq)
{
	keys->seq = seq;
	keys->id = atomic_fetch_add_explicit(&keys_made, 1, memory_order_relaxed) + 1;
	return expand(keys, "key", keys->key, suites[keys->suite].key_bytes) &&
	       expand(keys, "iv", keys->iv, IV_BYTES);
}

bool tls_record_keys_init(struct tls_record_keys *keys, enum tls_record_suite suite,
			  const unsigned char *secret, uint64_t seq)
{
	struct contexts *all = contexts_get();

	if (!all || !all->ciphers[suite])
		return false;
	*keys = (struct tls_record_keys){.suite = (uint8_t)suite, .slot = all->next_slot};
	all->next_slot = (uint16_t)((all->next_slot + 1) % TLS_RECORD_CONTEXTS);
	memcpy(keys->secret, secret, suites[suite].secret_bytes);
	return derive(keys, seq);
}

bool tls_record_keys_update(struct tls_record_keys *keys)
{
	unsigned char next[TLS_RECORD_SECRET_MAX];
	bool ok = expand(keys, "traffic upd", next, suites[keys->suite].secret_bytes);

	context_forget(keys);
	if (ok) {
		memcpy(keys->secret, next, suites[keys->suite].secret_bytes);
		ok = derive(keys, 0);
	}
	OPENSSL_cleanse(next, sizeof(next));
	return ok;
}

void tls_record_keys_wipe(struct tls_record_keys *keys)
{
	context_forget(keys);
	OPENSSL_cleanse(keys, sizeof(*keys));
}

/* ------------------------------------------------------------------- records -- */

/* RFC 8446 5.3; the sequence number counts on. */
static bool begin(struct tls_record_keys *keys, EVP_CIPHER_CTX *evp, bool seals,
		  const unsigned char *head)
{
	unsigned char nonce[IV_BYTES];
	int n;

	memcpy(nonce, keys->iv, IV_BYTES);
	for (int i = 0; i < 8; i++)
		nonce[IV_BYTES - 1 - i] ^= (unsigned char)(keys->seq >> (8 * i));
	keys->seq++;
	return EVP_CipherInit_ex(evp, NULL, NULL, NULL, nonce, seals) == 1 &&
	       EVP_CipherUpdate(evp, NULL, &n, head, TLS_RECORD_HEAD_BYTES) == 1;
}

ssize_t tls_record_seal(struct tls_record_keys *keys, enum tls_record_type type,
			const struct iovec *parts, size_t len, unsigned char *out)
{
	size_t sealed = len + TLS_RECORD_TAIL_BYTES;
	EVP_CIPHER_CTX *evp = context_for(keys, true);
	unsigned char *at = out + TLS_RECORD_HEAD_BYTES, last = (unsigned char)type;
	int n;

	out[0] = TLS_RECORD_DATA;
	out[1] = out[2] = 3;
	out[3] = (unsigned char)(sealed >> 8);
	out[4] = (unsigned char)sealed;
	if (!evp || !begin(keys, evp, true, out))
		return -EIO;
	for (size_t left = len; left > 0; parts++) {
		size_t take = parts->iov_len < left ? parts->iov_len : left;

		if (take && EVP_CipherUpdate(evp, at, &n, parts->iov_base, (int)take) != 1)
			return -EIO;
		at += take;
		left -= take;
	}
	if (EVP_CipherUpdate(evp, at, &n, &last, 1) != 1 ||
	    EVP_CipherFinal_ex(evp, at + 1, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, at + 1) != 1)
		return -EIO;
	return (ssize_t)(TLS_RECORD_HEAD_BYTES + sealed);
}

ssize_t tls_record_open(struct tls_record_keys *keys,
			const unsigned char head[TLS_RECORD_HEAD_BYTES],
			const unsigned char *cipher, size_t n, unsigned char *out,
			uint8_t *ret_type)
{
	EVP_CIPHER_CTX *evp = context_for(keys, false);
	unsigned char tag[TAG_BYTES];
	size_t len = n - TAG_BYTES;
	int got;

	memcpy(tag, cipher + len, TAG_BYTES);
	if (!evp || !begin(keys, evp, false, head) ||
	    EVP_CipherUpdate(evp, out, &got, cipher, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
		return -EIO;
	if (EVP_CipherFinal_ex(evp, out + len, &got) != 1) {
		ERR_clear_error();
		OPENSSL_cleanse(out, len);
		return -EBADMSG;
	}
	/* The type is the last byte that is not zero (RFC 8446 5.4). */
	while (len > 0 && out[len - 1] == 0)
		len--;
	if (len == 0)
		return -EPROTO;
	*ret_type = out[len - 1];
	return len - 1 <= TLS_RECORD_PLAIN_MAX ? (ssize_t)(len - 1) : -EMSGSIZE;
}
