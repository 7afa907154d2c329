/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CACHE_H
#define TLS_CACHE_H

/*
 * tls_cache: what outlives a table: parsed certificates, policies with their OpenSSL contexts, the
 * ticket keys and the generated default certificate.
 *
 * Certificates are found again by the hash of their PEM text, policies by name and content, so that
 * an update of something else neither parses anything anew nor ends a session. One per process; it
 * must outlive every table and connection made with it. Thread-safe.
 */

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct tls_cache;
struct tls_cert;
struct tls_policy;
struct tls_ticket_ring;

/* NULL when OpenSSL or memory fails. */
struct tls_cache *tls_cache_new(void);
void tls_cache_free(struct tls_cache *cache);

struct tls_cache_counts {
	size_t certificates, policies; /* distinct, in use */
};
struct tls_cache_counts tls_cache_count(struct tls_cache *cache);

/* Makes a new ticket key now; it happens by itself every TLS_TICKET_ROTATE_HOURS. */
void tls_cache_rotate_tickets(struct tls_cache *cache);

/* For the other files of this module. */

/* The certificate with this content, parsed now or before, with a reference. As tls_cert_parse().
 */
int tls_cache_cert(struct tls_cache *cache, struct str cert_pem, struct str key_pem,
		   struct tls_cert **ret_cert, char *ret_message);
void tls_cache_cert_put(struct tls_cache *cache, struct tls_cert *cert);
/*
 * The same under a name that stays over updates ("shop/tls", of a Secret): when the content cannot
 * be used but an earlier one of that name could, that is given instead, and 1 returned; ret_message
 * says what is wrong with the new one.
 */
int tls_cache_cert_of(struct tls_cache *cache, struct str name, struct str cert_pem,
		      struct str key_pem, struct tls_cert **ret_cert, char *ret_message);
/* There is nothing of that name any more. */
void tls_cache_cert_forget(struct tls_cache *cache, struct str name);
/* The generated one, made when it is first asked for; with a reference. NULL on failure. */
struct tls_cert *tls_cache_default_cert(struct tls_cache *cache);
/*
 * Takes a policy that was just made; returns the one to use instead (an equal one from before, or
 * itself with its id), with a reference. NULL when out of memory or ids: then the policy is gone.
 */
struct tls_policy *tls_cache_policy(struct tls_cache *cache, struct tls_policy *policy);
void tls_cache_policy_put(struct tls_cache *cache, struct tls_policy *policy);
SSL_CTX *tls_cache_front(const struct tls_cache *cache);
struct tls_ticket_ring *tls_cache_tickets(const struct tls_cache *cache);

#endif
