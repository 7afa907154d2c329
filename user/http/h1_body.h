/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_BODY_H
#define H1_BODY_H

/*
 * h1_body: where a message body ends (RFC 9112 6 and 7), strict about chunked framing.
 *
 * Pure and incremental: it eats input of any size and yields the spans of payload inside it,
 *uncopied. Input is always eaten completely (up to the end of the message), so a caller never keeps
 *a rest: half a chunk line is remembered as a state, and unfinished trailers are kept in the arena,
 *bounded.
 *
 *	while ((got = h1_body_next(&body, &input, &data)) == H1_BODY_DATA)
 *		forward(data);
 *	H1_BODY_MORE: input is empty, read on. H1_BODY_END: input holds what follows the message.
 *	H1_BODY_FAILED: body.fail says why; close.
 */

#include "http/fail.h"
#include "http/message.h"

enum h1_body_result {
	H1_BODY_MORE,
	H1_BODY_DATA,
	H1_BODY_END,
	H1_BODY_FAILED,
};

enum {
	H1_BODY_MAX_EXTENSION_BYTES = 256, /* of one chunk line */
	H1_BODY_MAX_TRAILER_BYTES = 8192,
	H1_BODY_MAX_TRAILERS = 32,
	/* Framing may weigh this much, plus this many times the payload. */
	H1_BODY_FREE_OVERHEAD_BYTES = 16384,
	H1_BODY_OVERHEAD_RATIO = 8,
};

struct h1_body {
	uint8_t kind; /* enum body_kind */
	uint8_t state;
	uint8_t digits; /* of the chunk size so far */
	uint8_t fail;	/* enum fail */
	uint16_t line;	/* bytes of extension so far */
	uint16_t trailer_len;
	uint64_t remaining;	    /* of the length or of this chunk */
	uint64_t payload, overhead; /* bytes so far */
	struct arena *arena;	    /* for trailers; NULL: there may be none */
	char *trailer_at;
	struct headers trailers; /* complete after H1_BODY_END; unsafe names are dropped */
};

/* kind and content_length as the head parser decided them. arena must outlive the body; it may be
 * NULL. */
void h1_body_init(struct h1_body *body, enum body_kind kind, int64_t content_length,
		  struct arena *arena);
/* See above. *input advances; *ret_data is set with H1_BODY_DATA only, and is never empty then. */
enum h1_body_result h1_body_next(struct h1_body *body, struct str *input, struct str *ret_data);
/* The peer has closed: H1_BODY_END if the body was complete or goes until close, else
 * H1_BODY_FAILED (BODY_CUT). */
enum h1_body_result h1_body_eof(struct h1_body *body);
bool h1_body_done(const struct h1_body *body);
/*
 * The payload bytes that are known to come next without any framing between them: what may be
 * spliced past this decoder; UINT64_MAX for until-close. h1_body_skip() says that so many of them
 * went by.
 */
uint64_t h1_body_run(const struct h1_body *body);
void h1_body_skip(struct h1_body *body, uint64_t n);

#endif
