// SPDX-License-Identifier: Apache-2.0
/*
 * h1_body: one state machine for chunked framing; lengths are one comparison. The states follow the
 * grammar of RFC 9112 7.1: size [ extension ] CR LF data CR LF ... 0 CR LF trailers CR LF.
 */

#include "http/h1_body.h"

#include "http/forwarded.h"
#include "http/h1_field.h"
#include "http/h1_scan.h"
#include "http/header.h"
#include "http/uri.h"

enum body_state {
	SIZE,	      /* hexadecimal digits */
	BLANK,	      /* blanks before ';' (RFC 9112 7.1.1: BWS) */
	EXTENSION,    /* after ';', up to CR: dropped */
	SIZE_LF,      /* LF of the size line */
	DATA,	      /* remaining bytes of payload */
	DATA_CR,      /* CR after a chunk's data */
	DATA_LF,      /* and its LF */
	TRAILER,      /* first byte of a trailer line, or of the last empty line */
	TRAILER_LINE, /* inside trailers: collecting */
	LAST_LF,      /* LF of the last empty line, when there were no trailers */
	DONE,
	FAILED,
};

enum { MAX_SIZE_DIGITS = 16 };

void h1_body_init(struct h1_body *body, enum body_kind kind, int64_t content_length,
		  struct arena *arena)
{
	*body = (struct h1_body){.kind = (uint8_t)kind, .arena = arena, .trailers.arena = arena};
	switch (kind) {
	case BODY_NONE:
		body->state = DONE;
		break;
	case BODY_LENGTH:
		body->remaining = content_length > 0 ? (uint64_t)content_length : 0;
		body->state = body->remaining ? DATA : DONE;
		break;
	case BODY_CHUNKED:
		body->state = SIZE;
		break;
	case BODY_UNTIL_CLOSE:
		body->remaining = UINT64_MAX;
		body->state = DATA;
		break;
	}
}

static enum h1_body_result failed(struct h1_body *body, enum fail fail)
{
	body->state = FAILED;
	body->fail = (uint8_t)fail;
	return H1_BODY_FAILED;
}

/* What comes when the payload of this run is through. */
static void end_of_run(struct h1_body *body)
{
	if (body->remaining == 0)
		body->state = body->kind == BODY_CHUNKED ? DATA_CR : DONE;
}

static enum h1_body_result take_data(struct h1_body *body, struct str *input, struct str *ret_data)
{
	size_t n = input->len < body->remaining ? input->len : (size_t)body->remaining;

	if (n == 0)
		return H1_BODY_MORE;
	*ret_data = str_n(input->at, n);
	*input = str_n(input->at + n, input->len - n);
	h1_body_skip(body, n);
	return H1_BODY_DATA;
}

/* RFC 9112 7.1: the size, without overflow; a size beyond 2^63-1 is refused as a length would be.
 */
static enum fail read_digit(struct h1_body *body, char c)
{
	int digit = uri_hex((unsigned char)c);

	if (digit >= 0) {
		if (++body->digits > MAX_SIZE_DIGITS || body->remaining >> 59)
			return FAIL_CHUNK_SIZE_BAD;
		body->remaining = body->remaining << 4 | (uint64_t)digit;
		return FAIL_NONE;
	}
	if (body->digits == 0)
		return FAIL_CHUNK_SIZE_BAD;
	if (c == '\r')
		body->state = SIZE_LF;
	else if (c == ';')
		body->state = EXTENSION;
	else if (c == ' ' || c == '\t')
		body->state = BLANK;
	else
		return c == '\n' ? FAIL_CHUNK_BAD : FAIL_CHUNK_SIZE_BAD;
	return FAIL_NONE;
}

static enum fail read_extension(struct h1_body *body, char c)
{
	if (++body->line > H1_BODY_MAX_EXTENSION_BYTES)
		return FAIL_CHUNK_OVERHEAD;
	if (body->state == BLANK) {
		if (c == ';')
			body->state = EXTENSION;
		return c == ';' || c == ' ' || c == '\t' ? FAIL_NONE : FAIL_CHUNK_BAD;
	}
	if (c == '\r')
		body->state = SIZE_LF;
	else if (!h1_scan_is(c, H1_SCAN_VALUE))
		return FAIL_CHUNK_BAD;
	return FAIL_NONE;
}

/* One byte of framing. */
static enum fail read_framing(struct h1_body *body, char c)
{
	switch (body->state) {
	case SIZE:
		return read_digit(body, c);
	case BLANK:
	case EXTENSION:
		return read_extension(body, c);
	case SIZE_LF:
		if (c != '\n')
			return FAIL_CHUNK_BAD;
		body->state = body->remaining ? DATA : TRAILER;
		body->digits = 0;
		body->line = 0;
		return FAIL_NONE;
	case DATA_CR:
		body->state = DATA_LF;
		return c == '\r' ? FAIL_NONE : FAIL_CHUNK_BAD;
	case DATA_LF:
		body->state = SIZE;
		return c == '\n' ? FAIL_NONE : FAIL_CHUNK_BAD;
	case TRAILER:
		body->state = LAST_LF;
		return FAIL_NONE;
	default: /* LAST_LF */
		body->state = DONE;
		return c == '\n' ? FAIL_NONE : FAIL_CHUNK_BAD;
	}
}

/*
 * RFC 9110 6.5.1: trailers must not frame, route, authenticate or control. Known headers are
 * exactly those on which something acts, so only unknown names pass, and none that claims an
 * identity or a condition.
 */
static bool may_pass(const struct header *header)
{
	static const struct str refused[] = {
		{"Content-Range", 13},
		{"Cache-Control", 13},
		{"Max-Forwards", 12},
		{"Range", 5},
		{"Age", 3},
		{"Expires", 7},
		{"Warning", 7},
		{"Retry-After", 11},
		{"Pragma", 6},
		{"Cookie2", 7},
		{"Set-Cookie2", 11},
	};
	static const struct str prefixes[] = {
		{"If-", 3}, {"X-Forwarded", 11}, {"Sec-", 4}, {"X-Original", 10}};

	if (header->id != HEADER_OTHER || memchr(header->name.at, '_', header->name.len))
		return false;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (str_eq_nocase(header->name, refused[i]))
			return false;
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (str_starts_nocase(header->name, prefixes[i]))
			return false;
	}
	return !forwarded_is_identity(header->name);
}

/*
 * The trailers are all there, or not yet, or wrong. They are read from the copy in the arena, so
 * that they outlive the input.
 */
static enum fail read_trailers(struct h1_body *body, bool *ret_complete)
{
	struct header slots[H1_BODY_MAX_TRAILERS];
	struct headers found = {.at = slots, .cap = H1_BODY_MAX_TRAILERS};
	struct h1_facts facts = {.is_trailer = true};
	enum fail fail;
	const char *end = h1_field_lines(body->trailer_at, body->trailer_at + body->trailer_len,
					 H1_BODY_MAX_TRAILERS, &found, &facts, &fail);

	*ret_complete = end != NULL;
	if (!end)
		return fail == FAIL_TOO_MANY_HEADERS ? FAIL_TRAILER_TOO_LARGE
		       : fail != FAIL_NONE	     ? FAIL_TRAILER_BAD
						     : FAIL_NONE;
	for (size_t i = 0; i < found.n; i++) {
		if (may_pass(&slots[i]))
			header_add(&body->trailers, slots[i].name, slots[i].value);
	}
	return FAIL_NONE;
}

/* Collects trailer bytes and tries to read them at each line end. */
static enum h1_body_result take_trailers(struct h1_body *body, struct str *input)
{
	if (!body->trailer_at) {
		if (!body->arena)
			return failed(body, FAIL_TRAILER_TOO_LARGE);
		body->trailer_at = arena_alloc(body->arena, H1_BODY_MAX_TRAILER_BYTES, 1);
		if (!body->trailer_at)
			return failed(body, FAIL_OVERLOADED);
	}
	while (input->len > 0) {
		const char *lf = memchr(input->at, '\n', input->len);
		size_t n = lf ? (size_t)(lf - input->at) + 1 : input->len;
		bool complete = false;

		if (n > (size_t)(H1_BODY_MAX_TRAILER_BYTES - body->trailer_len))
			return failed(body, FAIL_TRAILER_TOO_LARGE);
		memcpy(body->trailer_at + body->trailer_len, input->at, n);
		body->trailer_len = (uint16_t)(body->trailer_len + n);
		*input = str_n(input->at + n, input->len - n);
		if (!lf)
			return H1_BODY_MORE;

		enum fail fail = read_trailers(body, &complete);

		if (fail != FAIL_NONE)
			return failed(body, fail);
		if (complete) {
			body->state = DONE;
			return H1_BODY_END;
		}
	}
	return H1_BODY_MORE;
}

/* RFC 9112 7.1.1 and reference/security.md A2.6: framing far beyond the payload is an attack on our
 * time. */
static bool is_overhead_too_large(const struct h1_body *body)
{
	return body->overhead > H1_BODY_FREE_OVERHEAD_BYTES &&
	       (body->overhead - H1_BODY_FREE_OVERHEAD_BYTES) / H1_BODY_OVERHEAD_RATIO >
		       body->payload;
}

enum h1_body_result h1_body_next(struct h1_body *body, struct str *input, struct str *ret_data)
{
	for (;;) {
		if (body->state == DONE)
			return H1_BODY_END;
		if (body->state == FAILED)
			return H1_BODY_FAILED;
		if (body->state == DATA)
			return take_data(body, input, ret_data);
		if (input->len == 0)
			return H1_BODY_MORE;
		if (body->state == TRAILER && input->at[0] != '\r')
			body->state = TRAILER_LINE;
		if (body->state == TRAILER_LINE)
			return take_trailers(body, input);

		enum fail fail = read_framing(body, input->at[0]);

		if (fail != FAIL_NONE)
			return failed(body, fail);
		*input = str_n(input->at + 1, input->len - 1);
		body->overhead++;
		if (is_overhead_too_large(body))
			return failed(body, FAIL_CHUNK_OVERHEAD);
	}
}

enum h1_body_result h1_body_eof(struct h1_body *body)
{
	if (body->state == DONE)
		return H1_BODY_END;
	if (body->state == FAILED)
		return H1_BODY_FAILED;
	if (body->kind == BODY_UNTIL_CLOSE) {
		body->state = DONE;
		return H1_BODY_END;
	}
	return failed(body, FAIL_BODY_CUT);
}

bool h1_body_done(const struct h1_body *body)
{
	return body->state == DONE;
}

uint64_t h1_body_run(const struct h1_body *body)
{
	return body->state == DATA ? body->remaining : 0;
}

void h1_body_skip(struct h1_body *body, uint64_t n)
{
	body->payload += n;
	if (body->kind == BODY_UNTIL_CLOSE)
		return;
	body->remaining -= n;
	end_of_run(body);
}
