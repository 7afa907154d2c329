// SPDX-License-Identifier: Apache-2.0
/* stream_dial: see the header. */

#include "proxy/stream_dial.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/proxy_protocol.h"
#include "net/sock.h"
#include "proxy/dial.h"
#include "proxy/sniff.h"
#include "proxy/worker.h"
#include "tls/tls_client.h"

enum {
	LOOK_MS = 2, /* how often a dial looks whether its name is known */
	DIAL_S = 30, /* reference d.6 */
	KEEP_ALIVE_S = 15,
	TLS_HANDSHAKE_S = 10,
	POSTGRES_S = 10,
	ADDRESS_TRY_MIN_S = 2,
};

enum step { STEP_RESOLVE, STEP_CONNECT, STEP_TLS, STEP_POSTGRES };

struct stream_dial {
	struct addr addrs[LIVE_ADDRS_MAX];
	uint32_t n_addrs, next;
	uint64_t deadline_ns; /* of connecting, all addresses together */
	uint8_t step;	      /* enum step */
};

/* Of services that have none (made by hand). */
static const struct stream_transport plain_transport = {
	.dial_ns = DIAL_S * NS_PER_SEC,
	.keep_alive_ns = KEEP_ALIVE_S * NS_PER_SEC,
};

static const struct stream_transport *transport_of(const struct stream_session *session)
{
	const struct stream_transport *transport = session->pick.service->transport;

	return transport ? transport : &plain_transport;
}

static void set_deadline(struct stream_session *session, uint64_t at_ns)
{
	timer_set(&session->server.worker->loop.timers, &session->server.timer, at_ns);
}

static enum stream_dial_result failed(struct stream_session *session)
{
	struct worker *worker = session->server.worker;

	free(session->dial);
	session->dial = NULL;
	link_close(&session->server, false);
	worker_count(&worker->counters.upstream_dial_failed, 1);
	if (session->pick.server->live)
		live_server_dial_failed(session->pick.server->live, worker->loop.now_ns);
	return STREAM_DIAL_FAILED;
}

static enum stream_dial_result done(struct stream_session *session)
{
	free(session->dial);
	session->dial = NULL;
	timer_cancel(&session->server.worker->loop.timers, &session->server.timer);
	if (session->pick.server->live)
		live_server_dialled(session->pick.server->live);
	return STREAM_DIAL_DONE;
}

/* ------------------------------------------------------------- addresses ----- */

static int keep_alive_s(const struct stream_transport *transport)
{
	if (transport->keep_alive_ns < 0)
		return 0;
	if (transport->keep_alive_ns < (int64_t)NS_PER_SEC)
		return 1;
	return (int)(transport->keep_alive_ns / (int64_t)NS_PER_SEC);
}

static int connect_to(struct stream_session *session, const struct addr *addr)
{
	struct link *link = &session->server;
	int error = sock_connect_keeping(addr, session->pick.server->port,
					 keep_alive_s(transport_of(session)), &link->io.fd);

	if (error != -EINPROGRESS) {
		link->io.fd = -1;
		return error ? error : -EIO;
	}
	worker_count(&link->worker->counters.upstream_dialled, 1);
	return loop_add(&link->worker->loop, &link->io);
}

/* The socket of the address before is gone, if there was one; the link stays what it is. */
static void drop_socket(struct stream_session *session)
{
	void (*on_ready)(struct loop_io *) = session->server.io.on_ready;
	void (*on_fire)(struct timer *) = session->server.timer.on_fire;
	struct worker *worker = session->server.worker;

	link_close(&session->server, false);
	link_init(&session->server, worker, -1);
	session->server.io.on_ready = on_ready;
	session->server.timer.on_fire = on_fire;
}

/* One of several addresses gets its share of what is left, but no less than a moment. */
static uint64_t share_of(const struct stream_dial *dial, uint64_t now_ns)
{
	uint64_t left = dial->deadline_ns > now_ns ? dial->deadline_ns - now_ns : 0;
	uint64_t share = left / (dial->n_addrs - dial->next + 1);

	if (share < ADDRESS_TRY_MIN_S * NS_PER_SEC)
		share = ADDRESS_TRY_MIN_S * NS_PER_SEC;
	return now_ns + (share < left ? share : left);
}

static enum stream_dial_result connect_next(struct stream_session *session)
{
	struct stream_dial *dial = session->dial;

	dial->step = STEP_CONNECT;
	while (dial->next < dial->n_addrs) {
		if (session->server.io.fd >= 0)
			drop_socket(session);
		if (connect_to(session, &dial->addrs[dial->next++]) < 0)
			continue;
		set_deadline(session, share_of(dial, session->server.worker->loop.now_ns));
		return STREAM_DIAL_WAIT;
	}
	return failed(session);
}

void stream_dial_refresh(struct worker *worker, const struct stream_server *server,
			 struct snapshot_use *use)
{
	/* As much of an HTTP server as asking for its name takes. */
	const struct server asked = {.port = server->port,
				     .live = server->live,
				     .dns_name = server->dns_name,
				     .is_named = server->dns_name.len > 0};
	const struct upstream_owner owner = {.use = use};

	dial_refresh(worker, &asked, &owner);
}

/* Known addresses are used at once, old ones too, while new ones are asked for. */
static enum stream_dial_result resolve(struct stream_session *session)
{
	const struct stream_server *server = session->pick.server;
	struct worker *worker = session->server.worker;
	struct live_addrs *addrs = server->live ? server->live->addrs : NULL;
	struct stream_dial *dial = session->dial;
	uint64_t now_ns = worker->loop.now_ns;
	bool is_fresh;

	if (!addrs)
		return failed(session);
	is_fresh = now_ns < atomic_load_explicit(&addrs->until_ns, memory_order_acquire);
	dial->n_addrs = live_addrs_read(addrs, dial->addrs);
	stream_dial_refresh(worker, server, session->conn->use);
	if (dial->n_addrs)
		return connect_next(session);
	if (is_fresh || now_ns >= dial->deadline_ns)
		return failed(session);
	dial->step = STEP_RESOLVE;
	set_deadline(session, now_ns + LOOK_MS * NS_PER_MS);
	return STREAM_DIAL_WAIT;
}

enum stream_dial_result stream_dial_begin(struct stream_session *session)
{
	const struct stream_server *server = session->pick.server;
	struct stream_dial *dial = calloc(1, sizeof(*dial));

	session->dial = dial;
	if (!dial)
		return failed(session);
	dial->deadline_ns =
		session->server.worker->loop.now_ns +
		(transport_of(session)->dial_ns ? transport_of(session)->dial_ns
						: (uint64_t)ENTRY_WAIT_MAX_S * NS_PER_SEC);
	if (server->dns_name.len)
		return resolve(session);
	dial->addrs[0] = server->addr;
	dial->n_addrs = 1;
	return connect_next(session);
}

/* ------------------------------------------------------------- connected ----- */

/* outcome: an enum tls_failure, or WORKER_TLS_RESUMED. */
static void count_tls(struct worker *worker, unsigned int outcome)
{
	worker_count(outcome == TLS_FAILURE_NONE || outcome == WORKER_TLS_RESUMED
			     ? &worker->counters.upstream_tls_handshakes
			     : &worker->counters.upstream_tls_failed,
		     1);
	if (worker->metrics)
		metric_add(worker->metrics, worker->shared->server_tls_series[outcome],
			   METRIC_SERVER_HANDSHAKES, 1);
}

static enum stream_dial_result tls_failed(struct stream_session *session, enum tls_failure failure)
{
	const struct tls_conn *tls = session->server.tls;

	LOG(LOG_WARN, "TLS handshake with a server failed",
	    LOG_S("server", session->pick.server->address),
	    LOG_S("service", session->pick.service->name),
	    LOG_S("reason", tls_conn_failure_word(failure)),
	    LOG_S("alert", tls ? tls_conn_peer_alert(tls) : (struct str){0}));
	count_tls(session->server.worker, failure);
	return failed(session);
}

static enum stream_dial_result tls_go_on(struct stream_session *session)
{
	struct tls_conn *tls = session->server.tls;

	switch (tls_conn_handshake(tls)) {
	case TLS_DONE:
		count_tls(session->server.worker, TLS_FAILURE_NONE);
		return done(session);
	case TLS_FAILED:
		return tls_failed(session, tls_conn_failure(tls));
	default:
		return STREAM_DIAL_WAIT;
	}
}

/* "10.0.0.1", or the name: what the certificate is for unless the transport says. */
static enum stream_dial_result tls_begin(struct stream_session *session)
{
	const struct stream_server *server = session->pick.server;
	char text[ADDR_TEXT_MAX];
	struct str host = server->dns_name.len ? server->dns_name
					       : str_n(text, addr_print(&server->addr, text));

	session->dial->step = STEP_TLS;
	session->server.tls =
		tls_client_connect_raw(transport_of(session)->tls, session->server.io.fd, host);
	if (!session->server.tls)
		return tls_failed(session, TLS_FAILURE_INTERNAL);
	set_deadline(session, session->server.worker->loop.now_ns + TLS_HANDSHAKE_S * NS_PER_SEC);
	return tls_go_on(session);
}

/* A header, or a request of eight bytes, fits into the buffer of a socket just connected. */
static bool send_whole(struct stream_session *session, const char *bytes, size_t n)
{
	return sock_write(session->server.io.fd, bytes, n) == (ssize_t)n;
}

static bool send_proxy_header(struct stream_session *session, uint8_t version)
{
	const struct conn *conn = session->conn;
	const struct proxy_header header = {
		.has_addrs = true,
		.source = conn->peer,
		.destination = conn->local,
		.source_port = conn->peer_port,
		.destination_port = conn->local_port,
	};
	char text[PROXY_PROTOCOL_V1_MAX_BYTES];

	return send_whole(session, text, proxy_protocol_write(&header, version, text));
}

/* The server's yes stays between us: the client has heard one already (reference b.5 2). */
static enum stream_dial_result postgres_go_on(struct stream_session *session)
{
	char answer;
	ssize_t n = sock_read(session->server.io.fd, &answer, 1);

	if (n == -EAGAIN)
		return STREAM_DIAL_WAIT;
	return n == 1 && answer == 'S' ? done(session) : failed(session);
}

static enum stream_dial_result postgres_begin(struct stream_session *session)
{
	if (!send_whole(session, sniff_postgres, sizeof(sniff_postgres)))
		return failed(session);
	session->dial->step = STEP_POSTGRES;
	set_deadline(session, session->server.worker->loop.now_ns + POSTGRES_S * NS_PER_SEC);
	return STREAM_DIAL_WAIT;
}

static enum stream_dial_result connected(struct stream_session *session)
{
	const struct stream_transport *transport = transport_of(session);

	if (transport->proxy_protocol && !send_proxy_header(session, transport->proxy_protocol))
		return failed(session);
	if (transport->tls)
		return tls_begin(session);
	if (session->conn->is_postgres && session->route->passthrough)
		return postgres_begin(session);
	return done(session);
}

enum stream_dial_result stream_dial_on_ready(struct stream_session *session)
{
	const struct loop_io *io = &session->server.io;

	switch (session->dial->step) {
	case STEP_TLS:
		return tls_go_on(session);
	case STEP_POSTGRES:
		return postgres_go_on(session);
	default:
		break;
	}
	if (io->ready & LOOP_ERROR || sock_error(io->fd) < 0)
		return connect_next(session);
	return io->ready & LOOP_WRITE ? connected(session) : STREAM_DIAL_WAIT;
}

enum stream_dial_result stream_dial_on_timeout(struct stream_session *session)
{
	switch (session->dial->step) {
	case STEP_RESOLVE:
		return resolve(session);
	case STEP_CONNECT:
		return connect_next(session);
	case STEP_TLS:
		return tls_failed(session, TLS_FAILURE_CLOSED);
	default:
		return failed(session);
	}
}
