/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_FIELD_H
#define H1_FIELD_H

/*
 * h1_field: the field lines of a head or of trailers, and the framing facts in them, decided in the
 * same pass. Internal to the parsers.
 */

#include "http/h1_parse.h"

/* What the fields said about the message itself. */
struct h1_facts {
	uint8_t version_minor; /* set by the caller: some fields mean nothing, or are faults, in 1.0
				*/
	bool is_trailer;       /* set by the caller: nothing in trailers is a fact */
	bool is_response;      /* set by the caller: Host and Expect mean nothing there */
	bool has_length, is_chunked;
	bool close, keep_alive, wants_upgrade, is_websocket;
	bool has_host, expect_continue;
	int64_t content_length;
	struct str host;
};

/*
 * Parses lines up to and including the empty one into headers. Returns what follows it; NULL with
 * FAIL_NONE when input ends first, NULL with another *ret_fail when it is malformed.
 */
const char *h1_field_lines(const char *at, const char *end, uint16_t max_headers,
			   struct headers *headers, struct h1_facts *facts, enum fail *ret_fail);

#endif
