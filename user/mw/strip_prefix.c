// SPDX-License-Identifier: Apache-2.0
/*
 * strip_prefix: forwards /api/users to the service as /users (reference/traefik.md c.1).
 *
 * The first prefix that the decoded path begins with, as a string, is removed, and the service
 * learns it from X-Forwarded-Prefix. What is left must be a canonical path as it is: where removing
 * uncovers a dot segment or a double slash, the request is refused, since servers read such paths
 * in different ways. forceSlash changes nothing: a path begins with exactly one slash here in any
 * case.
 */

#include <errno.h>

#include "http/canon.h"
#include "http/header.h"
#include "http/uri.h"
#include "model/mw_conf.h"
#include "mw/mw_list.h"

struct strip_prefix {
	struct strs prefixes;
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_strip_prefix *from = decoded;
	struct strip_prefix *self = ARENA_NEW(prepare->arena, struct strip_prefix);

	if (!self)
		return -ENOMEM;
	self->prefixes.at = ARENA_ARRAY(prepare->arena, struct str, from->prefixes.n + 1);
	if (!self->prefixes.at)
		return -ENOMEM;
	for (size_t i = 0; i < from->prefixes.n; i++)
		self->prefixes.at[self->prefixes.n++] = str_trim_space(from->prefixes.at[i]);
	*ret_conf = self;
	return 0;
}

/* Which prefix applies, or NULL. */
static const struct str *find(const struct strip_prefix *self, struct str path)
{
	for (size_t i = 0; i < self->prefixes.n; i++)
		if (str_starts(path, self->prefixes.at[i]))
			return &self->prefixes.at[i];
	return NULL;
}

/* The escaped path behind the first n decoded bytes. */
static struct str raw_behind(struct str raw, size_t n)
{
	size_t at = 0;

	for (; n > 0 && at < raw.len; n--)
		at += raw.at[at] == '%' ? 3 : 1;
	return str_from(raw, at);
}

static struct str with_slash(struct str path, struct arena *arena)
{
	if (str_starts(path, STR("/")))
		return path;
	return path.len ? arena_join(arena, arena_str(arena, STR("/")), path) : STR("/");
}

static enum mw_verdict bad_request(struct mw_call *call)
{
	call->reply.status = 400;
	call->reply.body = STR("Bad Request\n");
	return MW_REPLY;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct strip_prefix *self = instance->conf;
	struct request *request = call->request;
	const struct str *prefix = find(self, request->path);

	if (!prefix)
		return MW_NEXT;
	struct str left = with_slash(str_from(request->path, prefix->len), request->arena);
	struct str raw = with_slash(raw_behind(request->raw_path, prefix->len), request->arena);

	header_add_id(&request->headers, HEADER_X_FORWARDED_PREFIX, *prefix);
	/* reference k.14: anything that sanitising would change is refused. */
	if (canon_set_path(request, raw) != FAIL_NONE || !str_eq(request->path, left))
		return bad_request(call);
	return MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct str *prefix = find(instance->conf, request->path);

	if (!prefix)
		return STR("leaves the path as it is: no prefix matches");
	return arena_printf(arena, "removes \"" STR_FMT "\": the service gets " STR_FMT,
			    STR_ARG(*prefix),
			    STR_ARG(with_slash(raw_behind(request->raw_path, prefix->len), arena)));
}

const struct mw strip_prefix_mw = {
	.name = "stripPrefix",
	.schema = &schema_mw_strip_prefix,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
