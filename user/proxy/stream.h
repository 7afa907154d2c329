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
 *
 * A body that middlewares filter, or that was kept (body_store) and goes out from there first,
 * takes the same way but for the splicing.
 */

#include "http/h1_body.h"
#include "net/pipe.h"
#include "proxy/body_store.h"
#include "proxy/filter.h"
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
	bool has_trailers;		/* they may be passed on */
	bool is_special;		/* it has a filter or a store */
	uint64_t sent_bytes;		/* of payload */
	uint32_t window;		/* how much is read at a time */
	struct pipe *pipe;		/* holds bytes that the receiver did not take yet */
	struct filter *filter;		/* NULL: none */
	const struct body_store *store; /* its payload comes before the source's; NULL: none */
	uint64_t store_at;		/* so much of it was sent */
	/* Names that the message's head says, or that were taken from it: trailers cannot say them
	 * after it. NULL: none. */
	const struct headers *head;
};

/* trailers: where the source's trailers are kept; NULL drops them. */
void stream_init(struct stream *stream, enum body_kind kind, int64_t length,
		 enum body_kind out_kind, struct arena *trailers);
/*
 * The way out, once that is known or once more: everything in the store, then what the source still
 * has. NULLs are allowed.
 */
void stream_send_from(struct stream *stream, enum body_kind out_kind, struct body_store *store,
		      struct filter *filter);
/* Accepts a zeroed stream. */
void stream_done(struct stream *stream, struct pipe_pool *pipes);
/*
 * Input of n bytes that stands at `at`, with room for framing before and behind it (worker.h):
 * *ret_out is what the receiver must get. What follows the body is kept in from->in (from NULL:
 * dropped). STREAM_READ, _DONE, _SOURCE_BAD, or _SINK_LOST without memory.
 */
enum stream_result stream_convert(struct stream *stream, struct link *from, char *at, size_t n,
				  struct str *ret_out);
/* n bytes of payload, with room around them; is_last: the body ends with them. As above. */
enum stream_result stream_put(struct stream *stream, char *at, size_t n, bool is_last,
			      struct str *ret_out);
/* The next part of what is to be sent from a store. As above; STREAM_SOURCE_BAD: it cannot be read.
 */
enum stream_result stream_next_stored(struct stream *stream, struct worker *worker,
				      struct str *ret_out);
/*
 * Instead of sending: the source's payload is kept in the store. bytes: input that was read already
 * (in the scratch buffer), or NULL to read once. STREAM_DONE: that is all of it; STREAM_TURN: there
 * may be more now; STREAM_SINK_LOST: it could not be kept (*ret_error). What follows the body stays
 * in from->in.
 */
enum stream_result stream_keep(struct stream *stream, struct link *from, char *bytes, size_t n,
			       struct body_store *store, int *ret_error);
/* Moves what can be moved now. */
enum stream_result stream_pump(struct stream *stream, struct link *from, struct link *to);

#endif
