// SPDX-License-Identifier: Apache-2.0
/* request_log: see request_log.h. */
#include "app/request_log.h"

#include <errno.h>
#include <jansson.h>

static struct str copy_of(const json_t *json, const char *key, struct arena *arena)
{
	const json_t *value = json_object_get(json, key);

	return json_is_string(value) ? arena_str(arena, str_n(json_string_value(value),
							      json_string_length(value)))
				     : (struct str){0};
}

/* scheme://host/path, as explain takes it. */
static struct str url_of(struct str scheme, struct str host, struct str path, struct arena *arena)
{
	struct str url = {0};
	size_t room = scheme.len + host.len + path.len + 4;
	char *at = arena_alloc(arena, room, 1);

	if (at)
		url = str_n(at, (size_t)snprintf(at, room, STR_FMT "://" STR_FMT STR_FMT,
						 STR_ARG(scheme), STR_ARG(host), STR_ARG(path)));
	return url;
}

/* An address alone, or the first of an X-Forwarded-For, which nobody vouches for here: ClientAddr
 * is better. */
static struct str peer_of(const json_t *json, struct arena *arena)
{
	struct str peer = copy_of(json, "ClientAddr", arena);

	return peer.len ? peer : copy_of(json, "ClientHost", arena);
}

static int read_access(const json_t *json, struct arena *arena, struct explain_spec *ret_spec)
{
	struct str host = copy_of(json, "RequestAddr", arena),
		   path = copy_of(json, "RequestPath", arena),
		   scheme = copy_of(json, "RequestScheme", arena);

	if (!host.len)
		host = copy_of(json, "RequestHost", arena);
	if (!host.len || !path.len || path.at[0] != '/')
		return -ENODATA;
	*ret_spec = (struct explain_spec){
		.method = copy_of(json, "RequestMethod", arena),
		.url = url_of(scheme.len ? scheme : STR("http"), host, path, arena),
		.remote_addr = peer_of(json, arena),
		.entry_point = copy_of(json, "entryPointName", arena),
	};
	return ret_spec->url.len ? 0 : -ENOMEM;
}

/* host - user [time] "METHOD path HTTP/1.1" ... */
static bool is_common(struct str line)
{
	ptrdiff_t bracket = str_find(line, '['), quote = str_find(line, '"');

	return bracket > 0 && quote > bracket;
}

int request_log_read(struct str line, struct arena *arena, struct explain_spec *ret_spec)
{
	json_t *json = json_loadb(line.at, line.len, 0, NULL);
	const char *message;
	int rc;

	if (!json)
		return is_common(line) ? -ENODATA : -EINVAL;
	if (json_object_get(json, "url")) {
		/* explain's texts are borrowed: the line, kept in the arena, outlives them. */
		struct explain_spec spec = {0};

		rc = explain_spec_from_json(json, arena, &spec, &message);
		if (rc == 0)
			*ret_spec = (struct explain_spec){
				.id = arena_str(arena, spec.id),
				.method = arena_str(arena, spec.method),
				.url = arena_str(arena, spec.url),
				.remote_addr = arena_str(arena, spec.remote_addr),
				.entry_point = arena_str(arena, spec.entry_point),
				.headers = spec.headers,
				.n_headers = spec.n_headers,
			};
		struct str_pair *pairs =
			rc ? NULL : ARENA_ARRAY(arena, struct str_pair, spec.n_headers + 1);

		for (size_t i = 0; pairs && i < spec.n_headers; i++)
			pairs[i] = (struct str_pair){arena_str(arena, spec.headers[i].key),
						     arena_str(arena, spec.headers[i].value)};
		ret_spec->headers = pairs;
	} else {
		rc = json_object_get(json, "RequestMethod") ? read_access(json, arena, ret_spec)
							    : -EINVAL;
	}
	json_decref(json);
	return rc;
}
