// SPDX-License-Identifier: Apache-2.0
/*
 * add_prefix: forwards /users to the service as /api/users (reference/traefik.md c.1).
 *
 * The prefix is decoded text, as in Traefik: what no path may hold is escaped, and a '%' stands for
 * itself.
 */

#include <errno.h>

#include "http/canon.h"
#include "http/uri.h"
#include "model/mw_conf_path.h"
#include "mw/mw_list.h"
#include "mw/path_edit.h"

struct add_prefix {
	struct str raw;
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_add_prefix *from = decoded;
	struct add_prefix *self = ARENA_NEW(prepare->arena, struct add_prefix);

	if (!self)
		return -ENOMEM;
	if (from->prefix.len == 0) {
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "prefix"), "must not be empty");
		return -EINVAL;
	}
	self->raw = uri_encode_path(from->prefix, prepare->arena);
	if (!str_starts(self->raw, STR("/")))
		self->raw = arena_printf(prepare->arena, "/" STR_FMT, STR_ARG(self->raw));
	*ret_conf = self;
	return 0;
}

static struct str path_of(const struct add_prefix *self, const struct request *request,
			  struct arena *arena)
{
	char *room = arena_alloc(arena, self->raw.len + request->raw_path.len, 1);

	if (!room)
		return (struct str){0};
	memcpy(room, self->raw.at, self->raw.len);
	memcpy(room + self->raw.len, request->raw_path.at, request->raw_path.len);
	return str_n(room, self->raw.len + request->raw_path.len);
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	struct request *request = call->request;
	struct str path = path_of(instance->conf, request, request->arena);

	return canon_set_path_kept(request, path) == FAIL_NONE ? MW_NEXT
							       : path_edit_bad_request(call);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	return arena_printf(arena, "the service gets " STR_FMT,
			    STR_ARG(path_of(instance->conf, request, arena)));
}

const struct mw add_prefix_mw = {
	.name = "addPrefix",
	.schema = &schema_mw_add_prefix,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
