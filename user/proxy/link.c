// SPDX-License-Identifier: Apache-2.0
/* link: the plain path stands in front, TLS behind one branch. */

#include "proxy/link.h"

#include <errno.h>
#include <unistd.h>

#include "net/sock.h"
#include "proxy/worker.h"

void link_init(struct link *link, struct worker *worker, int fd)
{
	*link = (struct link){.io = {.fd = fd}, .worker = worker};
	list_init(&link->io.again);
	timer_init(&link->timer, NULL);
}

void link_close(struct link *link, bool reset)
{
	struct worker *worker = link->worker;
	int fd = link->io.fd;

	timer_cancel(&worker->loop.timers, &link->timer);
	loop_forget(&worker->loop, &link->io);
	held_drop(&link->in, &worker->blocks);
	held_drop(&link->out, &worker->blocks);
	tls_conn_free(link->tls);
	link->tls = NULL;
	if (link->via)
		link->via->close(link);
	link->via = NULL;
	if (fd < 0)
		return;
	if (reset)
		sock_abort(fd);
	else
		close(fd);
}

static ssize_t read_tls(struct link *link, char *buf, size_t cap)
{
	ssize_t n = tls_conn_read(link->tls, buf, cap);

	/* At the end of the stream one more call has to bring it to light. */
	if (n == -EAGAIN ||
	    (n > 0 && !tls_conn_more(link->tls) && !(link->io.ready & (LOOP_EOF | LOOP_ERROR))))
		link->io.ready &= (uint8_t)~LOOP_READ;
	return n;
}

static ssize_t read_end(struct link *link)
{
	link->ended = true;
	link->io.ready &= (uint8_t) ~(LOOP_READ | LOOP_EOF);
	return 0;
}

ssize_t link_read(struct link *link, char *buf, size_t cap)
{
	ssize_t n;

	if (link->via)
		return link->via->read(link, buf, cap);
	n = link->tls ? read_tls(link, buf, cap) : sock_read(link->io.fd, buf, cap);
	if (n == 0)
		return read_end(link);
	if (link->tls)
		return n;
	if (n == -EAGAIN ||
	    (n > 0 && (size_t)n < cap && !(link->io.ready & (LOOP_EOF | LOOP_ERROR))))
		link->io.ready &= (uint8_t)~LOOP_READ;
	return n;
}

/* Count, 0 when the peer takes nothing now, or an error. */
static ssize_t send_some(struct link *link, const struct iovec *parts, int n)
{
	ssize_t sent;

	if (link->via)
		sent = link->via->write(link, parts, n);
	else if (link->tls)
		sent = tls_conn_write(link->tls, parts, n);
	else if (n == 1)
		sent = sock_write(link->io.fd, parts->iov_base, parts->iov_len);
	else
		sent = sock_writev(link->io.fd, parts, n);
	return sent == -EAGAIN ? 0 : sent;
}

int link_write(struct link *link, const char *bytes, size_t n)
{
	struct block_pool *pool = &link->worker->blocks;

	/* TLS may take one record at a time: go on until it says stop. */
	while (n && !held_len(&link->out)) {
		struct iovec part = {(char *)(uintptr_t)bytes, n};
		ssize_t sent = send_some(link, &part, 1);

		if (sent < 0)
			return (int)sent;
		bytes += sent;
		n -= (size_t)sent;
		if (n && (sent == 0 || !link->tls)) {
			link->io.ready &= (uint8_t)~LOOP_WRITE;
			break;
		}
	}
	return held_add(&link->out, pool, bytes, n);
}

int link_write2(struct link *link, struct str a, struct str b)
{
	struct iovec parts[2] = {{(char *)(uintptr_t)a.at, a.len},
				 {(char *)(uintptr_t)b.at, b.len}};
	size_t sent = 0;

	if (!held_len(&link->out)) {
		ssize_t got = send_some(link, parts, 2);

		if (got < 0)
			return (int)got;
		sent = (size_t)got;
		if (sent == 0)
			link->io.ready &= (uint8_t)~LOOP_WRITE;
	}
	if (sent == 0 && a.len + b.len) {
		int error = held_add(&link->out, &link->worker->blocks, a.at, a.len);

		return error ? error : held_add(&link->out, &link->worker->blocks, b.at, b.len);
	}
	if (sent < a.len) {
		int error = link_write(link, a.at + sent, a.len - sent);

		return error ? error : link_write(link, b.at, b.len);
	}
	return link_write(link, b.at + (sent - a.len), b.len - (sent - a.len));
}

int link_flush(struct link *link)
{
	while (held_len(&link->out)) {
		struct str rest = held_str(&link->out);
		struct iovec part = {(char *)(uintptr_t)rest.at, rest.len};
		ssize_t sent = send_some(link, &part, 1);

		if (sent < 0)
			return (int)sent;
		held_take(&link->out, &link->worker->blocks, (size_t)sent);
		if ((size_t)sent < rest.len && (sent == 0 || !link->tls)) {
			link->io.ready &= (uint8_t)~LOOP_WRITE;
			return -EAGAIN;
		}
	}
	return 0;
}
