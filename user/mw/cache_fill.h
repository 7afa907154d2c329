/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_FILL_H
#define CACHE_FILL_H

/*
 * cache_fill: a response on its way into the store while it goes to the client.
 *
 * The head is kept as it is when the cache sees it: what middlewares further out do to it later is
 * theirs. A body that outgrows the limit, or that is cut, is not kept.
 */

#include "mw/cache_store.h"

struct cache_fill {
	struct cache_object *object; /* NULL: nothing is being kept */
	struct cache_body *body;
	struct str key;
	size_t max_bytes;
};

/* False: it cannot be kept. key must live as long as the fill. */
bool cache_fill_begin(struct cache_fill *fill, struct mw_state *store, struct str key,
		      const struct response *response, const struct cache_terms *terms,
		      size_t max_bytes, uint64_t now_ns);
/* A piece of the body; gives up by itself. */
void cache_fill_add(struct cache_fill *fill, struct mw_state *store, struct str bytes);
/* The body is whole: it is in the store from now on. False: it was given up. */
bool cache_fill_end(struct cache_fill *fill, struct mw_state *store);
/* Accepts one that was never begun, or has ended. */
void cache_fill_drop(struct cache_fill *fill);
static inline bool cache_fill_is_on(const struct cache_fill *fill)
{
	return fill->object;
}

#endif
