// SPDX-License-Identifier: Apache-2.0
/* h1_field: one loop over the lines; each known field that frames the message is read where it
 * stands. */

#include "http/h1_field.h"

#include "http/h1_scan.h"
#include "http/header.h"
#include "http/uri.h"

enum { MAX_LENGTH_DIGITS = 19 };

/* RFC 9110 8.6: 1*DIGIT, at most 2^63-1. No sign, no blank, no empty value. */
static bool read_length(struct str text, int64_t *ret_length)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > MAX_LENGTH_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.at[i] - '0');
	}
	if (n > INT64_MAX)
		return false;
	*ret_length = (int64_t)n;
	return true;
}

/* RFC 9112 6.3 point 5: repeated values are one value only when they are all the same. */
static enum fail note_length(struct h1_facts *facts, struct str value)
{
	struct str rest = value, piece;

	if (facts->is_chunked)
		return FAIL_LENGTH_AND_CODING;
	do {
		int64_t length;

		if (!str_next(&rest, ',', &piece) || !read_length(str_trim(piece), &length))
			return FAIL_LENGTH_BAD;
		if (facts->has_length && facts->content_length != length)
			return FAIL_LENGTH_DIFFERS;
		facts->has_length = true;
		facts->content_length = length;
	} while (rest.at);
	return FAIL_NONE;
}

/*
 * RFC 9112 6.1 lets a server refuse what it does not understand; 6.3 point 3 calls both lengths at
 * once an error. No other coding than one chunked is forwarded by us, so none is accepted.
 */
static enum fail note_coding(struct h1_facts *facts, struct str value)
{
	if (facts->version_minor == 0)
		return FAIL_CODING_OLD_VERSION;
	if (facts->has_length)
		return FAIL_LENGTH_AND_CODING;
	if (facts->is_chunked || !str_eq_nocase(value, STR("chunked")))
		return FAIL_CODING_BAD;
	facts->is_chunked = true;
	return FAIL_NONE;
}

static void note_connection(struct h1_facts *facts, struct str value)
{
	struct str piece;

	while (str_next(&value, ',', &piece)) {
		piece = str_trim(piece);
		switch (piece.len) {
		case 5:
			facts->close |= str_eq_nocase(piece, STR("close"));
			break;
		case 7:
			facts->wants_upgrade |= str_eq_nocase(piece, STR("upgrade"));
			break;
		case 10:
			facts->keep_alive |= str_eq_nocase(piece, STR("keep-alive"));
			break;
		}
	}
}

/* RFC 9112 3.2: more than one Host, or an invalid one, is answered with 400. */
static enum fail note_host(struct h1_facts *facts, struct str value)
{
	struct str host, port;

	if (facts->has_host)
		return FAIL_HOST_REPEATED;
	if (!uri_split_authority(value, &host, &port))
		return FAIL_HOST_BAD;
	facts->has_host = true;
	facts->host = value;
	return FAIL_NONE;
}

static enum fail note_expect(struct h1_facts *facts, struct str value)
{
	/* RFC 9110 10.1.1: a 100-continue expectation in HTTP/1.0 is ignored. */
	if (facts->version_minor == 0)
		return FAIL_NONE;
	if (!str_eq_nocase(value, STR("100-continue")))
		return FAIL_EXPECTATION;
	facts->expect_continue = true;
	return FAIL_NONE;
}

static enum fail note(struct h1_facts *facts, const struct header *header)
{
	switch (header->id) {
	case HEADER_CONTENT_LENGTH:
		return note_length(facts, header->value);
	case HEADER_TRANSFER_ENCODING:
		return note_coding(facts, header->value);
	case HEADER_CONNECTION:
		note_connection(facts, header->value);
		return FAIL_NONE;
	case HEADER_HOST:
		return facts->is_response ? FAIL_NONE : note_host(facts, header->value);
	case HEADER_EXPECT:
		return facts->is_response ? FAIL_NONE : note_expect(facts, header->value);
	case HEADER_UPGRADE:
		facts->is_websocket |= header_list_has(header->value, STR("websocket"));
		return FAIL_NONE;
	default:
		return FAIL_NONE;
	}
}

/* One line at *at, not the empty one. Advances *at past it, or to NULL when the line is not all
 * there. */
static enum fail read_line(const char **at, const char *end, struct header *header)
{
	const char *name = *at;
	const char *colon = h1_scan_name(name, end);

	*at = NULL;
	if (colon == end)
		return FAIL_NONE;
	/* RFC 9112 5.1: no blank between name and colon; 5.2: no folding. */
	if (colon == name && (*name == ' ' || *name == '\t'))
		return FAIL_HEADER_FOLDED;
	if (*colon != ':' || colon == name)
		return FAIL_HEADER_NAME_BAD;

	const char *value = colon + 1;

	while (value < end && (*value == ' ' || *value == '\t'))
		value++;

	const char *stop = h1_scan_value(value, end);

	if (stop == end)
		return FAIL_NONE;
	if (*stop != '\r')
		return *stop == '\n' ? FAIL_LINE_END_BAD : FAIL_HEADER_VALUE_BAD;
	if (stop + 1 == end)
		return FAIL_NONE;
	/* RFC 9112 2.2: a bare CR is invalid. */
	if (stop[1] != '\n')
		return FAIL_LINE_END_BAD;
	*at = stop + 2;
	while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	header->name = str_n(name, (size_t)(colon - name));
	header->value = str_n(value, (size_t)(stop - value));
	header->gone = false;
	header->id = (uint16_t)header_id_of(header->name);
	return FAIL_NONE;
}

const char *h1_field_lines(const char *at, const char *end, uint16_t max_headers,
			   struct headers *headers, struct h1_facts *facts, enum fail *ret_fail)
{
	enum fail fail = FAIL_NONE;

	while (at && at < end) {
		if (*at == '\r') {
			if (at + 1 == end)
				break;
			if (at[1] == '\n')
				return at + 2;
			fail = FAIL_LINE_END_BAD;
		} else if (*at == '\n') {
			fail = FAIL_LINE_END_BAD;
		} else if (headers->n >= max_headers || !header_room(headers)) {
			fail = FAIL_TOO_MANY_HEADERS;
		} else {
			fail = read_line(&at, end, &headers->at[headers->n]);
			if (fail == FAIL_NONE && at && !facts->is_trailer)
				fail = note(facts, &headers->at[headers->n]);
			headers->n += fail == FAIL_NONE && at;
		}
		if (fail != FAIL_NONE) {
			*ret_fail = fail;
			return NULL;
		}
	}
	*ret_fail = FAIL_NONE;
	return NULL;
}
