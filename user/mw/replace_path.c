// SPDX-License-Identifier: Apache-2.0
/*
 * replace_path: forwards every request to one path (reference/traefik.md c.1). The path is escaped
 * text; one with a bad escape is answered with 500, as in Traefik, and warned of.
 */

#include <errno.h>

#include "model/mw_conf_path.h"
#include "mw/mw_list.h"
#include "mw/path_edit.h"

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_replace_path *self = decoded;
	struct str escape = path_edit_bad_escape(self->path);

	if (escape.len)
		diag_found(prepare->sink,
			   diag_warning(prepare->sink, DIAG_FIELD(prepare->path, "path"),
					"has a bad escape: every request is answered with 500"),
			   escape);
	*ret_conf = self;
	return 0;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct mwc_replace_path *self = instance->conf;

	return path_edit_replace(call, self->path, false);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct mwc_replace_path *self = instance->conf;
	struct str escape = path_edit_bad_escape(self->path);

	(void)request;
	if (escape.len)
		return arena_printf(arena, "answers with 500: bad escape \"" STR_FMT "\"",
				    STR_ARG(escape));
	return arena_printf(arena, "the service gets \"" STR_FMT "\"", STR_ARG(self->path));
}

const struct mw replace_path_mw = {
	.name = "replacePath",
	.schema = &schema_mw_replace_path,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
