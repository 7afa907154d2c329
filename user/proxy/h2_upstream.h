/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_UPSTREAM_H
#define H2_UPSTREAM_H

/*
 * h2_upstream: one HTTP/2 connection to a server, shared by many exchanges of its worker (RFC 9113;
 * framing by nghttp2).
 *
 * An exchange sees none of this: its upstream's link is a stream of the connection (h2_stream.h),
 * on which it speaks HTTP/1.1. Frames are written at the end of a round, those of all streams
 * together. A server that takes no more than so many streams gets further connections; one that
 * says GOAWAY gets no new streams, and what it has not looked at is tried elsewhere. With
 * readIdleTimeout a silent connection is asked whether it is still there.
 */

#include <nghttp2/nghttp2.h>

#include "proxy/upstream.h"

struct h2_stream;

enum {
	H2_UPSTREAM_STREAMS_MAX = 256, /* of one connection, whatever the server would take */
	H2_UPSTREAM_STREAM_WINDOW = 256 << 10,
	/* Enough for all streams at once: clients that read nothing must not stop the others. */
	H2_UPSTREAM_WINDOW = H2_UPSTREAM_STREAMS_MAX * H2_UPSTREAM_STREAM_WINDOW,
	H2_UPSTREAM_HEAD_MAX = 128 << 10, /* of a server's head, as over HTTP/1.1 */
};

struct h2_upstream {
	struct link link; /* the connection */
	struct list node; /* in the pool's list; alone when no new stream may begin */
	struct loop_task sending, freeing;
	struct server_pool *pool;
	nghttp2_session *session;
	struct list streams; /* struct h2_stream */
	struct list touched; /* those whose owners are to be told */
	uint32_t n_streams;
	bool is_tls, is_dead, will_send, is_counted;
	uint64_t n_exchanges;
	uint64_t idle_ns, read_idle_ns, ping_ns; /* the transport's */
	uint64_t quiet_since_ns, read_at_ns, pinged_at_ns;
	struct proxy_header *client; /* see struct upstream */
	uint64_t private_to;
};

/*
 * Takes over the connection of an upstream on which HTTP/2 was agreed, and makes the upstream its
 * first stream. False without memory.
 */
bool h2_upstream_begin(struct upstream *upstream, const struct server *server);
/* A connection of the pool that takes one more stream for owner; NULL: none. */
struct h2_upstream *h2_upstream_find(struct server_pool *pool, const struct upstream_owner *owner);
/* The upstream becomes a stream of it. False without memory. */
bool h2_upstream_join(struct h2_upstream *h2, struct upstream *upstream);
/* No new stream begins on it; it is closed when it has none left. */
void h2_upstream_retire(struct h2_upstream *h2);
void h2_upstream_retire_all(struct server_pool *pool);

/* For h2_stream.c. */

/* Frames wait: they are written at the end of this round. */
void h2_upstream_send_later(struct h2_upstream *h2);
void h2_upstream_stream_ended(struct h2_upstream *h2);

#endif
