// SPDX-License-Identifier: Apache-2.0
/*
 * h1_write: a cursor over the caller's buffer that remembers when it ran out, so that each head is
 * written straight through and checked once.
 */

#include "http/h1_write.h"

#include <errno.h>

#include "http/forwarded.h"
#include "http/header.h"
#include "http/status.h"

struct out {
	char *at, *end;
	bool full;
};

static inline void put(struct out *out, struct str text)
{
	if ((size_t)(out->end - out->at) < text.len) {
		out->full = true;
		return;
	}
	if (text.len)
		memcpy(out->at, text.at, text.len);
	out->at += text.len;
}

static void put_number(struct out *out, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	put(out, str_n(digits + i, sizeof(digits) - i));
}

/* One check for the whole line: this is the inner loop of every head. */
static inline void put_field(struct out *out, struct str name, struct str value)
{
	if ((size_t)(out->end - out->at) < name.len + value.len + 4) {
		out->full = true;
		return;
	}
	memcpy(out->at, name.at, name.len);
	out->at += name.len;
	*out->at++ = ':';
	*out->at++ = ' ';
	if (value.len)
		memcpy(out->at, value.at, value.len);
	out->at += value.len;
	*out->at++ = '\r';
	*out->at++ = '\n';
}

static ssize_t written(const struct out *out, const char *from)
{
	return out->full ? -ENOSPC : out->at - from;
}

bool h1_write_is_protected(struct str name)
{
	switch (header_id_of(name)) {
	case HEADER_AUTHORIZATION:
	case HEADER_CONTENT_LENGTH:
	case HEADER_COOKIE:
	case HEADER_FORWARDED:
	case HEADER_HOST:
	case HEADER_SET_COOKIE:
	case HEADER_TRANSFER_ENCODING:
		return true;
	default:
		return forwarded_is_managed(name);
	}
}

/* Fields that this module writes itself, or that end at this hop (RFC 9110 7.6.1, 11.7). */
static bool is_ours(uint16_t id, bool is_request)
{
	switch (id) {
	case HEADER_CONNECTION:
	case HEADER_CONTENT_LENGTH:
	case HEADER_KEEP_ALIVE:
	case HEADER_PROXY_AUTHENTICATE:
	case HEADER_PROXY_AUTHORIZATION:
	case HEADER_PROXY_CONNECTION:
	case HEADER_TE:
	case HEADER_TRANSFER_ENCODING:
	case HEADER_UPGRADE:
		return true;
	case HEADER_EXPECT:
	case HEADER_HOST:
		return is_request;
	default:
		return false;
	}
}

/* Whether some Connection line names more than the options that we act on: rare, so it is asked
 * once. */
static bool nominates(const struct headers *headers)
{
	for (size_t i = 0; i < headers->n; i++) {
		struct str rest = headers->at[i].value, piece;

		if (headers->at[i].id != HEADER_CONNECTION || headers->at[i].gone)
			continue;
		while (str_next(&rest, ',', &piece)) {
			piece = str_trim(piece);
			if (piece.len && !str_eq_nocase(piece, STR("close")) &&
			    !str_eq_nocase(piece, STR("keep-alive")))
				return true;
		}
	}
	return false;
}

bool h1_write_is_nominated(const struct headers *headers, struct str name)
{
	if (h1_write_is_protected(name))
		return false;
	for (size_t i = 0; i < headers->n; i++) {
		if (headers->at[i].id == HEADER_CONNECTION && !headers->at[i].gone &&
		    header_list_has(headers->at[i].value, name))
			return true;
	}
	return false;
}

static void put_fields(struct out *out, const struct headers *headers, bool is_request,
		       bool is_chunked)
{
	bool some_nominated = nominates(headers);

	for (size_t i = 0; i < headers->n; i++) {
		const struct header *header = &headers->at[i];

		if (header->gone || (header->id && is_ours(header->id, is_request)))
			continue;
		/* RFC 9110 6.6.2: an announcement of trailers without chunks would be a lie. */
		if (header->id == HEADER_TRAILER && !is_chunked)
			continue;
		if (some_nominated && h1_write_is_nominated(headers, header->name))
			continue;
		put_field(out, header->name, header->value);
	}
}

static bool accepts_trailers(const struct headers *headers)
{
	for (size_t i = 0; i < headers->n; i++) {
		if (headers->at[i].id == HEADER_TE && !headers->at[i].gone &&
		    header_list_has(headers->at[i].value, STR("trailers")))
			return true;
	}
	return false;
}

ssize_t h1_write_request(const struct request *request, const struct h1_request_options *options,
			 char *out, size_t cap)
{
	struct out to = {out, out + cap, false};

	put(&to, request->method);
	put(&to, STR(" "));
	if (options)
		put(&to, options->path);
	put(&to, request->raw_path);
	if (request->has_query) {
		put(&to, STR("?"));
		put(&to, request->query);
	}
	put(&to, STR(" HTTP/1.1\r\n"));
	put_field(&to, STR("Host"),
		  options && options->host.len ? options->host : request->authority);
	put_fields(&to, &request->headers, true, request->body == BODY_CHUNKED);
	if (accepts_trailers(&request->headers))
		put(&to, STR("Te: trailers\r\n"));
	if (request->body == BODY_CHUNKED) {
		put(&to, STR("Transfer-Encoding: chunked\r\n"));
	} else if (request->body == BODY_LENGTH) {
		put(&to, STR("Content-Length: "));
		put_number(&to, (uint64_t)request->content_length);
		put(&to, STR("\r\n"));
	}
	/* RFC 9110 10.1.1: an HTTP/1.0 client's expectation is void, so ours must not carry it on.
	 */
	if (request->expect_continue && header_value(&request->headers, HEADER_EXPECT).at)
		put(&to, STR("Expect: 100-continue\r\n"));
	if (request->upgrade)
		put(&to, STR("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
	put(&to, STR("\r\n"));
	return written(&to, out);
}

struct h1_framing h1_frame_response(const struct request *request, const struct response *response,
				    bool may_keep)
{
	struct h1_framing framing = {
		.body = response->body,
		.keep_alive = may_keep && request->keep_alive,
		.is_old = request->version_minor == 0,
		.upgraded = response->status == 101,
	};

	if (request->method_id == METHOD_HEAD || status_is_bodiless(response->status)) {
		framing.body = BODY_NONE;
		/* RFC 9110 8.6: the length of what GET would bring may stand in HEAD and 304, never
		 * in 1xx, 204. */
		framing.announces_length = response->content_length >= 0 &&
					   response->status >= 200 && response->status != 204;
		return framing;
	}
	if (response->body == BODY_NONE || response->body == BODY_LENGTH) {
		framing.announces_length = true;
		return framing;
	}
	/* RFC 9112 7.1: chunked is not known to 1.0; there the end of the connection ends the body.
	 */
	framing.body = framing.is_old ? BODY_UNTIL_CLOSE : BODY_CHUNKED;
	if (framing.is_old)
		framing.keep_alive = false;
	return framing;
}

static void put_status_line(struct out *out, uint16_t status, struct str reason)
{
	char line[] = "HTTP/1.1 000 ";

	line[9] = (char)('0' + status / 100);
	line[10] = (char)('0' + status / 10 % 10);
	line[11] = (char)('0' + status % 10);
	put(out, str_n(line, sizeof(line) - 1));
	put(out, reason);
	put(out, STR("\r\n"));
}

ssize_t h1_write_response(const struct response *response, const struct h1_framing *framing,
			  struct str date, char *out, size_t cap)
{
	struct out to = {out, out + cap, false};
	struct str reason = response->reason;

	if (reason.len == 0)
		reason = status_text(response->status);
	put_status_line(&to, response->status, reason);
	put_fields(&to, &response->headers, false, framing->body == BODY_CHUNKED);
	if (response->status >= 200 && date.len &&
	    !header_value(&response->headers, HEADER_DATE).at)
		put_field(&to, STR("Date"), date);
	if (framing->body == BODY_CHUNKED) {
		put(&to, STR("Transfer-Encoding: chunked\r\n"));
	} else if (framing->announces_length) {
		put(&to, STR("Content-Length: "));
		put_number(&to,
			   response->content_length > 0 ? (uint64_t)response->content_length : 0);
		put(&to, STR("\r\n"));
	}
	if (framing->upgraded)
		put(&to, STR("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
	else if (response->status >= 200 && !framing->keep_alive)
		put(&to, STR("Connection: close\r\n"));
	else if (response->status >= 200 && framing->is_old)
		put(&to, STR("Connection: keep-alive\r\n"));
	put(&to, STR("\r\n"));
	return written(&to, out);
}

ssize_t h1_write_fail(enum fail fail, bool head_only, bool closes, struct str date, char *out,
		      size_t cap)
{
	const struct fail_row *row = fail_row(fail);
	struct out to = {out, out + cap, false};

	put_status_line(&to, row->status, status_text(row->status));
	if (row->body.len)
		put(&to, STR("Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: "
			     "nosniff\r\n"));
	if (date.len)
		put_field(&to, STR("Date"), date);
	put(&to, STR("Content-Length: "));
	put_number(&to, row->body.len);
	put(&to, STR("\r\n"));
	if (closes)
		put(&to, STR("Connection: close\r\n"));
	put(&to, STR("\r\n"));
	if (!head_only)
		put(&to, row->body);
	return written(&to, out);
}

struct str h1_write_continue(void)
{
	return STR("HTTP/1.1 100 Continue\r\n\r\n");
}

size_t h1_write_chunk_head(uint64_t n, char out[H1_CHUNK_HEAD_MAX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned int nibbles = n ? (67U - (unsigned int)__builtin_clzll(n)) / 4 : 1;

	for (unsigned int i = nibbles; i > 0; i--, n >>= 4)
		out[i - 1] = digits[n & 15];
	out[nibbles] = '\r';
	out[nibbles + 1] = '\n';
	return nibbles + 2;
}

ssize_t h1_write_last_chunk(const struct headers *trailers, char *out, size_t cap)
{
	struct out to = {out, out + cap, false};

	put(&to, STR("0\r\n"));
	for (size_t i = 0; trailers && i < trailers->n; i++) {
		if (!trailers->at[i].gone)
			put_field(&to, trailers->at[i].name, trailers->at[i].value);
	}
	put(&to, STR("\r\n"));
	return written(&to, out);
}
