// SPDX-License-Identifier: Apache-2.0
/*
 * stream_relay: see the header.
 *
 * A pipe is full when its slots are, and each segment takes one, however short: so a read that was
 * shorter than asked for says only then that the socket is empty when it brought fewer bytes than
 * the pipe has slots. Else the socket is asked.
 */

#include "proxy/stream_relay.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "net/sock.h"
#include "proxy/worker.h"

enum {
	TURNS = 8, /* pipes full, or reads, before others have their turn */
	PIPE_PAGE_BYTES = 4096,
	COPY_BYTES = 64 << 10,
};

static bool may_splice(const struct link *from, const struct link *to)
{
	if (from->via || to->via || held_len(&from->in))
		return false;
	return (!from->tls || (tls_conn_can_splice_from(from->tls) && !tls_conn_more(from->tls))) &&
	       (!to->tls || tls_conn_can_splice_to(to->tls));
}

static void clear(struct link *link, unsigned int bits)
{
	link->io.ready &= (uint8_t)~bits;
}

/* Empties the pipe as far as the receiver takes it. */
static enum stream_relay_result drain(struct stream_lane *lane, struct link *to)
{
	while (lane->pipe->held_bytes) {
		ssize_t n = pipe_drain(lane->pipe, to->io.fd, 0);

		if (n == -EAGAIN) {
			clear(to, LOOP_WRITE);
			return STREAM_RELAY_OK;
		}
		if (n <= 0)
			return STREAM_RELAY_SINK_LOST;
		worker_count(&to->worker->counters.bytes_spliced, n);
	}
	pipe_give(&to->worker->pipes, lane->pipe);
	lane->pipe = NULL;
	return STREAM_RELAY_OK;
}

/* Whether the socket is empty after a read of n bytes that began with an empty pipe. */
static bool is_empty(const struct pipe *pipe, const struct link *from, size_t n)
{
	int waiting = 0;

	if (from->io.ready & (LOOP_EOF | LOOP_ERROR) || n >= pipe->size_bytes)
		return false;
	return n < pipe->size_bytes / PIPE_PAGE_BYTES ||
	       (!from->tls && ioctl(from->io.fd, SIOCINQ, &waiting) == 0 && waiting == 0);
}

static void note_end(struct stream_lane *lane, struct link *from)
{
	lane->ended = from->ended = true;
	clear(from, LOOP_READ | LOOP_EOF);
}

/* One pipe full. *ret_copy: it cannot be spliced now. */
static enum stream_relay_result splice_some(struct stream_lane *lane, struct link *from,
					    struct link *to, bool *ret_copy)
{
	ssize_t n;

	lane->pipe = pipe_take(&to->worker->pipes);
	if (!lane->pipe) {
		*ret_copy = true;
		return STREAM_RELAY_OK;
	}
	n = pipe_fill(lane->pipe, from->io.fd, SIZE_MAX);
	if (n > 0) {
		lane->bytes += (uint64_t)n;
		if (is_empty(lane->pipe, from, (size_t)n))
			clear(from, LOOP_READ);
		return drain(lane, to);
	}
	pipe_give(&to->worker->pipes, lane->pipe);
	lane->pipe = NULL;
	if (n == -EAGAIN) {
		clear(from, LOOP_READ);
	} else if (from->tls) {
		/* A record that is no data, or the end: the library knows which. */
		*ret_copy = true;
	} else if (n == 0) {
		note_end(lane, from);
	} else {
		return STREAM_RELAY_SOURCE_LOST;
	}
	return STREAM_RELAY_OK;
}

static enum stream_relay_result copy_some(struct stream_lane *lane, struct link *from,
					  struct link *to)
{
	char *at = worker_read_at(from->worker);
	ssize_t n = link_read(from, at, COPY_BYTES);

	if (n == -EAGAIN)
		return STREAM_RELAY_OK;
	if (n < 0)
		return STREAM_RELAY_SOURCE_LOST;
	if (n == 0) {
		lane->ended = true;
		return STREAM_RELAY_OK;
	}
	lane->bytes += (uint64_t)n;
	return link_write(to, at, (size_t)n) < 0 ? STREAM_RELAY_SINK_LOST : STREAM_RELAY_OK;
}

/* What waits for the receiver goes first; true: nothing does any more. */
static bool flush(struct stream_lane *lane, struct link *to, enum stream_relay_result *result)
{
	if (link_backlog(to)) {
		int error = to->io.ready & LOOP_WRITE ? link_flush(to) : -EAGAIN;

		if (error && error != -EAGAIN)
			*result = STREAM_RELAY_SINK_LOST;
		if (error)
			return false;
	}
	if (lane->pipe && to->io.ready & LOOP_WRITE)
		*result = drain(lane, to);
	return !lane->pipe && *result == STREAM_RELAY_OK;
}

/* A write side that is gone already is no news. */
static void pass_on_end(struct stream_lane *lane, struct link *to)
{
	if (to->tls)
		(void)tls_conn_shutdown(to->tls);
	(void)sock_shut_write(to->io.fd);
	lane->shut = true;
}

enum stream_relay_result stream_relay_move(struct stream_lane *lane, struct link *from,
					   struct link *to)
{
	enum stream_relay_result result = STREAM_RELAY_OK;

	for (int turn = 0; turn < TURNS; turn++) {
		bool copy = !may_splice(from, to);

		if (lane->shut || !flush(lane, to, &result))
			return result;
		if (lane->ended) {
			pass_on_end(lane, to);
			return result;
		}
		if (!link_can_read(from))
			return result;
		if (!copy)
			result = splice_some(lane, from, to, &copy);
		if (copy && result == STREAM_RELAY_OK)
			result = copy_some(lane, from, to);
		if (result != STREAM_RELAY_OK)
			return result;
	}
	if (link_can_read(from) || lane->ended)
		loop_again(&from->worker->loop, &from->io);
	return result;
}

void stream_relay_done(struct stream_lane *lane, struct pipe_pool *pipes)
{
	pipe_give(pipes, lane->pipe);
	lane->pipe = NULL;
}
