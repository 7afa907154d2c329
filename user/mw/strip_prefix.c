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

#include "model/mw_conf.h"
#include "mw/mw_list.h"
#include "mw/path_edit.h"

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

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct str *prefix = find(instance->conf, call->request->path);

	return prefix ? path_edit_cut(call, *prefix) : MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct str *prefix = find(instance->conf, request->path);

	if (!prefix)
		return STR("leaves the path as it is: no prefix matches");
	return arena_printf(arena, "removes \"" STR_FMT "\": the service gets " STR_FMT,
			    STR_ARG(*prefix),
			    STR_ARG(path_edit_behind(request->raw_path, prefix->len, arena)));
}

const struct mw strip_prefix_mw = {
	.name = "stripPrefix",
	.schema = &schema_mw_strip_prefix,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
