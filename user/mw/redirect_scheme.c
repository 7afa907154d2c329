// SPDX-License-Identifier: Apache-2.0
/*
 * redirect_scheme: sends clients to another scheme or port (reference/traefik.md c.2).
 *
 * The client's own URL is put together from what it asked for; when it is what the redirection
 * would say, the request passes. Default ports are left out on both sides, and IPv6 hosts keep
 * their brackets.
 */

#include <errno.h>

#include "http/header.h"
#include "http/status.h"
#include "http/uri.h"
#include "model/mw_conf.h"
#include "mw/mw_list.h"

struct redirect_scheme {
	struct str scheme;
	struct str port; /* ":8443", or empty */
	bool permanent;
};

static bool is_default_port(struct str scheme, struct str port)
{
	return (str_eq(scheme, STR("http")) && str_eq(port, STR("80"))) ||
	       (str_eq(scheme, STR("https")) && str_eq(port, STR("443")));
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_redirect_scheme *from = decoded;
	struct redirect_scheme *self = ARENA_NEW(prepare->arena, struct redirect_scheme);

	if (!self)
		return -ENOMEM;
	if (from->scheme.len == 0) {
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "scheme"), "must not be empty");
		return -EINVAL;
	}
	self->scheme = from->scheme;
	self->permanent = from->permanent;
	if (from->port.len && !is_default_port(from->scheme, from->port))
		self->port = arena_printf(prepare->arena, ":" STR_FMT, STR_ARG(from->port));
	*ret_conf = self;
	return 0;
}

static struct str current_scheme(const struct request *request)
{
	struct str proto = header_value(&request->headers, HEADER_X_FORWARDED_PROTO);

	/* A WebSocket upgrade begins as HTTP. */
	if (str_eq(proto, STR("http")) || str_eq(proto, STR("ws")))
		return STR("http");
	if (str_eq(proto, STR("https")) || str_eq(proto, STR("wss")))
		return STR("https");
	return request->is_tls ? STR("https") : STR("http");
}

/* The target and whether it is where the client is already. {0}: the request has no host to go to.
 */
static struct str target_of(const struct redirect_scheme *self, const struct request *request,
			    struct arena *arena, bool *ret_same)
{
	struct str host, port, scheme = current_scheme(request);

	if (!uri_split_authority(request->authority, &host, &port) || host.len == 0)
		return (struct str){0};
	bool bracketed = str_starts(request->authority, STR("["));
	bool default_port = port.len == 0 || is_default_port(scheme, port);
	const char *question = request->has_query ? "?" : "";

	*ret_same = str_eq(scheme, self->scheme) &&
		    (default_port ? self->port.len == 0 : str_eq(port, str_from(self->port, 1)));
	return arena_printf(arena, STR_FMT "://%s" STR_FMT "%s" STR_FMT STR_FMT "%s" STR_FMT,
			    STR_ARG(self->scheme), bracketed ? "[" : "", STR_ARG(host),
			    bracketed ? "]" : "", STR_ARG(self->port), STR_ARG(request->raw_path),
			    question, STR_ARG(request->query));
}

static uint16_t status_of(const struct redirect_scheme *self, const struct request *request)
{
	bool get = request->method_id == METHOD_GET;

	if (self->permanent)
		return get ? 301 : 308;
	return get ? 302 : 307;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct redirect_scheme *self = instance->conf;
	struct request *request = call->request;
	bool same = false;
	struct str target = target_of(self, request, request->arena, &same);

	if (target.len == 0) {
		call->reply.status = 400;
		call->reply.body = STR("Bad Request\n");
		return MW_REPLY;
	}
	if (same)
		return MW_NEXT;
	call->reply.status = status_of(self, request);
	call->reply.body = status_text(call->reply.status);
	header_add_id(&call->reply.headers, HEADER_LOCATION, target);
	return MW_REPLY;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct redirect_scheme *self = instance->conf;
	bool same = false;
	struct str target = target_of(self, request, arena, &same);

	if (target.len == 0)
		return STR("refuses the request with 400: it names no host");
	if (same)
		return STR("lets the request pass: it is at the target already");
	return arena_printf(arena, "redirects with %d to " STR_FMT, status_of(self, request),
			    STR_ARG(target));
}

const struct mw redirect_scheme_mw = {
	.name = "redirectScheme",
	.schema = &schema_mw_redirect_scheme,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
