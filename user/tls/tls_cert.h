/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CERT_H
#define TLS_CERT_H

/*
 * tls_cert: a certificate, its chain and its key, parsed from PEM, with the names it is found by.
 * Immutable and reference-counted; made once per distinct content by tls_cache.
 */

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/ref.h"
#include "base/str.h"
#include "tls/tls_builder.h"

struct tls_cert {
	struct ref ref;
	unsigned char digest[32]; /* of both PEM texts */
	X509 *leaf;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
	struct str joined; /* names sorted and joined by ',': reference g.1's key */
	struct strs names; /* lower case, without final dot: CN, DNS and IP alternative names */
	struct arena arena;
	struct tls_cert *next; /* in the cache */
};

void tls_cert_digest(struct str cert_pem, struct str key_pem, unsigned char ret_digest[32]);
/* 0, -EINVAL with a message, -ENOMEM; ret_message is empty or a warning with 0. One reference. */
int tls_cert_parse(struct str cert_pem, struct str key_pem, struct tls_cert **ret_cert,
		   char ret_message[TLS_MESSAGE_MAX]);
/* What is wrong with it at this moment (expired, not yet valid, without names); empty: nothing. */
void tls_cert_warn(const struct tls_cert *cert, char ret_message[TLS_MESSAGE_MAX]);
/* What metrics say of it (reference h.1); texts live in the arena, {0} without memory. */
struct tls_cert_facts {
	struct str cn, serial, sans; /* serial in decimal, alternative names joined by ',' */
	double not_after_s;	     /* since the epoch */
};
struct tls_cert_facts tls_cert_facts(const struct tls_cert *cert, struct arena *arena);
/* Self-signed ECDSA P-256 for a random name, 365 days; NULL on failure. */
struct tls_cert *tls_cert_generate(void);
/* Frees; no references may be left. NULL is allowed. */
void tls_cert_free(struct tls_cert *cert);
/* All certificates in a PEM text, each given to each(); their number, or -EINVAL for a bad one. */
int tls_cert_each(struct str pem, int (*each)(void *context, X509 *x509), void *context);

#endif
