// SPDX-License-Identifier: Apache-2.0
/*
 * grpc_web: translates between gRPC-Web, which browsers can speak, and gRPC (reference c.14, gRPC's
 * PROTOCOL-WEB document).
 *
 * Messages are the same in both; gRPC-Web has the trailers as a last frame of the body (flag 0x80)
 * and, as -text, the whole body in base64. The service must be one that speaks gRPC. Pages of other
 * origins may use it if allowOrigins says so: their browsers' questions are answered here.
 */

#include <errno.h>

#include "http/header.h"
#include "model/mw_conf_body.h"
#include "mw/base64_stream.h"
#include "mw/mw_list.h"

enum { TRAILER_FLAG = 0x80, FRAME_HEAD_BYTES = 5, TRAILERS_MAX_BYTES = 64 << 10 };

#define ALLOW "Access-Control-Allow-"

static const struct str grpc = {"application/grpc", 16};
static const struct str web = {"application/grpc-web", 20};
static const struct str web_text = {"application/grpc-web-text", 25};

struct grpc_web {
	struct strs origins;
	bool any;
};

struct slot {
	bool is_web, is_text;
	struct str origin; /* that may read the answer; {0}: none */
	struct base64_stream in, out;
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_grpc_web *from = decoded;
	struct grpc_web *self = ARENA_NEW(prepare->arena, struct grpc_web);

	if (!self)
		return -ENOMEM;
	self->origins = from->allow_origins;
	for (size_t i = 0; i < from->allow_origins.n; i++)
		self->any = self->any || str_eq(from->allow_origins.at[i], STR("*"));
	*ret_conf = self;
	return 0;
}

static struct str allowed_origin(const struct grpc_web *self, const struct request *request)
{
	struct str origin = header_value(&request->headers, HEADER_ORIGIN);
	bool is_allowed = self->any;

	for (size_t i = 0; i < self->origins.n && !is_allowed; i++)
		is_allowed = str_eq(origin, self->origins.at[i]);
	return is_allowed && origin.len ? origin : (struct str){0};
}

/* -------------------------------------------------------------- requests -- */

static bool is_preflight(const struct request *request)
{
	struct str asked = header_value(&request->headers, HEADER_ACCESS_CONTROL_REQUEST_HEADERS);

	return request->method_id == METHOD_OPTIONS &&
	       header_value(&request->headers, HEADER_ACCESS_CONTROL_REQUEST_METHOD).len > 0 &&
	       header_list_has(asked, STR("x-grpc-web"));
}

static enum mw_verdict answer_preflight(const struct grpc_web *self, struct mw_call *call)
{
	const struct headers *asked = &call->request->headers;
	struct str method = header_value(asked, HEADER_ACCESS_CONTROL_REQUEST_METHOD);
	struct str origin = allowed_origin(self, call->request);
	struct headers *headers = &call->reply.headers;

	call->reply.status = 204;
	header_add(headers, STR("Vary"),
		   STR("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
	if (!origin.at || !(str_eq(method, STR("POST")) || str_eq(method, STR("GET")) ||
			    str_eq(method, STR("HEAD"))))
		return MW_REPLY;
	header_add(headers, STR(ALLOW "Origin"), origin);
	header_add(headers, STR(ALLOW "Methods"), method);
	header_add(headers, STR(ALLOW "Headers"),
		   header_value(asked, HEADER_ACCESS_CONTROL_REQUEST_HEADERS));
	header_add(headers, STR(ALLOW "Credentials"), STR("true"));
	header_add(headers, STR("Access-Control-Max-Age"), STR("600"));
	return MW_REPLY;
}

/* type with `from` at its beginning made `to`. */
static struct str retyped(struct arena *arena, struct str type, struct str from, struct str to)
{
	return arena_join(arena, arena_str(arena, to), str_from(type, from.len));
}

static bool is_web_request(const struct request *request, struct str *ret_type)
{
	*ret_type = header_value(&request->headers, HEADER_CONTENT_TYPE);
	return request->method_id == METHOD_POST && str_starts_nocase(*ret_type, web);
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct grpc_web *self = instance->conf;
	struct request *request = call->request;
	struct slot *slot = call->slot;
	struct str type;

	if (is_preflight(request))
		return answer_preflight(self, call);
	if (!is_web_request(request, &type))
		return MW_NEXT;
	slot->is_web = true;
	slot->is_text = str_starts_nocase(type, web_text);
	slot->origin = allowed_origin(self, request);
	header_set_id(&request->headers, HEADER_CONTENT_TYPE,
		      retyped(request->arena, type, slot->is_text ? web_text : web, grpc));
	/* gRPC needs to know that trailers will be read. */
	header_set_id(&request->headers, HEADER_TE, STR("trailers"));
	call->filter_request = slot->is_text;
	return MW_NEXT;
}

static int on_request_body(const struct mw_instance *instance, struct mw_call *call,
			   const struct mw_span *span, struct mw_body_out *out)
{
	struct slot *slot = call->slot;
	size_t n = base64_stream_decoded_max(span->bytes.len);
	char *at = mw_body_room(out, n);

	(void)instance;
	if (!at)
		return -ENOMEM;
	int result = base64_stream_decode(&slot->in, span->bytes, at, &n);

	if (result < 0 || (span->is_last && !base64_stream_is_whole(&slot->in)))
		return -EINVAL;
	mw_body_added(out, n);
	return 0;
}

/* ------------------------------------------------------------- responses -- */

/* Pages see only headers that are named; and the status, which may be one of them. */
static struct str exposed(const struct headers *headers, struct arena *arena)
{
	struct str list = {0};

	for (uint16_t i = 0; i < headers->n; i++) {
		if (headers->at[i].gone || headers->at[i].id == HEADER_TRAILER)
			continue;
		list = arena_join(arena, list, headers->at[i].name);
		list = arena_join(arena, list, STR(", "));
	}
	return arena_join(arena, list, STR("grpc-status, grpc-message"));
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	struct headers *headers = &call->response->headers;
	struct str type = header_value(headers, HEADER_CONTENT_TYPE);
	const struct slot *slot = call->slot;

	(void)instance;
	if (!slot->is_web)
		return MW_NEXT;
	/* An answer that is no gRPC (a failure's page) is left as it is. */
	if (str_starts_nocase(type, grpc) && !str_starts_nocase(type, web)) {
		header_set_id(
			headers, HEADER_CONTENT_TYPE,
			retyped(call->request->arena, type, grpc, slot->is_text ? web_text : web));
		/* Without a body the status is in the headers, where clients look first. */
		call->filter_response =
			call->response->body != BODY_NONE &&
			!(call->response->body == BODY_LENGTH && !call->response->content_length);
		header_remove_id(headers, HEADER_TRAILER);
	}
	if (slot->origin.at) {
		header_set(headers, STR("Access-Control-Expose-Headers"),
			   exposed(headers, call->request->arena));
		header_set(headers, STR(ALLOW "Origin"), slot->origin);
		header_set(headers, STR(ALLOW "Credentials"), STR("true"));
	}
	header_add_id(headers, HEADER_VARY, STR("Origin"));
	return MW_NEXT;
}

/* Bytes of the body as this client reads them. */
static int put(struct slot *slot, struct str bytes, bool is_end, struct mw_body_out *out)
{
	if (!slot->is_text) {
		mw_body_append(out, bytes);
		return 0;
	}
	char *at = mw_body_room(out, base64_stream_encoded_max(bytes.len));

	if (!at)
		return -ENOMEM;
	mw_body_added(out, base64_stream_encode(&slot->out, bytes, is_end, at));
	return 0;
}

/* "name: value" lines behind a frame's head; names in lower case, as the protocol wants. */
static struct str trailer_frame(const struct headers *trailers, struct arena *arena)
{
	size_t n = FRAME_HEAD_BYTES;
	char *frame, *at;

	for (uint16_t i = 0; trailers && i < trailers->n; i++)
		if (!trailers->at[i].gone)
			n += trailers->at[i].name.len + trailers->at[i].value.len + 4;
	frame = n <= TRAILERS_MAX_BYTES ? arena_alloc(arena, n, 1) : NULL;
	if (!frame)
		return (struct str){0};
	frame[0] = (char)TRAILER_FLAG;
	for (int i = 0; i < 4; i++)
		frame[1 + i] = (char)((n - FRAME_HEAD_BYTES) >> (24 - 8 * i));
	at = frame + FRAME_HEAD_BYTES;
	for (uint16_t i = 0; trailers && i < trailers->n; i++) {
		const struct header *header = &trailers->at[i];

		if (header->gone)
			continue;
		for (size_t j = 0; j < header->name.len; j++)
			*at++ = ascii_lower(header->name.at[j]);
		memcpy(at, ": ", 2);
		at += 2;
		if (header->value.len)
			memcpy(at, header->value.at, header->value.len);
		at += header->value.len;
		memcpy(at, "\r\n", 2);
		at += 2;
	}
	return str_n(frame, n);
}

static int on_response_body(const struct mw_instance *instance, struct mw_call *call,
			    const struct mw_span *span, struct mw_body_out *out)
{
	struct slot *slot = call->slot;
	struct str frame;
	/* Padding ends a piece, which clients read on its own. */
	int result = put(slot, span->bytes, span->is_flush && !span->is_last, out);

	(void)instance;
	if (result < 0 || !span->is_last)
		return result;
	frame = trailer_frame(span->trailers, call->request->arena);
	return frame.at ? put(slot, frame, true, out) : -EMSGSIZE;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	struct str type;

	(void)instance;
	if (is_preflight(request))
		return STR("answers the browser's question about gRPC-Web with 204");
	if (!is_web_request(request, &type))
		return STR("passes it on: it is no gRPC-Web request");
	return arena_printf(arena, "translates " STR_FMT " to gRPC and back", STR_ARG(type));
}

const struct mw grpc_web_mw = {
	.name = "grpcWeb",
	.schema = &schema_mw_grpc_web,
	.prepare = prepare,
	.on_request = on_request,
	.on_response = on_response,
	.on_request_body = on_request_body,
	.on_response_body = on_response_body,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
