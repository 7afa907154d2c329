// SPDX-License-Identifier: Apache-2.0
/*
 * cors: cross-origin answers of the headers middleware.
 */

#include "mw/cors.h"

#include <errno.h>

#include "http/header.h"

#define ALLOW "Access-Control-Allow-"

static void free_regex(void *regex)
{
	regex_free(regex);
}

static int prepare_patterns(struct mw_prepare *prepare, const struct strs *texts, struct cors *cors)
{
	const struct diag_path *path =
		DIAG_FIELD(prepare->path, "accessControlAllowOriginListRegex");
	char message[256];

	cors->patterns = ARENA_ARRAY(prepare->arena, struct regex *, texts->n + 1);
	if (!cors->patterns)
		return -ENOMEM;
	for (size_t i = 0; i < texts->n; i++) {
		struct regex *regex = regex_new(texts->at[i], message, sizeof(message));

		if (!regex) {
			diag_error(prepare->sink, DIAG_INDEX(path, i),
				   "not a regular expression: %s", message);
			return -EINVAL;
		}
		prepare->own(prepare, regex, free_regex);
		cors->patterns[cors->n_patterns++] = regex;
	}
	return 0;
}

static struct str join(struct arena *arena, const struct strs *list)
{
	struct str joined = {0};

	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			joined = arena_join(arena, joined, STR(","));
		joined = arena_join(arena, joined, list->at[i]);
	}
	return joined;
}

static bool has_star(const struct strs *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->at[i], STR("*")))
			return true;
	return false;
}

int cors_prepare(struct mw_prepare *prepare, const struct mwc_headers *from, struct cors *ret_cors)
{
	struct arena *arena = prepare->arena;

	*ret_cors = (struct cors){
		.credentials = from->access_control_allow_credentials,
		.vary = from->add_vary_header,
		.any_header = has_star(&from->access_control_allow_headers),
		.any_method = has_star(&from->access_control_allow_methods),
		.allow_headers = join(arena, &from->access_control_allow_headers),
		.allow_methods = join(arena, &from->access_control_allow_methods),
		.origins = from->access_control_allow_origin_list,
	};
	/* "*" means nothing together with credentials. */
	if (!ret_cors->credentials || !has_star(&from->access_control_expose_headers))
		ret_cors->expose = join(arena, &from->access_control_expose_headers);
	if (from->access_control_max_age.set)
		ret_cors->max_age =
			arena_printf(arena, "%lld", (long long)from->access_control_max_age.value);
	ret_cors->active =
		ret_cors->credentials || ret_cors->vary || from->access_control_allow_headers.n ||
		from->access_control_allow_methods.n || from->access_control_allow_origin_list.n ||
		from->access_control_allow_origin_list_regex.n ||
		from->access_control_expose_headers.n || from->access_control_max_age.set;
	return prepare_patterns(prepare, &from->access_control_allow_origin_list_regex, ret_cors);
}

static struct str value_of(const struct request *request, enum header_id id)
{
	return header_value(&request->headers, id);
}

bool cors_is_preflight(const struct request *request)
{
	return request->method_id == METHOD_OPTIONS && value_of(request, HEADER_ORIGIN).len > 0 &&
	       value_of(request, HEADER_ACCESS_CONTROL_REQUEST_METHOD).len > 0;
}

/* A request without Origin asks nothing: an empty header would be no answer. */
static struct str non_empty(struct str origin)
{
	return origin.len ? origin : (struct str){0};
}

struct str cors_origin(const struct cors *cors, struct str origin)
{
	for (size_t i = 0; i < cors->origins.n; i++) {
		struct str allowed = cors->origins.at[i];

		if (str_eq(allowed, STR("*")))
			return cors->credentials ? non_empty(origin) : allowed;
		if (origin.len && str_eq(allowed, origin))
			return origin;
	}
	for (size_t i = 0; i < cors->n_patterns; i++)
		if (regex_match(cors->patterns[i], origin))
			return non_empty(origin);
	return (struct str){0};
}

/* What is asked for, echoed, when "*" may not be said because of credentials. */
static void allow(struct headers *reply, struct str name, struct str list, bool echo,
		  struct str asked)
{
	if (echo)
		list = asked;
	if (list.len)
		header_set(reply, name, list);
}

void cors_answer(const struct cors *cors, const struct request *request, struct headers *reply)
{
	struct str origin = cors_origin(cors, value_of(request, HEADER_ORIGIN));

	if (cors->credentials)
		header_set(reply, STR(ALLOW "Credentials"), STR("true"));
	allow(reply, STR(ALLOW "Headers"), cors->allow_headers,
	      cors->any_header && cors->credentials,
	      value_of(request, HEADER_ACCESS_CONTROL_REQUEST_HEADERS));
	allow(reply, STR(ALLOW "Methods"), cors->allow_methods,
	      cors->any_method && cors->credentials,
	      value_of(request, HEADER_ACCESS_CONTROL_REQUEST_METHOD));
	if (origin.at)
		header_set(reply, STR(ALLOW "Origin"), origin);
	if (cors->max_age.at)
		header_set(reply, STR("Access-Control-Max-Age"), cors->max_age);
	if (cors->expose.len)
		header_set(reply, STR("Access-Control-Expose-Headers"), cors->expose);
}

static void add_vary(struct headers *response)
{
	struct str vary = header_joined(response, HEADER_VARY);

	if (str_eq(vary, STR("Origin")))
		return;
	vary = vary.len ? arena_join(response->arena, vary, STR(",Origin")) : STR("Origin");
	header_set_id(response, HEADER_VARY, vary);
}

void cors_respond(const struct cors *cors, const struct request *request, struct headers *response)
{
	if (!cors->active)
		return;
	struct str origin = cors_origin(cors, value_of(request, HEADER_ORIGIN));

	if (origin.at)
		header_set(response, STR(ALLOW "Origin"), origin);
	if (cors->credentials)
		header_set(response, STR(ALLOW "Credentials"), STR("true"));
	if (cors->expose.len)
		header_set(response, STR("Access-Control-Expose-Headers"), cors->expose);
	if (cors->vary)
		add_vary(response);
}
