// SPDX-License-Identifier: Apache-2.0
/*
 * strip_prefix_regex: stripPrefix with expressions (reference/traefik.md c.1).
 *
 * Expressions are tried in order on the decoded path. One counts when the text of its leftmost
 * match is not empty and the path begins with that text.
 */

#include <errno.h>

#include "base/regex.h"
#include "model/mw_conf_path.h"
#include "mw/mw_list.h"
#include "mw/path_edit.h"

struct strip_prefix_regex {
	struct regex **at;
	size_t n;
};

static void release(void *regex)
{
	regex_free(regex);
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_strip_prefix_regex *from = decoded;
	struct strip_prefix_regex *self = ARENA_NEW(prepare->arena, struct strip_prefix_regex);
	const struct diag_path *path = DIAG_FIELD(prepare->path, "regex");
	char message[256];
	int result = 0;

	if (!self)
		return -ENOMEM;
	self->at = ARENA_ARRAY(prepare->arena, struct regex *, from->regex.n + 1);
	if (!self->at)
		return -ENOMEM;
	for (size_t i = 0; i < from->regex.n; i++) {
		struct regex *regex =
			regex_new(str_trim_space(from->regex.at[i]), message, sizeof(message));

		if (regex) {
			prepare->own(prepare, regex, release);
			self->at[self->n++] = regex;
			continue;
		}
		diag_found(prepare->sink,
			   diag_error(prepare->sink, DIAG_INDEX(path, i),
				      "not a regular expression: %s", message),
			   from->regex.at[i]);
		result = -EINVAL;
	}
	*ret_conf = self;
	return result;
}

/* What is removed; empty: nothing. */
static struct str find(const struct strip_prefix_regex *self, struct str path)
{
	struct str match;

	for (size_t i = 0; i < self->n; i++)
		if (regex_find(self->at[i], path, 0, &match, 1) && match.len > 0 &&
		    str_starts(path, match))
			return str_take(path, match.len);
	return (struct str){0};
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	struct str prefix = find(instance->conf, call->request->path);

	return prefix.len ? path_edit_cut(call, prefix) : MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	struct str prefix = find(instance->conf, request->path);

	if (!prefix.len)
		return STR("leaves the path as it is: no expression matches at its beginning");
	return arena_printf(arena, "removes \"" STR_FMT "\": the service gets " STR_FMT,
			    STR_ARG(prefix),
			    STR_ARG(path_edit_behind(request->raw_path, prefix.len, arena)));
}

const struct mw strip_prefix_regex_mw = {
	.name = "stripPrefixRegex",
	.schema = &schema_mw_strip_prefix_regex,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
