// SPDX-License-Identifier: Apache-2.0
/*
 * tls_record: one record, sealed and opened.
 */

#include "tls/tls_record.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"

enum { TAG_BYTES = 16, IV_BYTES = 12, LABEL_MAX = 64 };

static const struct {
	const char *cipher, *hash;
	uint8_t key_bytes, secret_bytes;
	uint8_t iv_bytes;	/* of the part that is secret */
	uint8_t explicit_bytes; /* of the nonce, in each record (RFC 5288 3) */
	bool is_tls12;
} suites[TLS_RECORD__SUITES] = {
	[TLS_RECORD_AES128_GCM] = {"AES-128-GCM", "SHA256", 16, 32, 12, 0, false},
	[TLS_RECORD_AES256_GCM] = {"AES-256-GCM", "SHA384", 32, 48, 12, 0, false},
	[TLS_RECORD_CHACHA20] = {"ChaCha20-Poly1305", "SHA256", 32, 32, 12, 0, false},
	[TLS_RECORD_12_AES128_GCM] = {"AES-128-GCM", "SHA256", 16, 0, 4, 8, true},
	[TLS_RECORD_12_AES256_GCM] = {"AES-256-GCM", "SHA384", 32, 0, 4, 8, true},
	[TLS_RECORD_12_CHACHA20] = {"ChaCha20-Poly1305", "SHA256", 32, 0, 12, 0, true},
};

static const struct {
	uint16_t number;
	uint8_t suite;
} numbers[] = {
	{0x1301, TLS_RECORD_AES128_GCM},    {0x1302, TLS_RECORD_AES256_GCM},
	{0x1303, TLS_RECORD_CHACHA20},	    {0x009c, TLS_RECORD_12_AES128_GCM},
	{0x009d, TLS_RECORD_12_AES256_GCM}, {0xc02b, TLS_RECORD_12_AES128_GCM},
	{0xc02c, TLS_RECORD_12_AES256_GCM}, {0xc02f, TLS_RECORD_12_AES128_GCM},
	{0xc030, TLS_RECORD_12_AES256_GCM}, {0xcca8, TLS_RECORD_12_CHACHA20},
	{0xcca9, TLS_RECORD_12_CHACHA20},
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
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i].number == number)
			return numbers[i].suite;
	return -1;
}

bool tls_record_is_tls12(enum tls_record_suite suite)
{
	return suites[suite].is_tls12;
}

size_t tls_record_least(enum tls_record_suite suite)
{
	/* In TLS 1.3 there is at least the type. */
	return suites[suite].explicit_bytes + TAG_BYTES + !suites[suite].is_tls12;
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

/* Keys that no context holds yet. */
static bool fresh(struct tls_record_keys *keys, enum tls_record_suite suite)
{
	struct contexts *all = contexts_get();

	if (!all || !all->ciphers[suite])
		return false;
	*keys = (struct tls_record_keys){.suite = (uint8_t)suite, .slot = all->next_slot};
	keys->id = atomic_fetch_add_explicit(&keys_made, 1, memory_order_relaxed) + 1;
	all->next_slot = (uint16_t)((all->next_slot + 1) % TLS_RECORD_CONTEXTS);
	return true;
}

static bool derive(struct tls_record_keys *keys)
{
	return expand(keys, "key", keys->key, suites[keys->suite].key_bytes) &&
	       expand(keys, "iv", keys->iv, IV_BYTES);
}

bool tls_record_keys_init(struct tls_record_keys *keys, enum tls_record_suite suite,
			  const unsigned char *secret, uint64_t seq)
{
	if (!fresh(keys, suite))
		return false;
	keys->seq = seq;
	memcpy(keys->secret, secret, suites[suite].secret_bytes);
	return derive(keys);
}

/* PRF of RFC 5246 5 for the key block of 6.3. */
static bool key_block(enum tls_record_suite suite, const unsigned char master[48],
		      const unsigned char client_random[32], const unsigned char server_random[32],
		      unsigned char *out, size_t n)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char hash[8], label[] = "key expansion";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)(uintptr_t)master,
						  48),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof(label) - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED,
						  (void *)(uintptr_t)server_random, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED,
						  (void *)(uintptr_t)client_random, 32),
		OSSL_PARAM_construct_end(),
	};

	memcpy(hash, suites[suite].hash, strlen(suites[suite].hash) + 1);
	bool ok = context && EVP_KDF_derive(context, out, n, params) == 1;

	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return ok;
}

bool tls_record_keys_tls12(enum tls_record_suite suite, const unsigned char master[48],
			   const unsigned char client_random[32],
			   const unsigned char server_random[32],
			   struct tls_record_keys *ret_client, struct tls_record_keys *ret_server)
{
	unsigned char block[2 * (32 + IV_BYTES)];
	size_t key = suites[suite].key_bytes, iv = suites[suite].iv_bytes;
	bool ok = fresh(ret_client, suite) && fresh(ret_server, suite) &&
		  key_block(suite, master, client_random, server_random, block, 2 * (key + iv));

	if (ok) {
		ret_client->seq = ret_server->seq = 1;
		memcpy(ret_client->key, block, key);
		memcpy(ret_server->key, block + key, key);
		memcpy(ret_client->iv, block + 2 * key, iv);
		memcpy(ret_server->iv, block + 2 * key + iv, iv);
	}
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

bool tls_record_keys_update(struct tls_record_keys *keys)
{
	unsigned char next[TLS_RECORD_SECRET_MAX];
	bool ok = expand(keys, "traffic upd", next, suites[keys->suite].secret_bytes);

	context_forget(keys);
	if (ok) {
		memcpy(keys->secret, next, suites[keys->suite].secret_bytes);
		keys->seq = 0;
		keys->id = atomic_fetch_add_explicit(&keys_made, 1, memory_order_relaxed) + 1;
		ok = derive(keys);
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

static void put_seq(uint64_t seq, unsigned char out[8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)(seq >> (56 - 8 * i));
}

/*
 * Nonce and additional data of the next record (RFC 8446 5.2 and 5.3; RFC 5288 3, RFC 7905 2, RFC
 * 5246 6.2.3.3). explicit is the part of the nonce that the record holds. The sequence number
 * counts on.
 */
static bool begin(struct tls_record_keys *keys, EVP_CIPHER_CTX *evp, bool seals,
		  const unsigned char *head, const unsigned char *explicit_nonce, size_t plain)
{
	unsigned char nonce[IV_BYTES], seq[8], extra[8 + TLS_RECORD_HEAD_BYTES];
	int n;

	put_seq(keys->seq++, seq);
	memcpy(nonce, keys->iv, IV_BYTES);
	if (suites[keys->suite].explicit_bytes)
		memcpy(nonce + 4, explicit_nonce, 8);
	else
		for (int i = 0; i < 8; i++)
			nonce[4 + i] ^= seq[i];
	if (EVP_CipherInit_ex(evp, NULL, NULL, NULL, nonce, seals) != 1)
		return false;
	if (!suites[keys->suite].is_tls12)
		return EVP_CipherUpdate(evp, NULL, &n, head, TLS_RECORD_HEAD_BYTES) == 1;
	memcpy(extra, seq, 8);
	memcpy(extra + 8, head, 3);
	extra[11] = (unsigned char)(plain >> 8);
	extra[12] = (unsigned char)plain;
	return EVP_CipherUpdate(evp, NULL, &n, extra, sizeof(extra)) == 1;
}

ssize_t tls_record_seal(struct tls_record_keys *keys, enum tls_record_type type,
			const struct iovec *parts, size_t len, unsigned char *out)
{
	bool is_tls12 = suites[keys->suite].is_tls12;
	size_t explicit_bytes = suites[keys->suite].explicit_bytes;
	size_t sealed = explicit_bytes + len + !is_tls12 + TAG_BYTES;
	EVP_CIPHER_CTX *evp = context_for(keys, true);
	unsigned char *at = out + TLS_RECORD_HEAD_BYTES, last = (unsigned char)type;
	int n;

	out[0] = is_tls12 ? last : TLS_RECORD_DATA;
	out[1] = out[2] = 3;
	out[3] = (unsigned char)(sealed >> 8);
	out[4] = (unsigned char)sealed;
	/* The sequence number never comes twice, and that is all the nonce needs. */
	if (explicit_bytes)
		put_seq(keys->seq, at);
	if (!evp || !begin(keys, evp, true, out, at, len))
		return -EIO;
	at += explicit_bytes;
	for (size_t left = len; left > 0; parts++) {
		size_t take = parts->iov_len < left ? parts->iov_len : left;

		if (take && EVP_CipherUpdate(evp, at, &n, parts->iov_base, (int)take) != 1)
			return -EIO;
		at += take;
		left -= take;
	}
	if (!is_tls12 && EVP_CipherUpdate(evp, at++, &n, &last, 1) != 1)
		return -EIO;
	if (EVP_CipherFinal_ex(evp, at, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, at) != 1)
		return -EIO;
	return (ssize_t)(TLS_RECORD_HEAD_BYTES + sealed);
}

/* The type is the last byte that is not zero (RFC 8446 5.4). */
static ssize_t take_type(const unsigned char *inner, size_t len, uint8_t *ret_type)
{
	while (len > 0 && inner[len - 1] == 0)
		len--;
	if (len == 0)
		return -EPROTO;
	*ret_type = inner[len - 1];
	return (ssize_t)(len - 1);
}

ssize_t tls_record_open(struct tls_record_keys *keys,
			const unsigned char head[TLS_RECORD_HEAD_BYTES],
			const unsigned char *cipher, size_t n, unsigned char *out,
			uint8_t *ret_type)
{
	EVP_CIPHER_CTX *evp = context_for(keys, false);
	size_t explicit_bytes = suites[keys->suite].explicit_bytes;
	size_t len = n - explicit_bytes - TAG_BYTES;
	/* In place, and moved afterwards, where the nonce stands before it. */
	unsigned char *plain = out == cipher ? out + explicit_bytes : out;
	unsigned char tag[TAG_BYTES];
	ssize_t content = (ssize_t)len;
	int got;

	memcpy(tag, cipher + n - TAG_BYTES, TAG_BYTES);
	if (!evp || !begin(keys, evp, false, head, cipher, len) ||
	    EVP_CipherUpdate(evp, plain, &got, cipher + explicit_bytes, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
		return -EIO;
	if (EVP_CipherFinal_ex(evp, plain + len, &got) != 1) {
		ERR_clear_error();
		OPENSSL_cleanse(plain, len);
		return -EBADMSG;
	}
	if (plain != out)
		memmove(out, plain, len);
	if (suites[keys->suite].is_tls12)
		*ret_type = head[0];
	else
		content = take_type(out, len, ret_type);
	return content <= TLS_RECORD_PLAIN_MAX ? content : -EMSGSIZE;
}
