/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_OBJECT_H
#define CACHE_OBJECT_H

/*
 * cache_object: a kept response: immutable, shared by any number of exchanges on any thread, freed
 * with the last reference. Its bytes count against the store's memory for exactly as long as it
 * exists, so also while a slow client keeps what the store has dropped.
 */

#include <stdatomic.h>

#include "base/ref.h"
#include "mw/cache_rule.h"

enum cache_kind {
	CACHE_RESPONSE,
	CACHE_VARIES, /* responses differ by request headers: they stand under keys of their own */
	CACHE_PASS,   /* the last response could not be kept: nobody waits for the next one */
};

/* A body, apart: a validated response shares that of the one it renews. */
struct cache_body {
	struct ref ref;
	atomic_size_t *used_bytes;
	size_t len, cap_bytes;
	char at[];
};

struct cache_object {
	struct ref ref;
	atomic_size_t *used_bytes; /* bytes are counted there */
	size_t bytes;
	uint8_t kind; /* enum cache_kind */
	uint16_t status;
	uint16_t n_headers;
	struct cache_terms terms;
	uint64_t id;		 /* CACHE_VARIES: unlike every other one's */
	uint64_t stored_ns;	 /* monotonic: when it came, or was validated */
	uint64_t until_ns;	 /* CACHE_PASS */
	struct str vary;	 /* CACHE_VARIES: lower-case names, one a line */
	struct str etag;	 /* {0}: none */
	struct str modified;	 /* Last-Modified as it came; {0}: none */
	struct header *headers;	 /* to be sent again, Content-Type not among them */
	struct str content_type; /* {0}: none */
	struct cache_body *body; /* NULL: empty */
};

/* len 0, ref 1; NULL without memory. */
struct cache_body *cache_body_new(size_t cap_bytes, atomic_size_t *used_bytes);
/* A larger one with the same content; the old one is gone unless it fails (NULL). */
struct cache_body *cache_body_grow(struct cache_body *body, size_t cap_bytes);
void cache_body_put(struct cache_body *body); /* accepts NULL */

/*
 * From a response's headers: those of one hop, and what is written anew (Age, Content-Length), are
 * left out. body is taken over, also on failure. NULL without memory.
 */
struct cache_object *cache_object_new(const struct response *response,
				      const struct cache_terms *terms, struct cache_body *body,
				      uint64_t now_ns, atomic_size_t *used_bytes);
struct cache_object *cache_object_varies(struct str vary, uint64_t id, atomic_size_t *used_bytes);
struct cache_object *cache_object_pass(uint64_t until_ns, atomic_size_t *used_bytes);
static inline struct cache_object *cache_object_get(struct cache_object *object)
{
	ref_get(&object->ref);
	return object;
}
void cache_object_put(struct cache_object *object); /* accepts NULL */
/* Seconds since its birth (RFC 9111 4.2.3). */
int64_t cache_object_age(const struct cache_object *object, uint64_t now_ns);
/* Headers of old as a 304 renews them (RFC 9111 3.2): in place, into the 304's own response. */
void cache_object_renew(const struct cache_object *old, struct response *response);

#endif
