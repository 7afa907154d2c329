/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SECRET_OBJECT_H
#define SECRET_OBJECT_H

/*
 * secret_object: v1 Secret. data holds the decoded bytes (stringData already laid over it), sorted
 * by key; nothing here prints them, and the source document is not kept.
 */

#include "model/schema.h"

#define SECRET_TYPE_TLS	       "kubernetes.io/tls"
#define SECRET_TYPE_BASIC_AUTH "kubernetes.io/basic-auth"
#define SECRET_TYPE_OPAQUE     "Opaque"

struct secret {
	struct str type; /* "Opaque" by default */
	struct str_map data;
	struct str_map string_data; /* as written; use data */
};

/* The bytes of a key; at is NULL when it is not there. */
struct str secret_get(const struct secret *secret, struct str key);
/* Decodes base64 and lays stringData over it; run once by object_decode. Returns the number of
 * errors. */
size_t secret_finish(void *decoded, struct arena *arena, struct diag_sink *sink);

extern const struct schema schema_secret;

#endif
