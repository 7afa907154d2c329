/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_RELAY_H
#define STREAM_RELAY_H

/*
 * stream_relay: one direction of a raw connection: bytes from one link to another, and the end of
 * one passed on to the other.
 *
 * Between sockets whose bytes nobody must read (plain, or with kernel TLS) they are spliced: they
 * never enter user space. Else they pass through the worker's scratch buffer once. Nothing is read
 * while the receiver has a backlog, so a lane holds at most one pipe full or one read; an idle one
 * holds nothing.
 */

#include "net/pipe.h"
#include "proxy/link.h"

/* Zeroed: new. */
struct stream_lane {
	struct pipe *pipe; /* holds bytes that the receiver did not take yet; else NULL */
	uint64_t bytes;	   /* read so far */
	bool ended;	   /* the source's end was read */
	bool shut;	   /* and passed on */
};

enum stream_relay_result {
	STREAM_RELAY_OK, /* waits, or is shut */
	STREAM_RELAY_SOURCE_LOST,
	STREAM_RELAY_SINK_LOST,
};

/* Moves what can be moved now, in bounded turns: from->io gets another one if there is more. */
enum stream_relay_result stream_relay_move(struct stream_lane *lane, struct link *from,
					   struct link *to);
void stream_relay_done(struct stream_lane *lane, struct pipe_pool *pipes);

#endif
