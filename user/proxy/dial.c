// SPDX-License-Identifier: Apache-2.0
/* dial: see the header. */

#include "proxy/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "net/sock.h"
#include "proxy/worker.h"
#include "tls/tls_client.h"

enum dial_step {
	DIAL_CONNECT,
	DIAL_TLS,
};

struct dial {
	struct addr addrs[LIVE_ADDRS_MAX];
	uint32_t n_addrs, next;
	uint64_t deadline_ns; /* of connecting, all addresses together */
	uint8_t step;	      /* enum dial_step */
};

void dial_free(struct dial *dial)
{
	free(dial);
}

static void set_deadline(struct upstream *upstream, uint64_t at_ns)
{
	timer_set(&upstream->link.worker->loop.timers, &upstream->link.timer, at_ns);
}

/* The socket of the attempt before is gone, if there was one. */
static int connect_to(struct upstream *upstream, const struct addr *addr)
{
	struct link *link = &upstream->link;
	int fd, error = sock_connect(addr, upstream->server->port, &fd);

	if (error != -EINPROGRESS)
		return error ? error : -EIO;
	link->io.fd = fd;
	error = loop_add(&link->worker->loop, &link->io);
	if (error) {
		close(fd);
		link->io.fd = -1;
	}
	return error;
}

static void drop_socket(struct link *link)
{
	int fd = link->io.fd;

	loop_forget(&link->worker->loop, &link->io);
	if (fd >= 0)
		close(fd);
	list_init(&link->io.again);
	link->io.ready = 0;
}

/* The next address that a connection can be begun to; an error when none is left. */
static int connect_to_next(struct upstream *upstream)
{
	struct dial *dial = upstream->dial;
	int error = -ECONNREFUSED;

	while (dial->next < dial->n_addrs) {
		error = connect_to(upstream, &dial->addrs[dial->next++]);
		if (!error)
			return 0;
	}
	return error;
}

/* Whether there is anything to do but to connect. */
static bool is_plain(const struct server *server)
{
	return server->scheme == TRANSPORT_HTTP && !upstream_transport(server)->proxy_protocol &&
	       !server->dns_name.len;
}

int dial_begin(struct upstream *upstream, const struct server *server)
{
	const struct transport *transport = upstream_transport(server);
	struct worker *worker = upstream->link.worker;
	uint64_t deadline_ns = worker->loop.now_ns + transport->dial_ns;
	struct dial *dial;
	int error;

	if (is_plain(server)) {
		error = connect_to(upstream, &server->addr);
	} else {
		dial = calloc(1, sizeof(*dial));
		if (!dial)
			return -ENOMEM;
		upstream->dial = dial;
		dial->deadline_ns = deadline_ns;
		dial->addrs[0] = server->addr;
		dial->n_addrs = 1;
		error = connect_to_next(upstream);
	}
	if (!error)
		set_deadline(upstream, deadline_ns);
	return error;
}

/* -------------------------------------------------------------------- TLS ----- */

/* Go answers 500 for what is a fault of configuration, 502 for the rest (reference d.1, proxy
 * errors). */
static enum fail fail_of(enum tls_failure failure)
{
	switch (failure) {
	case TLS_FAILURE_SERVER_UNTRUSTED:
	case TLS_FAILURE_SERVER_NAME:
	case TLS_FAILURE_SERVER_EXPIRED:
	case TLS_FAILURE_SERVER_CERT:
	case TLS_FAILURE_NOT_TLS:
		return FAIL_UPSTREAM_CERT;
	default:
		return FAIL_UPSTREAM_TLS;
	}
}

/* outcome: an enum tls_failure, or WORKER_SERVER_TLS_RESUMED. */
static void count(struct worker *worker, unsigned int outcome)
{
	struct worker_counters *counters = &worker->counters;

	if (outcome == TLS_FAILURE_NONE || outcome == WORKER_SERVER_TLS_RESUMED)
		worker_count(&counters->upstream_tls_handshakes, 1);
	else
		worker_count(&counters->upstream_tls_failed, 1);
	if (outcome == WORKER_SERVER_TLS_RESUMED)
		worker_count(&counters->upstream_tls_resumed, 1);
	if (worker->metrics)
		metric_add(worker->metrics, worker->shared->server_tls_series[outcome],
			   METRIC_SERVER_HANDSHAKES, 1);
}

static void tls_failed(struct upstream *upstream)
{
	const struct tls_conn *tls = upstream->link.tls;
	enum tls_failure failure = tls ? tls_conn_failure(tls) : TLS_FAILURE_INTERNAL;
	const struct server *server = upstream->server;

	LOG(LOG_WARN, "TLS handshake with a server failed", LOG_S("server", server->url),
	    LOG_S("reason", tls_conn_failure_word(failure)),
	    LOG_S("alert", tls ? tls_conn_peer_alert(tls) : (struct str){0}),
	    LOG_S("transport", upstream_transport(server)->name));
	count(upstream->link.worker, failure);
	upstream_dial_failed(upstream, fail_of(failure));
}

static void tls_done(struct upstream *upstream)
{
	count(upstream->link.worker, tls_conn_facts(upstream->link.tls).resumed
					     ? WORKER_SERVER_TLS_RESUMED
					     : TLS_FAILURE_NONE);
	upstream_established(upstream);
}

static void tls_go_on(struct upstream *upstream)
{
	switch (tls_conn_handshake(upstream->link.tls)) {
	case TLS_DONE:
		tls_done(upstream);
		return;
	case TLS_FAILED:
		tls_failed(upstream);
		return;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		return;
	}
}

/* The host of "10.0.0.1:80", "[::1]:80", "name:80". */
static struct str host_of(const struct server *server)
{
	struct str host = server->dns_name.len ? server->dns_name : server->host;
	ptrdiff_t colon;

	if (server->dns_name.len)
		return host;
	if (host.len && host.at[0] == '[') {
		ptrdiff_t end = str_find(host, ']');

		return end > 0 ? str_take(str_from(host, 1), (size_t)end - 1) : host;
	}
	colon = str_find(host, ':');
	return colon < 0 ? host : str_take(host, (size_t)colon);
}

static void tls_begin(struct upstream *upstream)
{
	const struct server *server = upstream->server;
	const struct transport *transport = upstream_transport(server);
	struct worker *worker = upstream->link.worker;

	upstream->dial->step = DIAL_TLS;
	if (transport->tls)
		upstream->link.tls =
			tls_client_connect(transport->tls, upstream->link.io.fd, host_of(server),
					   false, upstream->pool->session);
	if (!upstream->link.tls) {
		tls_failed(upstream);
		return;
	}
	set_deadline(upstream, worker->loop.now_ns + transport->tls_handshake_ns);
	tls_go_on(upstream);
}

/* ------------------------------------------------------------ connected ------- */

/* A header fits into the buffer of a socket that was just connected. */
static bool send_proxy_header(struct upstream *upstream)
{
	uint8_t version = upstream_transport(upstream->server)->proxy_protocol;
	char text[PROXY_PROTOCOL_V1_MAX_BYTES];
	size_t n;

	upstream->client = malloc(sizeof(*upstream->client));
	if (!upstream->client)
		return false;
	*upstream->client = upstream->owner->client;
	n = proxy_protocol_write(upstream->client, version, text);
	return sock_write(upstream->link.io.fd, text, n) == (ssize_t)n;
}

static void connected(struct upstream *upstream)
{
	const struct server *server = upstream->server;

	if (upstream_transport(server)->proxy_protocol && !send_proxy_header(upstream))
		upstream_dial_failed(upstream, FAIL_DIAL_FAILED);
	else if (server->scheme == TRANSPORT_HTTPS)
		tls_begin(upstream);
	else
		upstream_established(upstream);
}

static void connect_failed(struct upstream *upstream)
{
	if (upstream->dial && upstream->dial->next < upstream->dial->n_addrs) {
		drop_socket(&upstream->link);
		if (connect_to_next(upstream) == 0)
			return;
	}
	upstream_dial_failed(upstream, FAIL_DIAL_FAILED);
}

void dial_on_ready(struct upstream *upstream)
{
	const struct loop_io *io = &upstream->link.io;

	if (upstream->dial && upstream->dial->step == DIAL_TLS) {
		tls_go_on(upstream);
		return;
	}
	if (io->ready & LOOP_ERROR || sock_error(io->fd) < 0)
		connect_failed(upstream);
	else if (io->ready & LOOP_WRITE)
		connected(upstream);
}

void dial_on_timeout(struct upstream *upstream)
{
	if (upstream->dial && upstream->dial->step == DIAL_TLS) {
		LOG(LOG_WARN, "TLS handshake with a server timed out",
		    LOG_S("server", upstream->server->url));
		count(upstream->link.worker, TLS_FAILURE_CLOSED);
	}
	upstream_dial_failed(upstream, FAIL_DIAL_TIMEOUT);
}
