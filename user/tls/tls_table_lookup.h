/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TABLE_LOOKUP_H
#define TLS_TABLE_LOOKUP_H

/* tls_table_lookup: the inside of a table, for tls_builder (which fills it) and tls_hello (which
 * asks it). */

#include "base/arena.h"
#include "base/ref.h"
#include "base/table.h"
#include "tls/tls_cache.h"
#include "tls/tls_table.h"

struct tls_cert;
struct tls_policy;

/* A certificate's place in the order of reference g.1. */
struct tls_table_cert {
	struct tls_cert *cert;
	size_t order; /* 0: the greatest key */
};

struct tls_table {
	struct ref ref;
	struct tls_cache *cache;
	struct arena arena;
	struct table names; /* pattern -> struct tls_table_cert with the lowest order */
	struct table hosts; /* host or wildcard -> struct tls_policy */
	struct tls_table_cert *certs;
	struct tls_policy **policies;
	size_t n_certs, n_policies;
	struct tls_cert *default_cert;
	struct tls_policy *default_policy, *broken_policy; /* among policies */
};

const struct tls_policy *tls_table_lookup_policy(const struct tls_table *table, struct str host);
/* The one with this id; one that the table does not have is broken. */
const struct tls_policy *tls_table_policy_of(const struct tls_table *table, uint16_t id);
/* NULL: none but the default certificate. local may be NULL. */
const struct tls_cert *tls_table_lookup_cert(const struct tls_table *table, struct str sni,
					     const struct addr *local);
const struct tls_cert *tls_table_default_cert(const struct tls_table *table);

#endif
