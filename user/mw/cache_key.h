/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

/*
 * cache_key: what makes two requests ask for the same thing.
 *
 * Everything that a service is told by the proxy itself about where the request came in is part of
 * the key: scheme, authority with its port, path, query, X-Forwarded-Host and its kind. Requests
 * with headers that could make a service answer for another URL or method than the key says are
 * not cached at all, so that nobody can plant an answer for others (reference/security.md A2.1).
 * Pure.
 */

#include "http/header.h"
#include "http/message.h"

enum { CACHE_KEY_VARY_MAX = 16 }; /* names in Vary */

/* {0} without memory. */
struct str cache_key_of(const struct request *request, struct arena *arena);
/* The key of another path with query at the same place (Location of the same authority). */
struct str cache_key_beside(const struct request *request, struct str path_query,
			    struct arena *arena);
/* Whether the request carries something that the key cannot stand for. */
bool cache_key_is_doubtful(const struct request *request);
/* Names in Vary: lower case, sorted, each once, one a line; empty: none. False: too many, or no
 * memory. */
bool cache_key_vary(const struct headers *response, struct arena *arena, struct str *ret_vary);
/* The key of a variant: id tells sets of names apart that a key had one after the other. */
struct str cache_key_variant(struct str key, uint64_t id, struct str vary,
			     const struct headers *request, struct arena *arena);

#endif
