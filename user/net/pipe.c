// SPDX-License-Identifier: Apache-2.0
/* pipe: pairs of descriptors with a count. */

#include "net/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PIPE_BYTES = 256 << 10, /* asked for; unprivileged processes get up to 1 MiB each */
	PIPE_IDLE_MAX = 16,
};

static void close_pipe(struct pipe *pipe)
{
	close(pipe->read_fd);
	close(pipe->write_fd);
	free(pipe);
}

struct pipe *pipe_take(struct pipe_pool *pool)
{
	struct pipe *pipe = pool->idle;
	int fds[2];

	if (pipe) {
		pool->idle = pipe->next;
		pool->n_idle--;
		return pipe;
	}
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return NULL;
	pipe = calloc(1, sizeof(*pipe));
	if (!pipe) {
		close(fds[0]);
		close(fds[1]);
		return NULL;
	}
	int size = fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES);

	if (size < 0)
		size = fcntl(fds[1], F_GETPIPE_SZ);
	*pipe = (struct pipe){.read_fd = fds[0],
			      .write_fd = fds[1],
			      .size_bytes = size > 0 ? (size_t)size : 4096};
	return pipe;
}

void pipe_give(struct pipe_pool *pool, struct pipe *pipe)
{
	if (!pipe)
		return;
	if (pipe->held_bytes || pool->n_idle >= PIPE_IDLE_MAX) {
		close_pipe(pipe);
		return;
	}
	pipe->next = pool->idle;
	pool->idle = pipe;
	pool->n_idle++;
}

void pipe_pool_done(struct pipe_pool *pool)
{
	while (pool->idle) {
		struct pipe *pipe = pool->idle;

		pool->idle = pipe->next;
		close_pipe(pipe);
	}
	pool->n_idle = 0;
}

ssize_t pipe_fill(struct pipe *pipe, int fd, size_t n)
{
	ssize_t got;

	if (n > pipe->size_bytes)
		n = pipe->size_bytes;
	do {
		got = splice(fd, NULL, pipe->write_fd, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	pipe->held_bytes += (size_t)got;
	return got;
}

ssize_t pipe_drain(struct pipe *pipe, int fd, int more)
{
	unsigned int flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
	ssize_t sent;

	do {
		sent = splice(pipe->read_fd, NULL, fd, NULL, pipe->held_bytes, flags);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	pipe->held_bytes -= (size_t)sent;
	return sent;
}
