/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPE_H
#define PIPE_H

/*
 * pipe: what splice(2) needs between two sockets, kept for reuse. Bytes move from a socket into the
 * pipe and out into another socket without crossing user space.
 */

#include <stddef.h>
#include <sys/types.h>

struct pipe {
	int read_fd, write_fd;
	size_t held_bytes; /* inside now */
	size_t size_bytes;
	struct pipe *next;
};

/* Pipes of one thread that nobody uses at the moment. Zeroed: empty. */
struct pipe_pool {
	struct pipe *idle;
	size_t n_idle;
};

/* NULL: none could be made; the caller copies instead. */
struct pipe *pipe_take(struct pipe_pool *pool);
/* Back to the pool, or closed when bytes are inside. */
void pipe_give(struct pipe_pool *pool, struct pipe *pipe);
void pipe_pool_done(struct pipe_pool *pool);
/* At most n bytes from fd into the pipe: count, 0 at the peer's end, -EAGAIN (also when the pipe is
 * full). */
ssize_t pipe_fill(struct pipe *pipe, int fd, size_t n);
/* Everything that is inside to fd; count or -EAGAIN. more: further bytes follow soon. */
ssize_t pipe_drain(struct pipe *pipe, int fd, int more);

#endif
