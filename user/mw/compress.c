// SPDX-License-Identifier: Apache-2.0
/*
 * compress: compresses responses for clients that say they can read it (reference c.9).
 *
 * Everything is decided when the response's head is here. A response that does not say how long it
 * is was flushed piece by piece, so it is compressed whatever its size, unless it is empty, as the
 * reference does; its pieces are passed on as they come. What is left as it is, and how requests
 * choose, stands in rows of the test. Partial content is never compressed: the bytes that a range
 * names are those of the representation that was asked for. Nor is what must not be transformed
 * (RFC 9110 7.7); and a strong tag becomes a weak one, since it names other bytes (8.8.3).
 */

#include <errno.h>

#include "http/status.h"
#include "mw/cache_control.h"
#include "model/mw_conf_body.h"
#include "mw/accept_coding.h"
#include "mw/media_type.h"
#include "mw/mw_list.h"

enum { MIN_BYTES = 1024, STATUS_PARTIAL = 206 };

static const struct str no_gzip = {"No-Gzip-Compression", 19};

struct compress {
	struct strs excluded, included;
	int64_t min_bytes;
	struct accept_coding offer;
};

struct slot {
	enum coding_id coding;
	struct coder *coder;
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_compress *from = decoded;
	struct compress *self = ARENA_NEW(prepare->arena, struct compress);

	if (!self)
		return -ENOMEM;
	int excluded = media_type_prepare(prepare, &from->excluded_content_types,
					  DIAG_FIELD(prepare->path, "excludedContentTypes"),
					  &self->excluded);
	int included = media_type_prepare(prepare, &from->included_content_types,
					  DIAG_FIELD(prepare->path, "includedContentTypes"),
					  &self->included);

	if (excluded < 0 || included < 0)
		return excluded < 0 ? excluded : included;
	self->min_bytes =
		from->min_response_body_bytes > 0 ? from->min_response_body_bytes : MIN_BYTES;
	self->offer.preset = coding_find(from->default_encoding);
	for (size_t i = 0; i < from->encodings.n; i++) {
		enum coding_id id = coding_find(from->encodings.at[i]);
		uint8_t n = self->offer.n;

		/* One that is named twice has its first place. */
		for (uint8_t j = 0; j < n && id != CODING_IDENTITY; j++)
			if (self->offer.order[j] == id)
				id = CODING_IDENTITY;
		if (id != CODING_IDENTITY)
			self->offer.order[self->offer.n++] = id;
	}
	*ret_conf = self;
	return 0;
}

static bool is_excluded(const struct compress *self, struct str type)
{
	static const struct str grpc = {"application/grpc", 16};

	return str_eq_nocase(type, grpc) ||
	       (str_starts_nocase(type, grpc) && type.at[grpc.len] == '+') ||
	       media_type_in(type, &self->excluded);
}

static enum coding_id choose(const struct compress *self, const struct request *request)
{
	struct str type;

	if (request->method_id == METHOD_HEAD)
		return CODING_IDENTITY;
	media_type_parse(header_value(&request->headers, HEADER_CONTENT_TYPE), &type);
	if (type.len && is_excluded(self, type))
		return CODING_IDENTITY;
	return accept_coding_choose(&self->offer, &request->headers);
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;

	slot->coding = choose(instance->conf, call->request);
	return MW_NEXT;
}

static void add_vary(struct headers *headers)
{
	struct header *header = header_find(headers, HEADER_VARY);

	for (; header; header = header_next_same(headers, header))
		if (header_list_has(header->value, STR("Accept-Encoding")) ||
		    header_list_has(header->value, STR("*")))
			return;
	header_add_id(headers, HEADER_VARY, STR("Accept-Encoding"));
}

static bool may_compress(const struct compress *self, const struct response *response)
{
	const struct headers *headers = &response->headers;
	struct str value = header_value(headers, HEADER_CONTENT_TYPE), type;
	struct cache_control control;

	if (status_is_bodiless(response->status) || response->status == STATUS_PARTIAL ||
	    response->body == BODY_NONE)
		return false;
	if (response->body == BODY_LENGTH && response->content_length < self->min_bytes)
		return false;
	if (header_value(headers, HEADER_CONTENT_ENCODING).len ||
	    header_find_name((struct headers *)(uintptr_t)headers, STR("Content-Range")))
		return false;
	cache_control_of_response(headers, &control);
	if (control.no_transform)
		return false;
	if (!value.len)
		return true;
	if (!media_type_parse(value, &type) || is_excluded(self, type))
		return false;
	return !self->included.n || media_type_in(type, &self->included);
}

/* gzip alone can be switched off by the service. */
static bool is_switched_off(struct headers *headers, enum coding_id coding)
{
	if (coding != CODING_GZIP || !header_find_name(headers, no_gzip))
		return false;
	header_remove(headers, no_gzip);
	return true;
}

static void weaken_tag(struct headers *headers)
{
	struct header *tag = header_find_name(headers, STR("ETag"));

	if (tag && str_starts(tag->value, STR("\"")))
		tag->value = arena_join(headers->arena, STR("W/"), tag->value);
}

static enum mw_verdict begin(struct slot *slot, struct mw_call *call)
{
	struct response *response = call->response;
	bool is_known = response->body == BODY_LENGTH;

	if (!is_known && !call->resumed) {
		call->wait.response = (struct mw_wait_response){.wanted = true, .min_bytes = 1};
		return MW_WAIT;
	}
	if (!is_known && call->response_is_whole && !call->response_begin.len)
		return MW_NEXT;
	slot->coder =
		coding_take(slot->coding, is_known ? response->content_length : -1, call->worker);
	if (!slot->coder)
		return MW_NEXT;
	header_set_id(&response->headers, HEADER_CONTENT_ENCODING, coding_of(slot->coding)->name);
	header_remove(&response->headers, STR("Accept-Ranges"));
	weaken_tag(&response->headers);
	call->filter_response = true;
	return MW_NEXT;
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;

	if (slot->coding == CODING_IDENTITY)
		return MW_NEXT;
	if (!call->resumed) {
		bool is_off = is_switched_off(&call->response->headers, slot->coding);

		/* Of an answer that was dropped to ask again. */
		coding_give(slot->coder, call->worker);
		slot->coder = NULL;
		add_vary(&call->response->headers);
		if (is_off || !may_compress(instance->conf, call->response))
			return MW_NEXT;
	}
	return begin(slot, call);
}

static int on_response_body(const struct mw_instance *instance, struct mw_call *call,
			    const struct mw_span *span, struct mw_body_out *out)
{
	struct slot *slot = call->slot;
	enum coding_step step = span->is_last	 ? CODING_END
				: span->is_flush ? CODING_FLUSH
						 : CODING_GO;

	(void)instance;
	if (!slot->coder)
		return -EINVAL;
	int result = coding_write(slot->coder, span->bytes, step, out);

	if (!span->is_last || result < 0)
		return result;
	for (uint16_t i = 0; span->trailers && i < span->trailers->n; i++)
		if (!span->trailers->at[i].gone)
			mw_body_trailer(out, span->trailers->at[i].name,
					span->trailers->at[i].value);
	coding_give(slot->coder, call->worker);
	slot->coder = NULL;
	return 0;
}

static void on_end(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;

	(void)instance;
	coding_give(slot->coder, call->worker);
	slot->coder = NULL;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct compress *self = instance->conf;
	enum coding_id coding = choose(self, request);

	if (coding == CODING_IDENTITY)
		return STR("leaves the response as it is: nothing it could use is asked for");
	return arena_printf(
		arena,
		"compresses with " STR_FMT
		" if the response has %lld bytes, or does not say, and a type that may be "
		"compressed",
		STR_ARG(coding_of(coding)->name), (long long)self->min_bytes);
}

const struct mw compress_mw = {
	.name = "compress",
	.schema = &schema_mw_compress,
	.prepare = prepare,
	.on_request = on_request,
	.on_response = on_response,
	.on_response_body = on_response_body,
	.on_end = on_end,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
