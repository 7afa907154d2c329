// SPDX-License-Identifier: Apache-2.0
/* stream_session: see the header. */

#include "proxy/stream_session.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "mw/in_flight.h"
#include "net/sock.h"
#include "plan/tcp_router.h"
#include "proxy/stream_dial.h"
#include "proxy/stream_record.h"
#include "proxy/tls_facts.h"
#include "proxy/worker.h"

enum {
	LAST_FLUSH_S = 60, /* after terminationDelay, for what was read already */
	DROP_MAX_BYTES = 64 << 10,
};

static void move(struct stream_session *session);
static void try_next(struct stream_session *session);

/* ----------------------------------------------------------------- the end ---- */

static void free_later(struct loop_task *task)
{
	struct stream_session *session = LIST_OF(task, struct stream_session, freeing);

	slab_give(&session->server.worker->streams, session);
}

static void leave_guards(struct stream_session *session)
{
	const struct tcp_route *route = session->route;
	uint8_t at = 0;

	for (uint32_t i = 0; i < route->n_guards && at < session->n_slots; i++)
		if (route->guards[i].kind == STREAM_GUARD_IN_FLIGHT)
			in_flight_leave(route->guards[i].in_flight, session->slots[at++]);
}

void stream_session_drop(struct stream_session *session, bool reset)
{
	struct worker *worker = session->server.worker;

	stream_record_end(session);
	leave_guards(session);
	stream_relay_done(&session->up, &worker->pipes);
	stream_relay_done(&session->down, &worker->pipes);
	free(session->dial);
	free(session->sni);
	link_close(&session->server, reset);
	session->conn->session = NULL;
	session->freeing.run = free_later;
	loop_defer(&worker->loop, &session->freeing);
}

/* Both sides have ended, or none is of use any more. */
static void end(struct stream_session *session)
{
	conn_close(session->conn, false);
}

static bool is_sent(const struct link *link)
{
	int waiting = 0;

	return !link_backlog(link) && (ioctl(link->io.fd, SIOCOUTQ, &waiting) < 0 || waiting == 0);
}

/*
 * One side is gone. The other hears of it by a reset, unless bytes are still on their way to it,
 * which a reset would destroy.
 */
static void lost(struct stream_session *session, struct link *survivor)
{
	struct conn *conn = session->conn;
	bool reset = is_sent(survivor);

	if (survivor == &session->server) {
		stream_session_drop(session, reset);
		conn_close(conn, true);
		return;
	}
	stream_session_drop(session, true);
	if (reset)
		conn_close(conn, true);
	else
		conn_linger(conn);
}

/* ---------------------------------------------------------------- relaying ---- */

static void begin_half(struct stream_session *session)
{
	const struct stream_transport *transport = session->pick.service->transport;
	struct worker *worker = session->server.worker;
	int64_t delay_ns = transport ? transport->termination_delay_ns : 0;

	session->half_closed = true;
	if (delay_ns >= 0)
		timer_set(&worker->loop.timers, &session->server.timer,
			  worker->loop.now_ns + (uint64_t)delay_ns);
}

/* False when the session is over. A sink that is lost may still have said something. */
static bool move_lane(struct stream_session *session, struct stream_lane *lane, struct link *from,
		      struct link *to)
{
	switch (stream_relay_move(lane, from, to)) {
	case STREAM_RELAY_OK:
		return true;
	case STREAM_RELAY_SOURCE_LOST:
		lost(session, to);
		return false;
	case STREAM_RELAY_SINK_LOST:
		break;
	}
	stream_relay_done(lane, &from->worker->pipes);
	lane->ended = lane->shut = true;
	to->io.ready |= LOOP_READ;
	return true;
}

static void move(struct stream_session *session)
{
	struct link *client = &session->conn->link, *server = &session->server;

	if (!move_lane(session, &session->up, client, server) ||
	    !move_lane(session, &session->down, server, client))
		return;
	/* The other way round: what the client still says when the server's side broke. */
	if (session->down.shut && !session->up.shut &&
	    !move_lane(session, &session->up, client, server))
		return;
	stream_record_bytes(session);
	if (session->up.shut && session->down.shut)
		end(session);
	else if ((session->up.shut || session->down.shut) && !session->half_closed)
		begin_half(session);
}

static void on_server_ready(struct loop_io *io);

static void on_result(struct stream_session *session, enum stream_dial_result result)
{
	switch (result) {
	case STREAM_DIAL_WAIT:
		return;
	case STREAM_DIAL_FAILED:
		try_next(session);
		return;
	case STREAM_DIAL_DONE:
		break;
	}
	session->state = STREAM_SESSION_RELAY;
	session->connected_ns = session->server.worker->loop.now_ns;
	stream_record_begin(session);
	/* No time-out from here on: keep-alive probes find peers that are gone. */
	timer_cancel(&session->server.worker->loop.timers, &session->conn->link.timer);
	move(session);
}

static void on_server_ready(struct loop_io *io)
{
	struct stream_session *session = (struct stream_session *)io;

	if (session->state == STREAM_SESSION_DIAL)
		on_result(session, stream_dial_on_ready(session));
	else
		move(session);
}

static void on_server_timer(struct timer *timer)
{
	struct stream_session *session = LIST_OF(timer, struct stream_session, server.timer);
	struct worker *worker = session->server.worker;

	if (session->state == STREAM_SESSION_DIAL) {
		on_result(session, stream_dial_on_timeout(session));
		return;
	}
	if (session->up.ended && session->down.ended) {
		end(session);
		return;
	}
	/* terminationDelay is over: nothing more is read, what was read goes out. */
	session->up.ended = session->down.ended = true;
	timer_set(&worker->loop.timers, timer,
		  worker->loop.now_ns + (uint64_t)LAST_FLUSH_S * NS_PER_SEC);
	move(session);
}

/* ------------------------------------------------------------- the beginning -- */

static void try_next(struct stream_session *session)
{
	struct worker *worker = session->server.worker;
	enum stream_dial_result result = STREAM_DIAL_FAILED;

	session->state = STREAM_SESSION_DIAL;
	while (result == STREAM_DIAL_FAILED &&
	       stream_pick_next(&session->pick, session->route->service, worker->loop.now_ns)) {
		link_init(&session->server, worker, -1);
		session->server.io.on_ready = on_server_ready;
		session->server.timer.on_fire = on_server_timer;
		if (session->pick.n_tried > 1)
			stream_record_retry(session);
		result = stream_dial_begin(session);
	}
	if (result != STREAM_DIAL_FAILED) {
		on_result(session, result);
		return;
	}
	LOG(LOG_DEBUG, "no server takes the connection", LOG_S("router", session->route->name));
	end(session);
}

static void handshake(struct stream_session *session)
{
	struct conn *conn = session->conn;

	switch (tls_conn_handshake(conn->link.tls)) {
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		if (conn->link.io.ready & LOOP_ERROR)
			end(session);
		return;
	case TLS_FAILED:
		tls_facts_failed(conn);
		end(session);
		return;
	case TLS_DONE:
		tls_facts_take(conn, &conn->use->snapshot->entry_points[conn->entry->index]);
		try_next(session);
		return;
	}
}

/* Before any server is asked, and before the handshake (reference c.15). */
static bool pass_guards(struct stream_session *session)
{
	const struct tcp_route *route = session->route;
	const struct addr *peer = &session->conn->peer;
	uint64_t source = hash_keyed(str_n((const char *)peer, sizeof(*peer)));

	for (uint32_t i = 0; i < route->n_guards; i++) {
		const struct stream_guard *guard = &route->guards[i];

		if (guard->kind == STREAM_GUARD_ALLOW) {
			if (!cidr_set_contains(guard->allow, peer))
				return false;
			continue;
		}
		if (session->n_slots == STREAM_SESSION_GUARDS_MAX ||
		    !in_flight_enter(guard->in_flight, source, (uint64_t)guard->amount,
				     &session->slots[session->n_slots]))
			return false;
		session->n_slots++;
	}
	return true;
}

static bool begin_handshake(struct stream_session *session)
{
	struct conn *conn = session->conn;
	const struct entry_point *point = &conn->use->snapshot->entry_points[conn->entry->index];

	conn->link.tls = point->tls_table
				 ? tls_conn_new(point->tls_table, conn->link.io.fd, &conn->local)
				 : NULL;
	if (!conn->link.tls)
		return false;
	tls_conn_is_raw(conn->link.tls, session->route->tls_policy);
	conn_set_deadline(conn, conn->link.worker->loop.now_ns + conn->entry->handshake_ns);
	return true;
}

static struct stream_session *session_new(struct conn *conn, const struct tcp_route *route)
{
	struct worker *worker = conn->link.worker;
	struct stream_session *session = slab_take(&worker->streams);

	if (!session)
		return NULL;
	*session = (struct stream_session){
		.conn = conn,
		.route = route,
		.begin_ns = worker->loop.now_ns,
		.begin_wall_ns = worker->loop.wall_ns,
	};
	link_init(&session->server, worker, -1);
	conn->session = session;
	conn->state = CONN_STREAM;
	worker_count(&worker->counters.streams_active, 1);
	return session;
}

void stream_session_begin(struct conn *conn, const struct tcp_route *route, struct str sni)
{
	struct worker *worker = conn->link.worker;
	struct stream_session *session = session_new(conn, route);

	if (!session) {
		conn_close(conn, false);
		return;
	}
	if (worker->shared->rings && sni.len && (session->sni = malloc(sni.len + 1)))
		snprintf(session->sni, sni.len + 1, STR_FMT, STR_ARG(sni));
	if (!pass_guards(session) || !route->service) {
		conn_refuse(conn);
		return;
	}
	if (!route->is_tls || route->passthrough) {
		try_next(session);
		return;
	}
	session->state = STREAM_SESSION_HANDSHAKE;
	if (begin_handshake(session))
		handshake(session);
	else
		end(session);
}

void stream_session_on_client(struct stream_session *session)
{
	switch (session->state) {
	case STREAM_SESSION_HANDSHAKE:
		handshake(session);
		return;
	case STREAM_SESSION_DIAL:
		/* Whoever is gone needs no server. */
		if (session->conn->link.io.ready & LOOP_ERROR)
			end(session);
		return;
	default:
		move(session);
		return;
	}
}

void stream_session_on_client_timeout(struct stream_session *session)
{
	end(session);
}
