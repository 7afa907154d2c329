// SPDX-License-Identifier: Apache-2.0
/* auth_answer: see the header. */

#include "mw/auth_answer.h"

#include "http/forwarded.h"
#include "http/header.h"
#include "http/uri_resolve.h"
#include "mw/owned_header.h"

static struct str with_dashes(struct str name, struct arena *arena)
{
	struct str copy = arena_str(arena, name);

	for (size_t i = 0; i < copy.len; i++)
		if (copy.at[i] == '_')
			((char *)(uintptr_t)copy.at)[i] = '-';
	return copy;
}

/* The expression sees names as Go spells them; and, since servers take one for the other, also with
 * '-' for '_'. */
static bool regex_has(const struct regex *regex, struct str name, struct arena *arena)
{
	if (regex_match(regex, owned_header_canonical(name, arena)))
		return true;
	return str_find(name, '_') >= 0 &&
	       regex_match(regex, owned_header_canonical(with_dashes(name, arena), arena));
}

static bool is_named(const struct strs *names, struct str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (owned_header_is_alias(names->at[i], name))
			return true;
	return false;
}

static bool is_for_question(const struct header *header, const struct strs *shown)
{
	if (header->id == HEADER_AUTHORIZATION || header->id == HEADER_COOKIE ||
	    forwarded_is_managed(header->name) || owned_header_is_framing(header))
		return true;
	for (size_t i = 0; i < shown->n; i++)
		if (str_eq_nocase(shown->at[i], header->name))
			return true;
	return false;
}

void auth_answer_disown(const struct auth_answer_names *names, const struct strs *shown,
			struct request *request)
{
	for (size_t i = 0; i < request->headers.n; i++) {
		struct header *header = &request->headers.at[i];

		if (header->gone || is_for_question(header, shown))
			continue;
		header->gone =
			is_named(names->names, header->name) ||
			(names->regex && regex_has(names->regex, header->name, request->arena));
	}
}

static void copy_named(struct str name, const struct headers *answer, struct request *request)
{
	for (size_t i = 0; i < answer->n; i++) {
		const struct header *header = &answer->at[i];

		if (!header->gone && !owned_header_is_framing(header) &&
		    str_eq_nocase(header->name, name))
			header_add(&request->headers, name, header->value);
	}
}

static void copy_matching(const struct regex *regex, const struct headers *answer,
			  struct request *request)
{
	size_t n = request->headers.n;

	for (size_t i = 0; i < n; i++) {
		struct header *header = &request->headers.at[i];

		if (!header->gone && regex_has(regex, header->name, request->arena))
			header->gone = true;
	}
	for (size_t i = 0; i < answer->n; i++) {
		const struct header *header = &answer->at[i];
		struct str name;

		if (header->gone || owned_header_is_framing(header))
			continue;
		name = owned_header_canonical(header->name, request->arena);
		if (regex_match(regex, name))
			header_add(&request->headers, name, header->value);
	}
}

void auth_answer_to_request(const struct auth_answer_names *names, const struct headers *answer,
			    struct request *request)
{
	for (size_t i = 0; i < names->names->n; i++) {
		struct str name = owned_header_canonical(names->names->at[i], request->arena);

		owned_header_drop(&request->headers, name);
		copy_named(name, answer, request);
	}
	if (names->regex)
		copy_matching(names->regex, answer, request);
}

static struct str cookie_name(struct str value)
{
	ptrdiff_t equals = str_find(value, '=');

	return equals < 0 ? (struct str){0} : str_trim(str_take(value, (size_t)equals));
}

static bool sets_cookie(const struct headers *headers, struct str name)
{
	for (size_t i = 0; i < headers->n; i++)
		if (!headers->at[i].gone && headers->at[i].id == HEADER_SET_COOKIE &&
		    str_eq(cookie_name(headers->at[i].value), name))
			return true;
	return false;
}

static bool is_listed(const struct strs *names, struct str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(names->at[i], name))
			return true;
	return false;
}

void auth_answer_cookies(const struct strs *names, const struct headers *answer,
			 struct headers *headers)
{
	for (size_t i = 0; i < headers->n; i++) {
		struct header *header = &headers->at[i];
		struct str name = cookie_name(header->value);

		if (!header->gone && header->id == HEADER_SET_COOKIE && is_listed(names, name) &&
		    sets_cookie(answer, name))
			header->gone = true;
	}
	for (size_t i = 0; i < answer->n; i++) {
		const struct header *header = &answer->at[i];

		if (!header->gone && header->id == HEADER_SET_COOKIE &&
		    is_listed(names, cookie_name(header->value)))
			header_add_id(headers, HEADER_SET_COOKIE, header->value);
	}
}

bool auth_answer_relay(const struct mw_fetch *fetch, struct str base, struct arena *arena,
		       struct mw_reply *reply)
{
	reply->status = fetch->status;
	reply->body = fetch->response_body;
	reply->content_type = STR(""); /* none unless the answer has one */
	for (size_t i = 0; i < fetch->response_headers.n; i++) {
		const struct header *header = &fetch->response_headers.at[i];
		struct str value = header->value;

		if (header->gone || owned_header_is_framing(header))
			continue;
		if (header->id == HEADER_CONTENT_TYPE) {
			reply->content_type = value;
			continue;
		}
		if (header->id == HEADER_LOCATION && base.len && value.len) {
			value = uri_resolve(base, value, arena);
			if (!value.at)
				return false;
		}
		header_add(&reply->headers, header->name, value);
	}
	return true;
}

static struct str escape_html(struct str text, struct arena *arena)
{
	struct str out = {"", 0};

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		struct str piece = c == '&'    ? STR("&amp;")
				   : c == '<'  ? STR("&lt;")
				   : c == '>'  ? STR("&gt;")
				   : c == '"'  ? STR("&#34;")
				   : c == '\'' ? STR("&#39;")
					       : str_n(&text.at[i], 1);

		out = arena_join(arena, out, piece);
	}
	return out;
}

void auth_answer_redirect(const struct request *request, struct str url, struct mw_reply *reply)
{
	struct arena *arena = request->arena;

	/* A URL without scheme and without leading slash is seen from the request's path. */
	if (str_search(url, STR("://")) < 0 && !str_starts(url, STR("/")))
		url = arena_printf(arena, STR_FMT STR_FMT,
				   STR_ARG(str_take(request->raw_path,
						    (size_t)str_rfind(request->raw_path, '/') + 1)),
				   STR_ARG(url));
	reply->status = 302;
	header_add_id(&reply->headers, HEADER_LOCATION, url);
	if (request->method_id != METHOD_GET && request->method_id != METHOD_HEAD)
		return;
	reply->content_type = STR("text/html; charset=utf-8");
	reply->body = arena_printf(arena, "<a href=\"" STR_FMT "\">Found</a>.\n\n",
				   STR_ARG(escape_html(url, arena)));
}
