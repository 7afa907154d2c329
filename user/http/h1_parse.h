/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_PARSE_H
#define H1_PARSE_H

/*
 * h1_parse: request and response heads of HTTP/1, strict (RFC 9112; reference/security.md A2.1 and
 * A2.9).
 *
 * Pure: bytes in, facts out, in one pass, in place. Nothing is copied and nothing is allocated but
 * header slots: the caller gives headers.at and headers.cap; when those are full and headers.arena
 * is set, more room comes from there, up to limits->max_headers. Every str in the result points
 * into the input.
 *
 * The answer depends on the bytes alone, not on how they came in pieces: if a prefix fails, every
 * longer input fails in the same way.
 */

#include <sys/types.h>

#include "http/fail.h"
#include "http/message.h"

struct h1_limits {
	uint32_t max_head_bytes; /* start line, fields and the empty line */
	uint16_t max_headers;
};

enum {
	H1_MAX_HEAD_BYTES = 65536, /* defaults */
	H1_MAX_HEADERS = 100,
	H1_INTERIM_MAX = 16, /* 1xx answers to one request; more is no server's way to answer */
};

/*
 * Returns the bytes of the head (the body begins there), -EAGAIN when the head is not complete, or
 * -EBADMSG with *ret_fail. On success these fields of *request are set: method(_id), target,
 * version_minor, is_absolute, authority, raw_path, query, has_query (as received: canon_request()
 * comes next), headers, body, content_length (0 without one), keep_alive, expect_continue, upgrade.
 * Nothing else is touched; after a failure those fields hold what was understood so far, for the
 * log: request->method and target may be empty. The caller must have set headers.at, cap and arena
 * before the first call; n is reset here.
 */
ssize_t h1_parse_request(struct str input, const struct h1_limits *limits, struct request *request,
			 enum fail *ret_fail);

/* What a response's framing depends on (RFC 9112 6.3). */
struct h1_asked {
	bool head;    /* the request was HEAD */
	bool upgrade; /* it asked for an upgrade that we forwarded: 101 is allowed */
};

/*
 * As above, for an upstream's answer: status, version_minor, reason, headers, body, content_length
 * (-1 when none was given), keep_alive (the upstream connection may be used again once the body was
 * read to its end). A 1xx comes as a response of its own with BODY_NONE: parse again from where it
 * ended.
 */
ssize_t h1_parse_response(struct str input, const struct h1_limits *limits,
			  const struct h1_asked *asked, struct response *response,
			  enum fail *ret_fail);

/*
 * For input that grows: whether parsing again is worth it. *resume is 0 before the first call and
 * belongs to this head; each byte is looked at once. True when an empty line has come, or a line
 * end that no head may hold, or max_head_bytes were reached. A parser that still says -EAGAIN
 * (empty lines before a request) is no fault.
 */
bool h1_head_ready(struct str input, const struct h1_limits *limits, size_t *resume);

#endif
