// SPDX-License-Identifier: Apache-2.0
/*
 * cache_fill: memory is asked of the store before it is taken, in steps that double.
 */

#include "mw/cache_fill.h"

enum { FIRST_BYTES = 16 << 10 };

void cache_fill_drop(struct cache_fill *fill)
{
	cache_object_put(fill->object);
	cache_body_put(fill->body);
	fill->object = NULL;
	fill->body = NULL;
}

bool cache_fill_begin(struct cache_fill *fill, struct mw_state *store, struct str key,
		      const struct response *response, const struct cache_terms *terms,
		      size_t max_bytes, uint64_t now_ns)
{
	bool is_known = response->body == BODY_LENGTH || response->body == BODY_NONE;
	uint64_t length = response->body == BODY_LENGTH ? (uint64_t)response->content_length : 0;
	size_t first = is_known			 ? (size_t)length
		       : FIRST_BYTES < max_bytes ? FIRST_BYTES
						 : max_bytes;

	*fill = (struct cache_fill){.key = key, .max_bytes = max_bytes};
	if (is_known && length > max_bytes)
		return false;
	if (!cache_store_make_room(store, first + sizeof(struct cache_object)))
		return false;
	fill->object = cache_object_new(response, terms, NULL, now_ns, cache_store_used(store));
	if (fill->object && (first || !is_known)) {
		fill->body = cache_body_new(first, cache_store_used(store));
		if (!fill->body)
			cache_fill_drop(fill);
	}
	return fill->object;
}

static bool grow(struct cache_fill *fill, struct mw_state *store, size_t n)
{
	size_t cap = fill->body ? fill->body->cap_bytes : 0, wanted = cap ? cap : FIRST_BYTES;
	struct cache_body *grown;

	if (!fill->body || n > fill->max_bytes)
		return false;
	while (wanted < n)
		wanted *= 2;
	if (wanted > fill->max_bytes)
		wanted = fill->max_bytes;
	if (!cache_store_make_room(store, wanted - cap))
		return false;
	grown = cache_body_grow(fill->body, wanted);
	if (grown)
		fill->body = grown;
	return grown;
}

void cache_fill_add(struct cache_fill *fill, struct mw_state *store, struct str bytes)
{
	struct cache_body *body = fill->body;

	if (!fill->object || !bytes.len)
		return;
	if (!body || bytes.len > body->cap_bytes - body->len) {
		if (!body || bytes.len > fill->max_bytes ||
		    !grow(fill, store, body->len + bytes.len)) {
			cache_fill_drop(fill);
			return;
		}
		body = fill->body;
	}
	memcpy(body->at + body->len, bytes.at, bytes.len);
	body->len += bytes.len;
}

bool cache_fill_end(struct cache_fill *fill, struct mw_state *store)
{
	bool is_kept;

	if (!fill->object)
		return false;
	if (fill->body && fill->body->cap_bytes - fill->body->len > FIRST_BYTES / 4) {
		struct cache_body *shrunk = cache_body_grow(fill->body, fill->body->len);

		if (shrunk)
			fill->body = shrunk;
	}
	fill->object->body = fill->body;
	fill->body = NULL;
	is_kept = cache_store_put(store, fill->key, fill->object);
	cache_fill_drop(fill);
	return is_kept;
}
