// SPDX-License-Identifier: Apache-2.0
/* h1_parse: start lines, and what the fields' facts make of the message. */

#include "http/h1_parse.h"

#include <errno.h>

#include "http/h1_field.h"
#include "http/h1_scan.h"
#include "http/method.h"
#include "http/status.h"
#include "http/uri.h"

static const char version_text[] = "HTTP/1.1";

enum { VERSION_BYTES = 8 };

/*
 * "HTTP/1.x" at at. Returns what follows; NULL with FAIL_NONE when input ends first. A minor
 * version beyond ours is read as ours (RFC 9110 2.5).
 */
static const char *read_version(const char *at, const char *end, uint8_t *ret_minor,
				enum fail *ret_fail)
{
	size_t there = (size_t)(end - at);

	*ret_fail = FAIL_NONE;
	if (there >= VERSION_BYTES && memcmp(at, version_text, VERSION_BYTES) == 0) {
		*ret_minor = 1;
		return at + VERSION_BYTES;
	}
	for (size_t i = 0; i < VERSION_BYTES; i++) {
		bool is_digit = i == 5 || i == 7;

		if (i >= there)
			return NULL;
		if (is_digit ? at[i] < '0' || at[i] > '9' : at[i] != version_text[i]) {
			*ret_fail = FAIL_VERSION_BAD;
			return NULL;
		}
	}
	if (at[5] != '1') {
		*ret_fail = FAIL_VERSION_UNSUPPORTED;
		return NULL;
	}
	*ret_minor = at[7] == '0' ? 0 : 1;
	return at + VERSION_BYTES;
}

/* CR LF at at; otherwise as above, with the fault the line has. */
static const char *read_line_end(const char *at, const char *end, enum fail otherwise,
				 enum fail *ret_fail)
{
	*ret_fail = FAIL_NONE;
	if (at == end)
		return NULL;
	if (*at != '\r') {
		*ret_fail = *at == '\n' ? FAIL_LINE_END_BAD : otherwise;
		return NULL;
	}
	if (at + 1 == end)
		return NULL;
	if (at[1] != '\n') {
		*ret_fail = FAIL_LINE_END_BAD;
		return NULL;
	}
	return at + 2;
}

/* What comes after the method: target and one blank. Splits origin-form on the way. */
static const char *read_target(const char *at, const char *end, struct request *request,
			       enum fail *ret_fail)
{
	const char *stop = h1_scan_target(at, end);
	const char *question = NULL;
	bool has_hash = false;

	for (; stop < end && (*stop == '?' || *stop == '#'); stop = h1_scan_target(stop + 1, end)) {
		if (*stop == '#')
			has_hash = true;
		else if (!question)
			question = stop;
	}
	*ret_fail = FAIL_NONE;
	if (stop == end)
		return NULL;
	if (*stop != ' ') {
		/* HTTP/0.9's simple request ends here; anything else is a byte that no target may
		 * hold. */
		bool is_end = *stop == '\r' || *stop == '\n';

		*ret_fail = is_end ? FAIL_VERSION_BAD : FAIL_TARGET_BAD;
		return NULL;
	}
	request->target = str_n(at, (size_t)(stop - at));
	if (stop > at && *at == '/' && !has_hash) {
		request->has_query = question != NULL;
		request->raw_path = str_n(at, (size_t)((question ? question : stop) - at));
		if (question)
			request->query = str_n(question + 1, (size_t)(stop - question - 1));
		return stop + 1;
	}

	struct uri uri;

	*ret_fail = uri_parse(request->target, request->method_id, &uri);
	if (*ret_fail != FAIL_NONE)
		return NULL;
	request->is_absolute = uri.form == URI_ABSOLUTE;
	request->authority = uri.authority;
	request->raw_path = uri.path;
	request->query = uri.query;
	request->has_query = uri.has_query;
	return stop + 1;
}

static const char *read_request_line(const char *at, const char *end, struct request *request,
				     enum fail *ret_fail)
{
	/* RFC 9112 2.2: an empty line before the request line is ignored; one is. */
	if (at < end && *at == '\r') {
		at = read_line_end(at, end, FAIL_METHOD_BAD, ret_fail);
		if (!at)
			return NULL;
	}

	const char *method = at;

	at = h1_scan_while(at, end, H1_SCAN_TOKEN);
	*ret_fail = FAIL_NONE;
	if (at == end)
		return NULL;
	if (at == method || *at != ' ') {
		*ret_fail = FAIL_METHOD_BAD;
		return NULL;
	}
	request->method = str_n(method, (size_t)(at - method));
	request->method_id = (uint8_t)method_of(request->method);
	/* reference/traefik.md d.5: HTTP/1 clients are answered 501, whatever they name. */
	if (request->method_id == METHOD_CONNECT) {
		*ret_fail = FAIL_CONNECT_REFUSED;
		return NULL;
	}
	at = read_target(at + 1, end, request, ret_fail);
	if (at)
		at = read_version(at, end, &request->version_minor, ret_fail);
	if (at)
		at = read_line_end(at, end, FAIL_VERSION_BAD, ret_fail);
	return at;
}

static void reset_request(struct request *request)
{
	request->method_id = METHOD_OTHER;
	request->version_minor = 0;
	request->body = BODY_NONE;
	request->keep_alive = false;
	request->expect_continue = false;
	request->upgrade = false;
	request->is_absolute = false;
	request->has_query = false;
	request->method = (struct str){0};
	request->target = (struct str){0};
	request->authority = (struct str){0};
	request->raw_path = (struct str){0};
	request->query = (struct str){0};
	request->content_length = 0;
	request->headers.n = 0;
}

/* The fields' facts become the request's. */
static enum fail conclude_request(struct request *request, const struct h1_facts *facts)
{
	if (!facts->has_host && request->version_minor >= 1)
		return FAIL_HOST_MISSING;
	/*
	 * RFC 9112 3.2.2: the host of an absolute-form target wins over Host; without one in it,
	 * the reference falls back to Host (b.2).
	 */
	if (request->authority.len == 0)
		request->authority = facts->host;
	if (facts->is_chunked)
		request->body = BODY_CHUNKED;
	else if (facts->has_length)
		request->body = BODY_LENGTH;
	request->content_length = facts->has_length ? facts->content_length : 0;
	/* RFC 9112 9.3: close wins; 1.1 persists by default, 1.0 only when asked. */
	request->keep_alive = !facts->close && (request->version_minor >= 1 || facts->keep_alive);
	request->expect_continue = facts->expect_continue && request->body != BODY_NONE;
	/* Only what we are able to forward as a tunnel: a WebSocket handshake without a body. */
	request->upgrade = facts->wants_upgrade && facts->is_websocket &&
			   request->version_minor >= 1 && request->method_id == METHOD_GET &&
			   !facts->is_chunked && request->content_length == 0;
	return FAIL_NONE;
}

/* An incomplete head is too large as soon as the limit is full. */
static ssize_t incomplete(struct str input, const struct h1_limits *limits, enum fail *ret_fail)
{
	if (input.len < limits->max_head_bytes)
		return -EAGAIN;
	*ret_fail = FAIL_HEAD_TOO_LARGE;
	return -EBADMSG;
}

ssize_t h1_parse_request(struct str input, const struct h1_limits *limits, struct request *request,
			 enum fail *ret_fail)
{
	struct h1_facts facts = {0};
	enum fail fail = FAIL_NONE;

	reset_request(request);
	if (input.len == 0)
		return -EAGAIN;

	const char *end = input.at + str_take(input, limits->max_head_bytes).len;
	const char *at = read_request_line(input.at, end, request, &fail);

	if (at) {
		facts.version_minor = request->version_minor;
		at = h1_field_lines(at, end, limits->max_headers, &request->headers, &facts, &fail);
	}
	if (at)
		fail = conclude_request(request, &facts);
	else if (fail == FAIL_NONE)
		return incomplete(input, limits, ret_fail);
	if (fail != FAIL_NONE) {
		*ret_fail = fail;
		return -EBADMSG;
	}
	return at - input.at;
}

/* RFC 9112 4: HTTP-version SP status-code SP [reason-phrase]; the second blank may be missing with
 * the reason. */
static const char *read_status_line(const char *at, const char *end, struct response *response,
				    enum fail *ret_fail)
{
	at = read_version(at, end, &response->version_minor, ret_fail);
	if (!at)
		return NULL;
	for (int i = 0; i < 4; i++, at++) {
		if (at == end)
			return NULL;
		if (i == 0 ? *at != ' ' : *at < '0' || *at > '9') {
			*ret_fail = FAIL_UPSTREAM_BAD;
			return NULL;
		}
		if (i > 0)
			response->status = (uint16_t)(response->status * 10 + (*at - '0'));
	}
	/* Those from 600 on mean nothing (RFC 9110 15), and pass as they do in the reference. */
	if (response->status < 100) {
		*ret_fail = FAIL_UPSTREAM_BAD;
		return NULL;
	}
	if (at < end && *at == ' ') {
		const char *stop = h1_scan_value(at + 1, end);

		response->reason = str_n(at + 1, (size_t)(stop - at - 1));
		at = stop;
	}
	return read_line_end(at, end, FAIL_UPSTREAM_BAD, ret_fail);
}

/* RFC 9112 6.3, in its order. */
static enum fail conclude_response(struct response *response, const struct h1_facts *facts,
				   const struct h1_asked *asked)
{
	bool keep = !facts->close && (response->version_minor >= 1 || facts->keep_alive);

	response->content_length = facts->has_length ? facts->content_length : -1;
	if (response->status < 200) {
		if (facts->is_chunked || (facts->has_length && facts->content_length > 0))
			return FAIL_UPSTREAM_FRAMING;
		if (response->status == 101 &&
		    (!asked->upgrade || !facts->wants_upgrade || !facts->is_websocket))
			return FAIL_UPSTREAM_SWITCH;
		/* After 101 the connection speaks something else; after other 1xx the answer is
		 * still to come. */
		response->keep_alive = response->status != 101;
		response->content_length = -1;
		return FAIL_NONE;
	}
	if (asked->head || status_is_bodiless(response->status)) {
		/* A body that must not be there may come nevertheless: such a connection is not
		 * used again. */
		bool suspicious =
			response->status == 204 && !asked->head &&
			(facts->is_chunked || (facts->has_length && facts->content_length > 0));

		response->keep_alive = keep && !suspicious;
		if (response->status == 204)
			response->content_length = -1;
		return FAIL_NONE;
	}
	if (facts->is_chunked)
		response->body = BODY_CHUNKED;
	else
		response->body = facts->has_length ? BODY_LENGTH : BODY_UNTIL_CLOSE;
	response->keep_alive = keep && response->body != BODY_UNTIL_CLOSE;
	return FAIL_NONE;
}

/* A server's fault is a 502 whatever its kind; the kinds that matter to an operator stay apart. */
static enum fail upstream_fault(enum fail fail)
{
	switch (fail) {
	case FAIL_UPSTREAM_SWITCH:
	case FAIL_UPSTREAM_FRAMING:
		return fail;
	case FAIL_HEAD_TOO_LARGE:
	case FAIL_TOO_MANY_HEADERS:
		return FAIL_UPSTREAM_HEAD_LARGE;
	case FAIL_LENGTH_BAD:
	case FAIL_LENGTH_DIFFERS:
	case FAIL_LENGTH_AND_CODING:
	case FAIL_CODING_BAD:
	case FAIL_CODING_OLD_VERSION:
		return FAIL_UPSTREAM_FRAMING;
	default:
		return FAIL_UPSTREAM_BAD;
	}
}

ssize_t h1_parse_response(struct str input, const struct h1_limits *limits,
			  const struct h1_asked *asked, struct response *response,
			  enum fail *ret_fail)
{
	/* Host and Expect mean nothing in a response: they are no fault either. */
	struct h1_facts facts = {.is_response = true};
	enum fail fail = FAIL_NONE;

	response->status = 0;
	response->version_minor = 0;
	response->body = BODY_NONE;
	response->keep_alive = false;
	response->reason = (struct str){0};
	response->content_length = -1;
	response->headers.n = 0;
	if (input.len == 0)
		return -EAGAIN;

	const char *end = input.at + str_take(input, limits->max_head_bytes).len;
	const char *at = read_status_line(input.at, end, response, &fail);

	if (at) {
		facts.version_minor = response->version_minor;
		at = h1_field_lines(at, end, limits->max_headers, &response->headers, &facts,
				    &fail);
	}
	if (at)
		fail = conclude_response(response, &facts, asked);
	else if (fail == FAIL_NONE && incomplete(input, limits, &fail) == -EAGAIN)
		return -EAGAIN;
	if (fail != FAIL_NONE) {
		*ret_fail = upstream_fault(fail);
		return -EBADMSG;
	}
	return at - input.at;
}

bool h1_head_ready(struct str input, const struct h1_limits *limits, size_t *resume)
{
	const char *lf;

	while (*resume < input.len &&
	       (lf = memchr(input.at + *resume, '\n', input.len - *resume)) != NULL) {
		*resume = (size_t)(lf + 1 - input.at);
		/* A line that does not end in CR LF is a fault to report now. */
		if (lf == input.at || lf[-1] != '\r')
			return true;
		if (lf - 1 == input.at || lf[-2] == '\n')
			return true;
	}
	/* Nothing of the unfinished line needs to be looked at again. */
	*resume = input.len;
	return input.len >= limits->max_head_bytes;
}
