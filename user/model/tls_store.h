/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_STORE_H
#define TLS_STORE_H

/* tls_store: traefik.io/v1alpha1 TLSStore (reference a.10): its spec. Only the one named default
 * means something. */

#include "model/schema.h"

struct tls_store_certificate {
	struct str secret_name;
};

struct tls_store_domain {
	struct str main;
	struct strs sans;
};

struct tls_store_generated {
	struct str resolver;
	struct tls_store_domain domain;
};

struct tls_store {
	struct tls_store_certificate *default_certificate; /* NULL: a generated one */
	struct list_of certificates;			   /* struct tls_store_certificate */
	struct tls_store_generated *default_generated;
};

extern const struct schema schema_tls_store;

#endif
