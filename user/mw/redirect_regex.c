// SPDX-License-Identifier: Apache-2.0
/*
 * redirect_regex: sends clients whose URL matches to another one (reference/traefik.md c.2).
 *
 * The expression sees the whole URL as it reaches the middleware: scheme by TLS, the Host as it
 * came, path and query. The target must be a URL; it is printed as Go prints URLs.
 */

#include <errno.h>

#include "base/regex.h"
#include "http/header.h"
#include "http/status.h"
#include "model/mw_conf_path.h"
#include "mw/mw_list.h"
#include "mw/url_text.h"

struct redirect_regex {
	struct regex *regex;
	struct str replacement;
	bool permanent;
};

enum outcome { PASSES, REDIRECTED, BROKEN };

static void release(void *regex)
{
	regex_free(regex);
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_redirect_regex *from = decoded;
	struct redirect_regex *self = ARENA_NEW(prepare->arena, struct redirect_regex);
	char message[256];

	if (!self)
		return -ENOMEM;
	self->regex = regex_new(from->regex, message, sizeof(message));
	if (!self->regex) {
		diag_found(prepare->sink,
			   diag_error(prepare->sink, DIAG_FIELD(prepare->path, "regex"),
				      "not a regular expression: %s", message),
			   from->regex);
		return -EINVAL;
	}
	prepare->own(prepare, self->regex, release);
	self->replacement = from->replacement;
	self->permanent = from->permanent;
	*ret_conf = self;
	return 0;
}

static struct str url_of(const struct request *request, struct arena *arena)
{
	return arena_printf(arena, "%s://" STR_FMT STR_FMT "%s" STR_FMT,
			    request->is_tls ? "https" : "http", STR_ARG(request->authority),
			    STR_ARG(request->raw_path), request->has_query ? "?" : "",
			    STR_ARG(request->query));
}

static enum outcome target_of(const struct redirect_regex *self, const struct request *request,
			      struct arena *arena, struct str *ret_target, const char **ret_why)
{
	struct str url = url_of(request, arena), made;

	if (!regex_match(self->regex, url))
		return PASSES;
	made = regex_replace_all(self->regex, url, self->replacement, arena);
	*ret_why = "no memory";
	if (url_text_print(made, arena, ret_target, ret_why) < 0)
		return BROKEN;
	return str_eq(made, url) ? PASSES : REDIRECTED;
}

static uint16_t status_of(const struct redirect_regex *self, const struct request *request)
{
	bool get = request->method_id == METHOD_GET;

	if (self->permanent)
		return get ? 301 : 308;
	return get ? 302 : 307;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct redirect_regex *self = instance->conf;
	struct request *request = call->request;
	struct str target;
	const char *why;

	switch (target_of(self, request, request->arena, &target, &why)) {
	case PASSES:
		return MW_NEXT;
	case REDIRECTED:
		call->reply.status = status_of(self, request);
		header_add_id(&call->reply.headers, HEADER_LOCATION, target);
		break;
	case BROKEN:
		call->reply.status = 500;
		break;
	}
	call->reply.body = status_text(call->reply.status);
	return MW_REPLY;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct redirect_regex *self = instance->conf;
	struct str target;
	const char *why;

	switch (target_of(self, request, arena, &target, &why)) {
	case REDIRECTED:
		return arena_printf(arena, "redirects with %d to " STR_FMT,
				    status_of(self, request), STR_ARG(target));
	case BROKEN:
		return arena_printf(arena, "answers with 500: the target is no URL: %s", why);
	default:
		return STR("lets the request pass: its URL does not match, or stays as it is");
	}
}

const struct mw redirect_regex_mw = {
	.name = "redirectRegex",
	.schema = &schema_mw_redirect_regex,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
