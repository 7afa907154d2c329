// SPDX-License-Identifier: Apache-2.0
/*
 * replace_path_regex: replaces what matches in the escaped path, everywhere (reference/traefik.md
 * c.1). A request whose path does not match passes as it is.
 */

#include <errno.h>

#include "base/regex.h"
#include "model/mw_conf_path.h"
#include "mw/mw_list.h"
#include "mw/path_edit.h"

struct replace_path_regex {
	struct regex *regex;
	struct str replacement;
};

static void release(void *regex)
{
	regex_free(regex);
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_replace_path_regex *from = decoded;
	struct replace_path_regex *self = ARENA_NEW(prepare->arena, struct replace_path_regex);
	char message[256];

	if (!self)
		return -ENOMEM;
	self->regex = regex_new(str_trim_space(from->regex), message, sizeof(message));
	if (!self->regex) {
		diag_found(prepare->sink,
			   diag_error(prepare->sink, DIAG_FIELD(prepare->path, "regex"),
				      "not a regular expression: %s", message),
			   from->regex);
		return -EINVAL;
	}
	prepare->own(prepare, self->regex, release);
	self->replacement = str_trim_space(from->replacement);
	*ret_conf = self;
	return 0;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct replace_path_regex *self = instance->conf;
	struct request *request = call->request;

	if (!regex_match(self->regex, request->raw_path))
		return MW_NEXT;
	return path_edit_replace(call,
				 regex_replace_all(self->regex, request->raw_path,
						   self->replacement, request->arena),
				 true);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct replace_path_regex *self = instance->conf;

	if (!regex_match(self->regex, request->raw_path))
		return STR("leaves the path as it is: it does not match");
	return arena_printf(arena, "the service gets \"" STR_FMT "\"",
			    STR_ARG(regex_replace_all(self->regex, request->raw_path,
						      self->replacement, arena)));
}

const struct mw replace_path_regex_mw = {
	.name = "replacePathRegex",
	.schema = &schema_mw_replace_path_regex,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
