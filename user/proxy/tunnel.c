// SPDX-License-Identifier: Apache-2.0
/* tunnel: two streams of bodies that end with their connections. */

#include "proxy/tunnel.h"

#include "base/clock.h"
#include "net/sock.h"
#include "proxy/conn.h"
#include "proxy/worker.h"

enum { HALF_CLOSED_S = 60 };

static void shut(struct link *link)
{
	if (link->tls)
		(void)tls_conn_shutdown(link->tls);
	(void)sock_shut_write(link->io.fd);
}

/* One direction; false when the tunnel is broken. Sets *shut once the end was passed on. */
static bool move(struct stream *stream, struct link *from, struct link *to, bool *is_shut)
{
	if (*is_shut)
		return true;
	switch (stream_pump(stream, from, to)) {
	case STREAM_DONE:
		if (link_backlog(to) == 0 && !stream->pipe) {
			shut(to);
			*is_shut = true;
		}
		return true;
	case STREAM_TURN:
		loop_again(&from->worker->loop, &from->io);
		return true;
	case STREAM_READ:
	case STREAM_WRITE:
		return true;
	default:
		return false;
	}
}

void tunnel_begin(struct exchange *exchange, struct str rest)
{
	struct worker *worker = exchange->worker;
	struct link *client = &exchange->conn->link;

	exchange->state = EXCHANGE_TUNNEL;
	worker_count(&worker->counters.tunnels_active, 1);
	if (rest.len && link_write(client, rest.at, rest.len) < 0) {
		exchange_end(exchange, EXCHANGE_RESET);
		return;
	}
	stream_done(&exchange->up, &worker->pipes);
	stream_done(&exchange->down, &worker->pipes);
	stream_init(&exchange->up, BODY_UNTIL_CLOSE, -1, BODY_UNTIL_CLOSE, NULL);
	stream_init(&exchange->down, BODY_UNTIL_CLOSE, -1, BODY_UNTIL_CLOSE, NULL);
	exchange->down.sent_bytes = rest.len;
	/* What the client sent ahead of the 101 waits in client->in, and goes first. */
	tunnel_move(exchange);
}

void tunnel_move(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;
	struct link *client = &exchange->conn->link, *server = &exchange->upstream->link;
	uint64_t wait_s = ENTRY_WAIT_MAX_S;

	if (!move(&exchange->up, client, server, &exchange->up_shut) ||
	    !move(&exchange->down, server, client, &exchange->down_shut)) {
		exchange_end(exchange, EXCHANGE_RESET);
		return;
	}
	if (exchange->up_shut && exchange->down_shut) {
		exchange_end(exchange, EXCHANGE_CLOSE);
		return;
	}
	if (exchange->up_shut || exchange->down_shut)
		wait_s = HALF_CLOSED_S;
	/* Silence is allowed for long, but not for ever. */
	exchange->deadline_ns = worker->loop.now_ns + wait_s * NS_PER_SEC;
	conn_set_deadline(exchange->conn, exchange->deadline_ns);
	timer_set(&worker->loop.timers, &server->timer, exchange->deadline_ns + NS_PER_SEC);
}
