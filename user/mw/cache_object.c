// SPDX-License-Identifier: Apache-2.0
/*
 * cache_object: one block of memory for the struct, the header array and all texts; the body is
 * another.
 */

#include "mw/cache_object.h"

#include <stdlib.h>

#include "base/clock.h"
#include "http/h1_write.h"

static void count(atomic_size_t *used_bytes, size_t n)
{
	atomic_fetch_add_explicit(used_bytes, n, memory_order_relaxed);
}

static void uncount(atomic_size_t *used_bytes, size_t n)
{
	atomic_fetch_sub_explicit(used_bytes, n, memory_order_relaxed);
}

struct cache_body *cache_body_new(size_t cap_bytes, atomic_size_t *used_bytes)
{
	struct cache_body *body =
		cap_bytes < SIZE_MAX - sizeof(*body) ? malloc(sizeof(*body) + cap_bytes) : NULL;

	if (!body)
		return NULL;
	*body = (struct cache_body){.used_bytes = used_bytes, .cap_bytes = cap_bytes};
	ref_init(&body->ref);
	count(used_bytes, sizeof(*body) + cap_bytes);
	return body;
}

struct cache_body *cache_body_grow(struct cache_body *body, size_t cap_bytes)
{
	struct cache_body *grown = cap_bytes < SIZE_MAX - sizeof(*body)
					   ? realloc(body, sizeof(*body) + cap_bytes)
					   : NULL;

	if (!grown)
		return NULL;
	count(grown->used_bytes, cap_bytes);
	uncount(grown->used_bytes, grown->cap_bytes);
	grown->cap_bytes = cap_bytes;
	return grown;
}

void cache_body_put(struct cache_body *body)
{
	if (!body || !ref_put(&body->ref))
		return;
	uncount(body->used_bytes, sizeof(*body) + body->cap_bytes);
	free(body);
}

/* RFC 9111 3.1; Content-Type has a place of its own. */
static bool is_kept(const struct header *header, const struct headers *headers)
{
	switch (header->id) {
	case HEADER_CONNECTION:
	case HEADER_CONTENT_LENGTH:
	case HEADER_CONTENT_TYPE:
	case HEADER_KEEP_ALIVE:
	case HEADER_PROXY_AUTHENTICATE:
	case HEADER_PROXY_AUTHORIZATION:
	case HEADER_PROXY_CONNECTION:
	case HEADER_TE:
	case HEADER_TRAILER:
	case HEADER_TRANSFER_ENCODING:
	case HEADER_UPGRADE:
		return false;
	default:
		return !header->gone && !str_eq_nocase(header->name, STR("Age")) &&
		       !h1_write_is_nominated(headers, header->name);
	}
}

static char *put_text(char *at, struct str text, struct str *ret_text)
{
	if (text.len)
		memcpy(at, text.at, text.len);
	*ret_text = str_n(at, text.len);
	return at + text.len;
}

static struct cache_object *allocate(enum cache_kind kind, size_t bytes, atomic_size_t *used_bytes)
{
	struct cache_object *object = malloc(bytes);

	if (!object)
		return NULL;
	*object = (struct cache_object){
		.kind = (uint8_t)kind, .bytes = bytes, .used_bytes = used_bytes};
	ref_init(&object->ref);
	count(used_bytes, bytes);
	return object;
}

static struct str value_of(const struct cache_object *object, struct str name)
{
	for (uint16_t i = 0; i < object->n_headers; i++)
		if (str_eq_nocase(object->headers[i].name, name))
			return object->headers[i].value;
	return (struct str){0};
}

struct cache_object *cache_object_new(const struct response *response,
				      const struct cache_terms *terms, struct cache_body *body,
				      uint64_t now_ns, atomic_size_t *used_bytes)
{
	const struct headers *headers = &response->headers;
	struct str type = header_value(headers, HEADER_CONTENT_TYPE);
	size_t bytes = sizeof(struct cache_object) + type.len;
	struct cache_object *object;
	char *at;

	for (uint16_t i = 0; i < headers->n; i++)
		if (is_kept(&headers->at[i], headers))
			bytes += sizeof(struct header) + headers->at[i].name.len +
				 headers->at[i].value.len;
	object = allocate(CACHE_RESPONSE, bytes, used_bytes);
	if (!object) {
		cache_body_put(body);
		return NULL;
	}
	object->headers = (struct header *)(object + 1);
	object->status = response->status;
	object->terms = *terms;
	object->stored_ns = now_ns;
	object->body = body;
	for (uint16_t i = 0; i < headers->n; i++)
		if (is_kept(&headers->at[i], headers))
			object->headers[object->n_headers++] = headers->at[i];
	at = (char *)(object->headers + object->n_headers);
	for (uint16_t i = 0; i < object->n_headers; i++) {
		struct header *header = &object->headers[i];

		at = put_text(at, header->name, &header->name);
		at = put_text(at, header->value, &header->value);
	}
	if (type.at)
		put_text(at, type, &object->content_type);
	object->etag = value_of(object, STR("ETag"));
	object->modified = value_of(object, STR("Last-Modified"));
	return object;
}

struct cache_object *cache_object_varies(struct str vary, uint64_t id, atomic_size_t *used_bytes)
{
	struct cache_object *object =
		allocate(CACHE_VARIES, sizeof(struct cache_object) + vary.len, used_bytes);

	if (!object)
		return NULL;
	object->id = id;
	put_text((char *)(object + 1), vary, &object->vary);
	return object;
}

struct cache_object *cache_object_pass(uint64_t until_ns, atomic_size_t *used_bytes)
{
	struct cache_object *object = allocate(CACHE_PASS, sizeof(struct cache_object), used_bytes);

	if (object)
		object->until_ns = until_ns;
	return object;
}

void cache_object_put(struct cache_object *object)
{
	if (!object || !ref_put(&object->ref))
		return;
	cache_body_put(object->body);
	uncount(object->used_bytes, object->bytes);
	free(object);
}

int64_t cache_object_age(const struct cache_object *object, uint64_t now_ns)
{
	uint64_t here_ns = now_ns > object->stored_ns ? now_ns - object->stored_ns : 0;

	return object->terms.age_s + (int64_t)(here_ns / NS_PER_SEC);
}

void cache_object_renew(const struct cache_object *old, struct response *response)
{
	struct headers *headers = &response->headers;

	/* What describes the body is that of the body that is kept. */
	header_remove_id(headers, HEADER_CONTENT_LENGTH);
	header_remove_id(headers, HEADER_CONTENT_ENCODING);
	header_remove_id(headers, HEADER_CONTENT_TYPE);
	header_remove(headers, STR("Content-Range"));
	uint16_t n = headers->n;

	if (old->content_type.at)
		header_add_id(headers, HEADER_CONTENT_TYPE, old->content_type);
	for (uint16_t i = 0; i < old->n_headers; i++) {
		const struct header *header = &old->headers[i];
		bool is_renewed = false;

		/* Only what the 304 itself brought renews; lines of one name stay together. */
		for (uint16_t j = 0; j < n && !is_renewed; j++)
			is_renewed = !headers->at[j].gone &&
				     str_eq_nocase(headers->at[j].name, header->name);
		if (!is_renewed)
			header_add(headers, header->name, header->value);
	}
	response->status = old->status;
}
