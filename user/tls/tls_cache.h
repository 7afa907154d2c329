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

#include <stddef.h>
#include <stdint.h>

struct tls_cache;

/* NULL when OpenSSL or memory fails. */
struct tls_cache *tls_cache_new(void);
void tls_cache_free(struct tls_cache *cache);

struct tls_cache_counts {
	size_t certificates, policies; /* distinct, in use */
};
struct tls_cache_counts tls_cache_count(struct tls_cache *cache);

/* Makes a new ticket key now; it happens by itself every TLS_TICKET_ROTATE_HOURS. */
void tls_cache_rotate_tickets(struct tls_cache *cache);

#endif
