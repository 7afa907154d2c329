/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_STREAM_H
#define H2_STREAM_H

/*
 * h2_stream: one stream of an HTTP/2 connection to a server, seen as a link on which HTTP/1.1 is
 * spoken.
 *
 * What an exchange writes (a head, a body with its framing, trailers) is parsed and becomes
 * HEADERS and DATA; what the server sends becomes a head and a body with framing. Both are checked
 * twice: by nghttp2, and by the parsers that HTTP/1.1 has anyway. Flow control is real both ways:
 * the server may send on when the exchange has read, the exchange may write on when the server has
 * taken; so at most a window and a half lie here.
 */

#include "http/h1_body.h"
#include "proxy/h2_upstream.h"

enum { H2_STREAM_SEND_MAX = 128 << 10 }; /* bytes that wait for the server's window */

struct h2_stream {
	struct list node, touched;
	struct h2_upstream *h2;
	struct upstream *upstream; /* NULL: its owner has left */
	struct arena arena;
	int32_t id;  /* 0: not submitted */
	int failed;  /* what reading gives when everything was read */
	bool closed; /* nghttp2 knows it no more */
	bool was_sent;
	/* Towards the server. */
	struct held head; /* the beginning of a head */
	struct held send; /* payload */
	struct h1_body up;
	bool has_head, has_all; /* of the request */
	bool is_deferred;	/* nghttp2 waits for more payload */
	bool is_full;		/* the writer waits for room */
	bool is_head_request;
	/* From the server. */
	struct held block;   /* fields of the header block that is coming in */
	struct held trailer; /* fields behind the body */
	struct held in;	     /* what the link is to read */
	uint32_t unread;     /* payload in it, as flow control counts it */
	uint16_t status;
	int64_t length; /* -1: not told */
	bool wants_trailers, has_final, is_chunked, has_body, has_end;
};

/* The upstream's link becomes a new stream. NULL without memory. */
struct h2_stream *h2_stream_new(struct h2_upstream *h2, struct upstream *upstream);
/* The connection is gone, or the server has ended the stream. */
void h2_stream_fail(struct h2_stream *stream, int error, bool unprocessed);
/* Its owner is told soon. */
void h2_stream_touch(struct h2_stream *stream);
/* Frees it if nobody knows it any more. */
void h2_stream_drop(struct h2_stream *stream);

/* What came from the server; false: the stream cannot go on. */
void h2_stream_begin_block(struct h2_stream *stream);
bool h2_stream_field(struct h2_stream *stream, struct str name, struct str value);
bool h2_stream_end_block(struct h2_stream *stream, bool is_end);
bool h2_stream_data(struct h2_stream *stream, struct str data);
bool h2_stream_end(struct h2_stream *stream);

#endif
