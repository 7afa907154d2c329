// SPDX-License-Identifier: Apache-2.0
/*
 * headers: sets and removes headers, answers cross-origin questions, adds security headers
 * (reference/traefik.md c.3).
 *
 * The custom and cross-origin part lies outside, the security part inside: a request meets
 * preflight, custom request headers, allowed hosts; a response gets security headers, then custom
 * ones, then cross-origin ones. A preflight is answered here and gets nothing else; a refused host
 * gets no security headers.
 */

#include <errno.h>

#include "http/canon.h"
#include "http/header.h"
#include "model/mw_conf.h"
#include "mw/cors.h"
#include "mw/mw_list.h"
#include "mw/owned_header.h"
#include "mw/secure_headers.h"

struct headers_conf {
	struct cors cors;
	struct secure_headers secure;
	struct str_map request, response; /* an empty value deletes */
};

struct slot {
	bool preflight, bad_host;
};

static int check_map(struct mw_prepare *prepare, const struct str_map *map, const char *field)
{
	int result = 0;

	for (size_t i = 0; i < map->n; i++) {
		const struct str_pair *pair = &map->at[i];

		if (header_name_valid(pair->key) && header_value_valid(pair->value))
			continue;
		struct diag *diag = diag_error(prepare->sink, DIAG_FIELD(prepare->path, field),
					       "not a header name, or not a header value");

		diag_found(prepare->sink, diag, pair->key);
		result = -EINVAL;
	}
	return result;
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_headers *from = decoded;
	struct headers_conf *self = ARENA_NEW(prepare->arena, struct headers_conf);

	if (!self)
		return -ENOMEM;
	self->request = from->custom_request_headers;
	self->response = from->custom_response_headers;
	int request = check_map(prepare, &self->request, "customRequestHeaders");
	int response = check_map(prepare, &self->response, "customResponseHeaders");
	int cors = cors_prepare(prepare, from, &self->cors);
	int secure = secure_headers_prepare(prepare, from, &self->secure);

	*ret_conf = self;
	if (request < 0 || response < 0)
		return -EINVAL;
	return cors < 0 ? cors : secure;
}

static void set_host(struct request *request, struct str value)
{
	struct str host;

	/* The host that is forwarded is the host that later middlewares see. */
	if (canon_host(value, request->arena, &host)) {
		request->authority = value;
		request->host = host;
	}
}

/*
 * Servers take X_Tenant for X-Tenant, so the client's goes with it (reference/security.md A2.4); a
 * name that is configured with '_' means that one alone.
 */
static void drop_aliases(const struct str_pair *pair, struct headers *headers)
{
	if (str_find(pair->key, '_') >= 0 || str_eq_nocase(pair->key, STR("Host")))
		return;
	if (pair->value.len == 0)
		owned_header_drop(headers, pair->key);
	for (size_t i = 0; pair->value.len && i < headers->n; i++)
		if (str_find(headers->at[i].name, '_') >= 0 &&
		    owned_header_is_alias(headers->at[i].name, pair->key))
			headers->at[i].gone = true;
}

static void change_request(const struct headers_conf *self, struct request *request)
{
	for (size_t i = 0; i < self->request.n; i++)
		drop_aliases(&self->request.at[i], &request->headers);
	for (size_t i = 0; i < self->request.n; i++) {
		const struct str_pair *pair = &self->request.at[i];

		if (str_eq_nocase(pair->key, STR("Host"))) {
			set_host(request, pair->value);
		} else if (pair->value.len) {
			header_set(&request->headers, pair->key, pair->value);
		} else {
			header_remove(&request->headers, pair->key);
			if (str_eq_nocase(pair->key, STR("X-Forwarded-For")))
				request->hide_peer = true;
		}
	}
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct headers_conf *self = instance->conf;
	struct slot *slot = call->slot;

	if (self->cors.active && cors_is_preflight(call->request)) {
		slot->preflight = true;
		call->reply.status = 200;
		cors_answer(&self->cors, call->request, &call->reply.headers);
		return MW_REPLY;
	}
	change_request(self, call->request);
	if (secure_headers_allow(&self->secure, call->request))
		return MW_NEXT;
	slot->bad_host = true;
	call->reply.status = 500;
	call->reply.body = STR("Bad Host\n");
	return MW_REPLY;
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	const struct headers_conf *self = instance->conf;
	const struct slot *slot = call->slot;
	struct headers *headers = &call->response->headers;

	if (slot->preflight)
		return MW_NEXT;
	if (!slot->bad_host)
		secure_headers_respond(&self->secure, call->request, headers);
	for (size_t i = 0; i < self->response.n; i++) {
		const struct str_pair *pair = &self->response.at[i];

		if (pair->value.len)
			header_set(headers, pair->key, pair->value);
		else
			header_remove(headers, pair->key);
	}
	cors_respond(&self->cors, call->request, headers);
	return MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct headers_conf *self = instance->conf;

	if (self->cors.active && cors_is_preflight(request))
		return STR("answers the preflight request with 200");
	if (!secure_headers_allow(&self->secure, request))
		return STR("refuses the host with 500");
	return arena_printf(
		arena, "changes %zu request and %zu response headers, adds %zu security headers",
		self->request.n, self->response.n,
		self->secure.n_fixed + (self->secure.sts.len > 0) + (self->secure.pins.len > 0) +
			(self->secure.policy.len > 0) + (self->secure.policy_report_only.len > 0));
}

const struct mw headers_mw = {
	.name = "headers",
	.schema = &schema_mw_headers,
	.prepare = prepare,
	.on_request = on_request,
	.on_response = on_response,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
