// SPDX-License-Identifier: Apache-2.0
/*
 * errors: error responses get a page of another service (reference/traefik.md c.13).
 *
 * The answer that is replaced is dropped whole, headers too; the page's headers and body are sent
 * with the status of the answer, or the one it is rewritten to, whatever status the page came with.
 * When the service cannot be asked, what the proxy would have said of that is the page.
 */

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "http/header.h"
#include "http/status.h"
#include "http/status_range.h"
#include "http/uri.h"
#include "model/mw_conf_auth.h"
#include "mw/mw_list.h"
#include "mw/owned_header.h"

struct rewrite {
	struct status_range from;
	uint16_t to;
};

struct errors {
	struct status_range *statuses;
	uint32_t n_statuses, n_rewrites;
	struct rewrite *rewrites;
	const struct service *service;
	struct str service_name, status_text, query;
	const struct strs *headers; /* NULL: all */
	bool names_url;
};

struct slot {
	struct mw_fetch *fetch;
	struct str url; /* as the request came here */
	uint16_t code;
};

/* ---------------------------------------------------------------- prepare -- */

static int add_rewrites(struct mw_prepare *prepare, struct errors *self, const json_t *json)
{
	const char *key;
	json_t *value;

	if (!json)
		return 0;
	self->rewrites = ARENA_ARRAY(prepare->arena, struct rewrite, json_object_size(json) + 1);
	if (!self->rewrites)
		return -ENOMEM;
	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		struct str text = str_of(key), bad;
		struct strs texts = {&text, 1};
		struct status_range *ranges;
		uint32_t n;

		TRY(status_range_parse(&texts, prepare->arena, &ranges, &n, &bad));
		self->rewrites[self->n_rewrites++] =
			(struct rewrite){ranges[0], (uint16_t)json_integer_value(value)};
	}
	return 0;
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_errors *from = decoded;
	struct errors *self = ARENA_NEW(prepare->arena, struct errors);
	struct str bad;

	if (!self)
		return -ENOMEM;
	TRY(status_range_parse(&from->status, prepare->arena, &self->statuses, &self->n_statuses,
			       &bad));
	TRY(add_rewrites(prepare, self, from->status_rewrites.json));
	for (size_t i = 0; i < from->status.n; i++)
		self->status_text = arena_printf(prepare->arena, STR_FMT "%s" STR_FMT,
						 STR_ARG(self->status_text), i ? "," : "",
						 STR_ARG(from->status.at[i]));
	self->query = from->query;
	self->names_url = str_search(from->query, STR("{url}")) >= 0;
	self->headers = from->error_request_headers.at ? &from->error_request_headers : NULL;
	self->service_name = from->service->name;
	self->service =
		prepare->service(prepare, from->service, DIAG_FIELD(prepare->path, "service"));
	*ret_conf = self;
	return self->service ? 0 : -EINVAL;
}

/* --------------------------------------------------------------- requests -- */

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct errors *self = instance->conf;
	const struct request *request = call->request;
	struct slot *slot = call->slot;

	/* Middlewares further in may change it; the page is to know what was asked for. */
	if (self->names_url)
		slot->url = arena_printf(request->arena, "http%s://" STR_FMT STR_FMT "%s" STR_FMT,
					 request->is_tls ? "s" : "", STR_ARG(request->authority),
					 STR_ARG(request->raw_path), request->has_query ? "?" : "",
					 STR_ARG(request->query));
	return MW_NEXT;
}

/* The template with its placeholders filled in. */
static struct str fill(const struct errors *self, struct arena *arena, uint16_t code,
		       uint16_t original, struct str url)
{
	char code_text[8], original_text[8];
	const struct {
		struct str name, value;
	} places[] = {
		{STR("{status}"),
		 str_n(code_text, (size_t)snprintf(code_text, sizeof(code_text), "%u", code))},
		{STR("{originalStatus}"),
		 str_n(original_text,
		       (size_t)snprintf(original_text, sizeof(original_text), "%u", original))},
		{STR("{url}"), self->names_url ? uri_encode_query(url, arena) : (struct str){0}},
	};
	struct str rest = self->query, text = arena_str(arena, STR("/"));

	if (str_starts(rest, STR("/")))
		rest = str_from(rest, 1);
	while (rest.len) {
		size_t taken = 0;

		for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !taken; i++)
			if (str_starts(rest, places[i].name)) {
				text = arena_join(arena, text, places[i].value);
				taken = places[i].name.len;
			}
		if (!taken) {
			taken = 1;
			while (taken < rest.len && rest.at[taken] != '{')
				taken++;
			text = arena_join(arena, text, str_take(rest, taken));
		}
		rest = str_from(rest, taken);
	}
	return text;
}

/* What cannot stand in a request's target is escaped; a fragment is nothing to ask for. */
static struct str as_target(struct str text, struct arena *arena)
{
	static const char digits[] = "0123456789ABCDEF";
	ptrdiff_t hash = str_find(text, '#');
	char *out;
	size_t n = 0;

	if (hash >= 0)
		text = str_take(text, (size_t)hash);
	out = arena_alloc(arena, 3 * text.len + 1, 1);
	if (!out)
		return (struct str){0};
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c > 0x20 && c < 0x7f && !strchr("\"<>\\^`{|}", c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return str_n(out, n);
}

static bool is_asked_for(const struct errors *self, const struct header *header)
{
	if (header->gone || owned_header_is_framing(header))
		return false;
	/* What proves to the service who asks is not for whoever makes the pages, unless they are
	 * named (reference/security.md A2.8). */
	if (!self->headers)
		return header->id != HEADER_AUTHORIZATION && header->id != HEADER_COOKIE;
	for (size_t i = 0; i < self->headers->n; i++)
		if (str_eq_nocase(self->headers->at[i], header->name))
			return true;
	return false;
}

static enum mw_verdict ask(const struct errors *self, struct mw_call *call)
{
	const struct request *request = call->request;
	struct slot *slot = call->slot;
	struct mw_fetch *fetch = ARENA_NEW(request->arena, struct mw_fetch);
	uint16_t original = call->response->status;

	if (!fetch)
		return MW_NEXT;
	slot->code = original;
	for (uint32_t i = 0; i < self->n_rewrites; i++)
		if (status_range_has(&self->rewrites[i].from, 1, original)) {
			slot->code = self->rewrites[i].to;
			break;
		}
	fetch->service = self->service;
	fetch->method = STR("GET");
	fetch->path = as_target(fill(self, request->arena, slot->code, original, slot->url),
				request->arena);
	fetch->host = request->authority;
	fetch->max_response_bytes = -1;
	fetch->headers.arena = request->arena;
	for (size_t i = 0; i < request->headers.n; i++) {
		const struct header *header = &request->headers.at[i];

		if (is_asked_for(self, header))
			header_add(&fetch->headers, header->name, header->value);
	}
	slot->fetch = fetch;
	call->wait.fetch = fetch;
	return MW_WAIT;
}

static void show_failure(struct mw_call *call, int error)
{
	struct mw_reply *reply = &call->reply;

	if (error == -ENOENT) {
		reply->body = STR("no available server\n");
		return;
	}
	reply->body = status_text(error == -ETIMEDOUT ? 504 : 502);
	reply->content_type = STR("");
}

static enum mw_verdict show(struct mw_call *call)
{
	const struct slot *slot = call->slot;
	struct mw_fetch *fetch = slot->fetch;
	struct mw_reply *reply = &call->reply;

	reply->status = slot->code;
	if (fetch->error) {
		show_failure(call, fetch->error);
		return MW_REPLY;
	}
	reply->body = fetch->response_body;
	reply->content_type = STR(""); /* none unless the page has one */
	for (size_t i = 0; i < fetch->response_headers.n; i++) {
		const struct header *header = &fetch->response_headers.at[i];

		if (header->gone || owned_header_is_framing(header))
			continue;
		if (header->id == HEADER_CONTENT_TYPE)
			reply->content_type = header->value;
		else
			header_add(&reply->headers, header->name, header->value);
	}
	return MW_REPLY;
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	const struct errors *self = instance->conf;
	const struct slot *slot = call->slot;

	/* Not resumed: another answer, after a middleware further out asked again. */
	if (slot->fetch && call->resumed)
		return show(call);
	/* Interim answers and granted upgrades pass. */
	if (call->response->status < 200 ||
	    !status_range_has(self->statuses, self->n_statuses, call->response->status))
		return MW_NEXT;
	return ask(self, call);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct errors *self = instance->conf;

	(void)request;
	return arena_printf(arena,
			    "gives answers with status " STR_FMT " a page of service " STR_FMT,
			    STR_ARG(self->status_text), STR_ARG(self->service_name));
}

const struct mw errors_mw = {
	.name = "errors",
	.schema = &schema_mw_errors,
	.prepare = prepare,
	.on_request = on_request,
	.on_response = on_response,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
