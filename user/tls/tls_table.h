/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TABLE_H
#define TLS_TABLE_H

/*
 * tls_table: which certificate and which policy a name gets: immutable, shared by all workers, made
 * by tls_builder.
 *
 * A certificate is chosen as reference/traefik.md g.1 says: keys (sorted names of a certificate) in
 * reverse lexicographic order, the first that holds the name or a wildcard for its first label. A
 * policy: the exact name, then the wildcard of one label, then the default. Both are hash lookups.
 * The same function maps a request's host for the 421 check (reference/security.md A2.5).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

struct tls_table;

enum {
	TLS_POLICY_DEFAULT = 0, /* built in: TLS 1.2 and 1.3, no client certificates */
	TLS_POLICY_BROKEN = 1,	/* handshakes fail */
};

struct tls_table *tls_table_ref(struct tls_table *table);
/* NULL is allowed. */
void tls_table_unref(struct tls_table *table);

/* The policy of a canonical host (lower case, no port, no final dot); empty: that of connections
 * without SNI. */
uint16_t tls_table_policy(const struct tls_table *table, struct str host);
/* Names of the certificate that sni gets ("a.test,b.test"; "default" for the default one); local
 * stands in for a missing sni and may be NULL. For explain and tests; borrowed from the table. */
struct str tls_table_certificate(const struct tls_table *table, struct str sni,
				 const struct addr *local);

#endif
