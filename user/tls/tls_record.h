/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_RECORD_H
#define TLS_RECORD_H

/*
 * tls_record: one record of TLS 1.3 (RFC 8446 5) or 1.2 (RFC 5288, 7905), sealed and opened, with
 * keys taken over from a handshake.
 *
 * Why: OpenSSL's connection object costs 14 KiB and some microseconds a record. Here a direction is
 * its key, IV and sequence number (and traffic secret); all cryptography is OpenSSL's EVP. Expanded
 * keys lie in a cache of each thread (TLS_RECORD_CONTEXTS of them), so that busy connections find
 * theirs and idle ones keep none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum tls_record_suite {
	TLS_RECORD_AES128_GCM,
	TLS_RECORD_AES256_GCM,
	TLS_RECORD_CHACHA20,
	TLS_RECORD_12_AES128_GCM,
	TLS_RECORD_12_AES256_GCM,
	TLS_RECORD_12_CHACHA20,
	TLS_RECORD__SUITES,
};

/* Content types of RFC 8446 5.1. */
enum tls_record_type {
	TLS_RECORD_ALERT = 21,
	TLS_RECORD_HANDSHAKE = 22,
	TLS_RECORD_DATA = 23,
};

enum {
	TLS_RECORD_HEAD_BYTES = 5,
	TLS_RECORD_PLAIN_MAX = 16384,
	TLS_RECORD_EXTRA_MAX = 8 + 16, /* what sealing adds behind the head */
	TLS_RECORD_SEALED_MAX = TLS_RECORD_HEAD_BYTES + TLS_RECORD_PLAIN_MAX + TLS_RECORD_EXTRA_MAX,
	TLS_RECORD_CIPHER_MAX = TLS_RECORD_PLAIN_MAX + 256, /* what a peer may send behind a head */
	TLS_RECORD_SECRET_MAX = 48,
	/* Expanded keys that a thread keeps, of about 1.2 KiB each. */
	TLS_RECORD_CONTEXTS = 2048,
};

/* One direction of one connection. */
struct tls_record_keys {
	uint64_t seq;
	uint64_t id;   /* of these keys, in the whole process */
	uint16_t slot; /* where the thread's cache may hold them */
	uint8_t suite; /* enum tls_record_suite */
	unsigned char iv[12];
	unsigned char key[32];
	unsigned char secret[TLS_RECORD_SECRET_MAX];
};

/* The suite with this IANA number (0x1301, 0xc02f...), or -1. */
int tls_record_suite_of(uint16_t number);
bool tls_record_is_tls12(enum tls_record_suite suite);
/* The least that can stand behind a head. */
size_t tls_record_least(enum tls_record_suite suite);
size_t tls_record_secret_bytes(enum tls_record_suite suite);
/*
 * TLS 1.2: both directions from the master secret (RFC 5246 6.3), after each side's Finished, the
 * one record that the keys have protected so far.
 */
bool tls_record_keys_tls12(enum tls_record_suite suite, const unsigned char master[48],
			   const unsigned char client_random[32],
			   const unsigned char server_random[32],
			   struct tls_record_keys *ret_client, struct tls_record_keys *ret_server);
/* TLS 1.3, RFC 8446 7.3; seq is the number of records that the secret has protected already. */
bool tls_record_keys_init(struct tls_record_keys *keys, enum tls_record_suite suite,
			  const unsigned char *secret, uint64_t seq);
/* The next generation after a KeyUpdate (RFC 8446 7.2). */
bool tls_record_keys_update(struct tls_record_keys *keys);
void tls_record_keys_wipe(struct tls_record_keys *keys);

/* Seals the first len bytes (up to TLS_RECORD_PLAIN_MAX) of parts into out; the record's length, or
 * -EIO. */
ssize_t tls_record_seal(struct tls_record_keys *keys, enum tls_record_type type,
			const struct iovec *parts, size_t len, unsigned char *out);
/*
 * Opens the n bytes behind a record's head (tls_record_least() <= n <= TLS_RECORD_CIPHER_MAX) into
 * out, which takes n bytes and may be cipher itself. The length of the content, or -EBADMSG
 * (forged), -EPROTO (padding alone), -EMSGSIZE, -EIO.
 */
ssize_t tls_record_open(struct tls_record_keys *keys,
			const unsigned char head[TLS_RECORD_HEAD_BYTES],
			const unsigned char *cipher, size_t n, unsigned char *out,
			uint8_t *ret_type);

#endif
