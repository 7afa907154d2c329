// SPDX-License-Identifier: Apache-2.0
/*
 * cache_answer: see the header.
 */

#include "mw/cache_answer.h"

#include <errno.h>

#include "mw/http_date.h"

enum { STATUS_OK = 200, STATUS_PARTIAL = 206, STATUS_NOT_MODIFIED = 304, STATUS_BAD_RANGE = 416 };

/* RFC 9110 15.4.5: not sent with 304, which describes no body. */
static const struct str of_body[] = {
#define NAME(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}
	NAME("Content-Encoding"), NAME("Content-Language"),    NAME("Content-Range"),
	NAME("Content-MD5"),	  NAME("Content-Disposition"), NAME("Accept-Ranges"),
#undef NAME
};

static struct str value_of(struct request *request, struct str name)
{
	const struct header *header = header_find_name(&request->headers, name);

	if (!header)
		return (struct str){0};
	return header->value.at ? header->value : STR("");
}

struct cache_question cache_answer_question(struct request *request)
{
	return (struct cache_question){
		.is_get = request->method_id == METHOD_GET,
		.if_none_match = value_of(request, STR("If-None-Match")),
		.if_modified_since = value_of(request, STR("If-Modified-Since")),
		.range = value_of(request, STR("Range")),
		.if_range = value_of(request, STR("If-Range")),
	};
}

static struct str opaque(struct str tag)
{
	return str_starts(tag, STR("W/")) ? str_from(tag, 2) : tag;
}

/* RFC 9110 13.1.2, weak comparison. A tag may hold commas, so the list is not split by them. */
static bool has_tag(struct str list, struct str etag)
{
	etag = opaque(etag);
	list = str_trim(list);
	if (str_eq(list, STR("*")))
		return true;
	while (etag.len && list.len) {
		struct str tag = opaque(list);
		ptrdiff_t end = tag.len && tag.at[0] == '"' ? str_find(str_from(tag, 1), '"') : -1;

		if (end < 0)
			return false;
		if (str_eq(str_take(tag, (size_t)end + 2), etag))
			return true;
		list = str_trim(str_from(tag, (size_t)end + 2));
		if (list.len && list.at[0] == ',')
			list = str_trim(str_from(list, 1));
	}
	return false;
}

static bool client_has_it(const struct cache_object *object, const struct cache_question *question)
{
	int64_t modified_s, since_s;

	if (object->status != STATUS_OK)
		return false;
	if (question->if_none_match.at)
		return has_tag(question->if_none_match, object->etag);
	return question->if_modified_since.at && object->modified.at &&
	       http_date_parse(question->if_modified_since, &since_s) == 0 &&
	       http_date_parse(object->modified, &modified_s) == 0 && modified_s <= since_s;
}

/* Digits, or -EINVAL; what is beyond any body stays beyond. */
static int read_number(struct str text, size_t *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -EINVAL;
		if (*ret_n < SIZE_MAX / 20)
			*ret_n = *ret_n * 10 + (size_t)(text.at[i] - '0');
	}
	return text.len ? 0 : -EINVAL;
}

int cache_answer_range(struct str value, size_t len, size_t *ret_first, size_t *ret_len)
{
	size_t first, last = SIZE_MAX;
	struct str from, to;
	ptrdiff_t dash;

	if (!str_starts_nocase(value, STR("bytes=")))
		return -EINVAL;
	value = str_from(value, 6);
	dash = str_find(value, '-');
	if (dash < 0)
		return -EINVAL;
	from = str_trim(str_take(value, (size_t)dash));
	to = str_trim(str_from(value, (size_t)dash + 1));
	if (!from.len) {
		/* The last so many. */
		if (read_number(to, &last) < 0)
			return -EINVAL;
		if (!last || !len)
			return -ERANGE;
		*ret_len = last < len ? last : len;
		*ret_first = len - *ret_len;
		return 0;
	}
	if (read_number(from, &first) < 0 || (to.len && read_number(to, &last) < 0) || last < first)
		return -EINVAL;
	if (first >= len)
		return -ERANGE;
	*ret_first = first;
	*ret_len = last < len ? last - first + 1 : len - first;
	return 0;
}

/* RFC 9110 13.1.5: a strong tag, or the very date. */
static bool range_holds(const struct cache_object *object, const struct cache_question *question)
{
	struct str condition = question->if_range;

	if (!question->is_get || !question->range.at || object->status != STATUS_OK)
		return false;
	if (!condition.at)
		return true;
	if (str_starts(condition, STR("\"")))
		return str_eq(condition, object->etag);
	return condition.len && str_eq(condition, object->modified);
}

static bool is_sent(const struct header *header, bool is_short)
{
	for (size_t i = 0; is_short && i < sizeof(of_body) / sizeof(*of_body); i++)
		if (str_eq_nocase(header->name, of_body[i]))
			return false;
	return true;
}

static void put_headers(const struct cache_object *object, bool is_short, struct str status_text,
			struct mw_call *call)
{
	struct headers *headers = &call->reply.headers;
	struct arena *arena = call->request->arena;
	size_t cap = (size_t)object->n_headers + 4;

	headers->at = ARENA_ARRAY(arena, struct header, cap);
	headers->n = 0;
	headers->cap = headers->at ? (uint16_t)cap : 0;
	for (uint16_t i = 0; headers->at && i < object->n_headers; i++)
		if (is_sent(&object->headers[i], is_short))
			headers->at[headers->n++] = object->headers[i];
	header_add(headers, STR("Age"),
		   arena_printf(arena, "%lld", (long long)cache_object_age(object, call->now_ns)));
	header_add(headers, STR("Cache-Status"), status_text);
}

void cache_answer(const struct cache_object *object, const struct cache_question *question,
		  struct str status_text, struct mw_call *call)
{
	struct str body =
		object->body ? str_n(object->body->at, object->body->len) : (struct str){0};
	bool is_short = client_has_it(object, question);
	struct mw_reply *reply = &call->reply;
	size_t first, n;

	put_headers(object, is_short, status_text, call);
	reply->status = is_short ? STATUS_NOT_MODIFIED : object->status;
	if (is_short)
		return;
	reply->body = body;
	/* Empty but there: no other type is to be made up. */
	reply->content_type = object->content_type.at ? object->content_type : STR("");
	if (!range_holds(object, question))
		return;
	switch (cache_answer_range(question->range, body.len, &first, &n)) {
	case 0:
		reply->status = STATUS_PARTIAL;
		reply->body = str_n(body.at + first, n);
		header_add(&reply->headers, STR("Content-Range"),
			   arena_printf(call->request->arena, "bytes %zu-%zu/%zu", first,
					first + n - 1, body.len));
		break;
	case -ERANGE:
		reply->status = STATUS_BAD_RANGE;
		reply->body = (struct str){0};
		header_add(&reply->headers, STR("Content-Range"),
			   arena_printf(call->request->arena, "bytes */%zu", body.len));
		break;
	default: /* several ranges, or other units: all of it */
		break;
	}
}
