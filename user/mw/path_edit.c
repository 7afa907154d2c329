// SPDX-License-Identifier: Apache-2.0
/* path_edit: see the header. */

#include "mw/path_edit.h"

#include "http/canon.h"
#include "http/uri.h"

static struct str with_slash(struct str path, struct arena *arena)
{
	if (str_starts(path, STR("/")))
		return path;
	return path.len ? arena_join(arena, arena_str(arena, STR("/")), path) : STR("/");
}

struct str path_edit_behind(struct str raw, size_t n, struct arena *arena)
{
	size_t at = 0;

	for (; n > 0 && at < raw.len; n--)
		at += raw.at[at] == '%' ? 3 : 1;
	return with_slash(str_from(raw, at), arena);
}

struct str path_edit_bad_escape(struct str raw)
{
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.at[i] != '%')
			continue;
		if (i + 2 >= raw.len || uri_hex((unsigned char)raw.at[i + 1]) < 0 ||
		    uri_hex((unsigned char)raw.at[i + 2]) < 0)
			return str_take(str_from(raw, i), 3);
		i += 2;
	}
	return (struct str){0};
}

enum mw_verdict path_edit_bad_request(struct mw_call *call)
{
	call->reply.status = 400;
	call->reply.body = STR("Bad Request\n");
	return MW_REPLY;
}

static enum mw_verdict bad_escape(struct mw_call *call, struct str escape)
{
	call->reply.status = 500;
	call->reply.body = arena_printf(call->request->arena,
					"invalid URL escape \"" STR_FMT "\"\n", STR_ARG(escape));
	return MW_REPLY;
}

enum mw_verdict path_edit_cut(struct mw_call *call, struct str prefix)
{
	struct request *request = call->request;
	struct arena *arena = request->arena;
	struct str left = with_slash(str_from(request->path, prefix.len), arena);
	struct str raw = path_edit_behind(request->raw_path, prefix.len, arena);

	header_add_id(&request->headers, HEADER_X_FORWARDED_PREFIX, prefix);
	/* reference k.14: anything that sanitising would change is refused. */
	if (canon_set_path(request, raw) != FAIL_NONE || !str_eq(request->path, left))
		return path_edit_bad_request(call);
	return MW_NEXT;
}

/* A '#' is no fragment here: Go escapes it as it does every byte that no path may hold. */
static struct str escape_hash(struct str raw, struct arena *arena)
{
	struct str text = arena_str(arena, STR("")), piece;

	if (str_find(raw, '#') < 0)
		return raw;
	for (bool first = true; str_next(&raw, '#', &piece); first = false)
		text = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(text), first ? "" : "%23",
				    STR_ARG(piece));
	return text;
}

enum mw_verdict path_edit_replace(struct mw_call *call, struct str raw, bool strict)
{
	struct request *request = call->request;
	struct arena *arena = request->arena;
	struct str escape = path_edit_bad_escape(raw), decoded;

	header_add(&request->headers, STR("X-Replaced-Path"), request->raw_path);
	if (escape.len)
		return bad_escape(call, escape);
	raw = with_slash(escape_hash(raw, arena), arena);
	if (!strict)
		return canon_set_path_kept(request, raw) == FAIL_NONE ? MW_NEXT
								      : path_edit_bad_request(call);
	if (uri_decode(raw, false, arena, &decoded) < 0 ||
	    canon_set_path(request, raw) != FAIL_NONE || !str_eq(request->path, decoded))
		return path_edit_bad_request(call);
	return MW_NEXT;
}
