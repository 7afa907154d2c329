// SPDX-License-Identifier: Apache-2.0
/* acceptor: a bounded number at a time, so that a crowd at the door does not hold up those inside.
 */

#include "proxy/acceptor.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/sock.h"
#include "proxy/conn.h"
#include "proxy/worker.h"

enum { ACCEPTS_PER_TURN = 64, PAUSE_MS = 100 };

static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

static void accept_some(struct acceptor *acceptor, unsigned int max)
{
	struct worker *worker = acceptor->worker;

	for (unsigned int i = 0; i < max; i++) {
		struct addr peer;
		uint16_t port;
		int fd, error = sock_accept(acceptor->io.fd, &peer, &port, &fd);

		if (error == -EAGAIN)
			return;
		if (is_shortage(error)) {
			timer_set(&worker->loop.timers, &acceptor->pause,
				  worker->loop.now_ns + PAUSE_MS * NS_PER_MS);
			return;
		}
		/* Others (ECONNABORTED) concern one connection that is gone. */
		if (!error)
			conn_accept(worker, acceptor->entry, fd, &peer, port);
	}
	loop_again(&worker->loop, &acceptor->io);
}

static void on_ready(struct loop_io *io)
{
	accept_some((struct acceptor *)io, ACCEPTS_PER_TURN);
}

static void on_pause_over(struct timer *timer)
{
	struct acceptor *acceptor = LIST_OF(timer, struct acceptor, pause);

	loop_again(&acceptor->worker->loop, &acceptor->io);
}

int acceptor_open(struct acceptor *acceptor, struct worker *worker, const struct entry *entry,
		  int fd)
{
	*acceptor = (struct acceptor){
		.io = {.fd = fd, .on_ready = on_ready}, .worker = worker, .entry = entry};
	timer_init(&acceptor->pause, on_pause_over);
	return loop_add(&worker->loop, &acceptor->io);
}

void acceptor_close(struct acceptor *acceptor, bool take_waiting)
{
	int fd = acceptor->io.fd;

	if (fd < 0)
		return;
	if (take_waiting)
		accept_some(acceptor, UINT32_MAX);
	timer_cancel(&acceptor->worker->loop.timers, &acceptor->pause);
	/* Another process may have it by now, which takes new connections instead. */
	loop_remove(&acceptor->worker->loop, &acceptor->io);
	close(fd);
}
