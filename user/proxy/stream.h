/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_H
#define STREAM_H

/*
 * stream: one body on its way from one link to another: decoded, framed anew, passed on.
 *
 * Payload is never copied but into and out of the kernel: what was read into the worker's scratch
 * buffer is sent from there, with chunk framing written around it in place; long runs of payload
 * from or to a socket with kernel TLS are spliced and do not enter user space at all (between plain
 * sockets large copies were measured to be cheaper than splicing). Nothing is read while the
 * receiver still has a backlog, and after one, less is read at a time: so a slow receiver costs
 * little memory.
 */

#include "http/h1_body.h"
#include "net/pipe.h"
#include "proxy/link.h"

enum stream_result {
	STREAM_READ,	    /* waits for the source */
	STREAM_WRITE,	    /* waits for the receiver */
	STREAM_TURN,	    /* could go on, but others are waiting too */
	STREAM_DONE,	    /* all was handed to the receiver (perhaps still as its backlog) */
	STREAM_SOURCE_LOST, /* ended before the body did, or failed */
	STREAM_SOURCE_BAD,  /* malformed framing: body.fail */
	STREAM_SINK_LOST,
};

struct stream {
	struct h1_body body;
	uint8_t out_kind; /* enum body_kind: how it is framed for the receiver */
	bool done;
	bool has_trailers;   /* they may be passed on */
	uint64_t sent_bytes; /* of payload */
	uint32_t window;     /* how much is read at a time */
	struct pipe *pipe;   /* holds bytes that the receiver did not take yet */
};

/* trailers: where the source's trailers are kept; NULL drops them. */
void stream_init(struct stream *stream, enum body_kind kind, int64_t length,
		 enum body_kind out_kind, struct arena *trailers);
/* Accepts a zeroed stream. */
void stream_done(struct stream *stream, struct pipe_pool *pipes);
/*
 * Input of n bytes that stands at `at`, with room for framing before and behind it (worker.h):
 * *ret_out is what the receiver must get. What follows the body is kept in from->in (from NULL:
 * dropped). STREAM_READ, _DONE, _SOURCE_BAD, or _SINK_LOST without memory.
 */
enum stream_result stream_convert(struct stream *stream, struct link *from, char *at, size_t n,
				  struct str *ret_out);
/* Moves what can be moved now. */
enum stream_result stream_pump(struct stream *stream, struct link *from, struct link *to);

#endif
