// SPDX-License-Identifier: Apache-2.0
/* dial: see the header. */

#include "proxy/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/resolver.h"
#include "net/sock.h"
#include "plan/backend_rule.h"
#include "proxy/h2_upstream.h"
#include "proxy/worker.h"
#include "tls/tls_client.h"

enum {
	LOOK_MS = 2,		 /* how often a dial looks whether its name is known */
	RESOLVE_PATIENCE_S = 15, /* then somebody else may ask */
	ADDRESS_TRY_MIN_S = 2,	 /* of several addresses, each gets its share of the time */
};

enum dial_step {
	DIAL_WAIT, /* for a connection that somebody else makes, and that can be shared */
	DIAL_RESOLVE,
	DIAL_CONNECT,
	DIAL_TLS,
};

struct dial {
	struct addr addrs[LIVE_ADDRS_MAX];
	uint32_t n_addrs, next;
	uint64_t deadline_ns;	 /* of connecting, all addresses together */
	uint8_t step;		 /* enum dial_step */
	struct server_pool *led; /* others wait for this one; NULL: nobody does */
};

void dial_free(struct dial *dial)
{
	if (dial && dial->led)
		dial->led->n_leaders--;
	free(dial);
}

/* A question that is on its way; it outlives the dial that asked it. */
struct resolving {
	struct resolve resolve; /* first */
	struct worker *worker;
	struct snapshot_use *use; /* keeps the addresses' place */
	struct live_addrs *addrs;
	uint16_t port;
};

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

/* One of several addresses gets its share of what is left, but no less than a moment. */
static uint64_t address_deadline(const struct dial *dial, uint64_t now_ns)
{
	uint64_t left = dial->deadline_ns > now_ns ? dial->deadline_ns - now_ns : 0;
	uint64_t share = left / (dial->n_addrs - dial->next + 1);

	if (share < ADDRESS_TRY_MIN_S * NS_PER_SEC)
		share = ADDRESS_TRY_MIN_S * NS_PER_SEC;
	return now_ns + (share < left ? share : left);
}

/* The next address that a connection can be begun to; an error when none is left. */
static int connect_to_next(struct upstream *upstream)
{
	struct dial *dial = upstream->dial;
	int error = -ECONNREFUSED;

	dial->step = DIAL_CONNECT;
	while (dial->next < dial->n_addrs) {
		error = connect_to(upstream, &dial->addrs[dial->next++]);
		if (error)
			continue;
		set_deadline(upstream, address_deadline(dial, upstream->link.worker->loop.now_ns));
		return 0;
	}
	return error;
}

/* ------------------------------------------------------------------ names ----- */

static void on_resolved(struct mail *mail)
{
	struct resolving *resolving = LIST_OF(mail, struct resolving, resolve.done);
	struct resolve *resolve = &resolving->resolve;
	struct worker *worker = resolving->worker;
	struct addr good[RESOLVER_ADDRS_MAX];
	uint32_t n = 0;

	/* A name must not lead where an address may not (reference/security.md A2.7). */
	for (uint32_t i = 0; i < resolve->n_addrs; i++)
		if (!backend_rule_refuses(worker->shared->config, &resolve->addrs[i],
					  resolving->port))
			good[n++] = resolve->addrs[i];
	if (!n)
		LOG(LOG_WARN, "server's name has no address, the last known ones stay",
		    LOG_C("name", resolve->name),
		    LOG_C("error", resolve->error     ? log_strerror(resolve->error)
				   : resolve->n_addrs ? "its addresses are refused for backends"
						      : "none"));
	if (!n && !resolve->error)
		resolve->error = -EACCES;
	live_addrs_write(resolving->addrs, good, n,
			 worker->loop.now_ns + resolver_keep_ns(resolve));
	if (snapshot_use_put(resolving->use))
		worker_count(&worker->counters.snapshots_held, -1);
	free(resolving);
}

static void ask(struct worker *worker, const struct server *server,
		const struct upstream_owner *owner)
{
	struct snapshot_use *use = owner->use ? owner->use : worker->use;
	struct resolving *resolving = calloc(1, sizeof(*resolving));

	if (!resolving || !worker->shared->resolver || server->dns_name.len > RESOLVER_NAME_MAX) {
		free(resolving);
		live_addrs_write(server->live->addrs, NULL, 0,
				 worker->loop.now_ns + RESOLVER_KEEP_FAILED_S * NS_PER_SEC);
		return;
	}
	resolving->worker = worker;
	resolving->use = snapshot_use_get(use);
	resolving->addrs = server->live->addrs;
	resolving->port = server->port;
	resolving->resolve.home = &worker->mailbox;
	resolving->resolve.done.run = on_resolved;
	memcpy(resolving->resolve.name, server->dns_name.at, server->dns_name.len);
	resolver_ask(worker->shared->resolver, &resolving->resolve);
}

void dial_refresh(struct worker *worker, const struct server *server,
		  const struct upstream_owner *owner)
{
	struct live_addrs *addrs = server->live ? server->live->addrs : NULL;
	uint64_t now_ns = worker->loop.now_ns;

	if (addrs && now_ns >= atomic_load_explicit(&addrs->until_ns, memory_order_acquire) &&
	    live_addrs_claim(addrs, now_ns, RESOLVE_PATIENCE_S * NS_PER_SEC))
		ask(worker, server, owner);
}

/*
 * Known addresses are used at once, old ones too, while new ones are asked for. 0: connecting, or
 * waiting for the first answer.
 */
static int resolve(struct upstream *upstream)
{
	struct live_addrs *addrs = upstream->server->live->addrs;
	uint64_t now_ns = upstream->link.worker->loop.now_ns;
	struct dial *dial = upstream->dial;
	bool is_fresh = now_ns < atomic_load_explicit(&addrs->until_ns, memory_order_acquire);

	dial->n_addrs = live_addrs_read(addrs, dial->addrs);
	dial_refresh(upstream->link.worker, upstream->server, upstream->owner);
	if (dial->n_addrs)
		return connect_to_next(upstream);
	if (is_fresh)
		return -EHOSTUNREACH;
	if (now_ns >= dial->deadline_ns)
		return -ETIMEDOUT;
	dial->step = DIAL_RESOLVE;
	set_deadline(upstream, now_ns + LOOK_MS * NS_PER_MS);
	return 0;
}

/* Whether there is anything to do but to connect. */
static bool is_plain(const struct server *server)
{
	return server->scheme == TRANSPORT_HTTP && !upstream_transport(server)->proxy_protocol &&
	       !server->is_named;
}

/* Nobody else is making the connection: this one does. */
static int begin(struct upstream *upstream)
{
	const struct server *server = upstream->server;
	struct dial *dial = upstream->dial;

	if (server->scheme != TRANSPORT_HTTP && !upstream->owner->wants_upgrade) {
		dial->led = upstream->pool;
		dial->led->n_leaders++;
	}
	if (server->is_named)
		return server->live && server->live->addrs ? resolve(upstream) : -EHOSTUNREACH;
	dial->addrs[0] = server->addr;
	dial->n_addrs = 1;
	return connect_to_next(upstream);
}

/*
 * Many requests that come at once to a server of HTTP/2 need one connection, not one each: all but
 * the first wait for it.
 */
static int wait_or_begin(struct upstream *upstream)
{
	struct server_pool *pool = upstream->pool;
	uint64_t now_ns = upstream->link.worker->loop.now_ns;
	bool may_share = upstream->server->scheme == TRANSPORT_H2C || pool->speaks_h2;
	struct h2_upstream *h2;

	if (upstream->owner->wants_upgrade || !may_share)
		return begin(upstream);
	h2 = upstream->dial->step == DIAL_WAIT ? h2_upstream_find(pool, upstream->owner) : NULL;
	if (h2 && upstream_join(upstream, h2)) {
		upstream_established(upstream);
		return 0;
	}
	if (!pool->n_leaders)
		return begin(upstream);
	if (now_ns >= upstream->dial->deadline_ns)
		return -ETIMEDOUT;
	upstream->dial->step = DIAL_WAIT;
	set_deadline(upstream, now_ns + LOOK_MS * NS_PER_MS);
	return 0;
}

int dial_begin(struct upstream *upstream, const struct server *server)
{
	const struct transport *transport = upstream_transport(server);
	struct worker *worker = upstream->link.worker;
	uint64_t deadline_ns = worker->loop.now_ns + transport->dial_ns;
	int error;

	if (is_plain(server)) {
		error = connect_to(upstream, &server->addr);
		if (!error)
			set_deadline(upstream, deadline_ns);
		return error;
	}
	upstream->dial = calloc(1, sizeof(*upstream->dial));
	if (!upstream->dial)
		return -ENOMEM;
	upstream->dial->deadline_ns = deadline_ns;
	upstream->dial->step = DIAL_RESOLVE;
	return wait_or_begin(upstream);
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

/* outcome: an enum tls_failure, or WORKER_TLS_RESUMED. */
static void count(struct worker *worker, unsigned int outcome)
{
	struct worker_counters *counters = &worker->counters;

	if (outcome == TLS_FAILURE_NONE || outcome == WORKER_TLS_RESUMED)
		worker_count(&counters->upstream_tls_handshakes, 1);
	else
		worker_count(&counters->upstream_tls_failed, 1);
	if (outcome == WORKER_TLS_RESUMED)
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

/* HTTP/2 was agreed: the connection is one that others share. */
static void share(struct upstream *upstream)
{
	upstream->pool->speaks_h2 = true;
	if (h2_upstream_begin(upstream, upstream->server))
		upstream_established(upstream);
	else
		upstream_dial_failed(upstream, FAIL_DIAL_FAILED);
}

static void tls_done(struct upstream *upstream)
{
	struct tls_facts facts = tls_conn_facts(upstream->link.tls);

	count(upstream->link.worker, facts.resumed ? WORKER_TLS_RESUMED : TLS_FAILURE_NONE);
	if (str_eq(facts.alpn, STR("h2"))) {
		share(upstream);
		return;
	}
	if (!upstream->owner->wants_upgrade)
		upstream->pool->speaks_h2 = false;
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
	struct str host = server->is_named ? server->dns_name : server_host(server);
	ptrdiff_t colon;

	if (server->is_named)
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
		upstream->link.tls = tls_client_connect(
			transport->tls, upstream->link.io.fd, host_of(server),
			!upstream->owner->wants_upgrade, upstream->pool->session);
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
	else if (server->scheme == TRANSPORT_H2C && !upstream->owner->wants_upgrade)
		share(upstream);
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
	struct dial *dial = upstream->dial;

	if (dial && (dial->step == DIAL_RESOLVE || dial->step == DIAL_WAIT)) {
		int error = dial->step == DIAL_WAIT ? wait_or_begin(upstream) : resolve(upstream);

		if (error)
			upstream_dial_failed(upstream, error == -ETIMEDOUT ? FAIL_DIAL_TIMEOUT
									   : FAIL_DIAL_FAILED);
		return;
	}
	if (dial && dial->step == DIAL_CONNECT && dial->next < dial->n_addrs) {
		drop_socket(&upstream->link);
		if (connect_to_next(upstream) == 0)
			return;
	}
	if (dial && dial->step == DIAL_TLS) {
		LOG(LOG_WARN, "TLS handshake with a server timed out",
		    LOG_S("server", upstream->server->url));
		count(upstream->link.worker, TLS_FAILURE_CLOSED);
	}
	upstream_dial_failed(upstream, FAIL_DIAL_TIMEOUT);
}
