/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_H
#define FILTER_H

/*
 * filter: the middlewares that a body passes, in the order in which they asked for it: for
 * responses that is from the innermost to the outermost, for requests the other way round.
 *
 * Spans go in, and what has become of them comes out, with room for chunk framing around it. One
 * span is bounded by the reader, what it may become by FILTER_OUT_MAX_BYTES; nothing is read while
 * the receiver has a backlog. So memory is bounded whatever a filter does.
 */

#include "mw/mw.h"
#include "mw/mw_body.h"

struct worker;

enum {
	FILTER_SPAN_BYTES = 64 << 10,
	FILTER_OUT_MAX_BYTES = 32 << 20,
	FILTER_ROOM_BYTES = 32,	     /* in front, for a chunk's head */
	FILTER_END_BYTES = 16 << 10, /* behind, for the last chunk with trailers */
};

struct filter_stage {
	const struct mw_instance *self;
	struct mw_call call;
	struct mw_body_out out;
	struct filter_stage *next;
};

struct filter {
	struct worker *worker;
	struct arena *arena;
	struct filter_stage *first, *last;
	bool is_response;
	bool has_ended;
	bool holds; /* something went in since the last flush */
	uint64_t flushed_ns, flush_after_ns;
	/* Of a response whose filters have set the length: so much must come out. Negative: any. */
	int64_t length;
	uint64_t n_out;
	struct mw_body_out result; /* of the last stage, with room around it */
	struct headers trailers;
};

/* NULL without memory (the arena says so). */
struct filter *filter_new(struct worker *worker, struct arena *arena, bool is_response);
/* call: as the hook that asks was called. */
void filter_add(struct filter *filter, const struct mw_instance *self, const struct mw_call *call);
/* The response as it stays: hooks saw one that lives as long as their calls only. */
void filter_set_response(struct filter *filter, struct response *response);
/*
 * Sends a span through. What came out is in *ret_out, until the next call, with FILTER_ROOM_BYTES
 * in front and FILTER_END_BYTES behind that may be written to. 0, or a negative errno: the message
 * must be cut.
 */
int filter_push(struct filter *filter, const struct mw_span *span, struct str *ret_out);
/* Gives the memory back. NULL is allowed. */
void filter_done(struct filter *filter);

#endif
