// SPDX-License-Identifier: Apache-2.0
/* upstream: see the header. */

#include "proxy/upstream.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/header.h"
#include "net/sock.h"
#include "proxy/dial.h"
#include "proxy/h2_upstream.h"
#include "proxy/worker.h"

enum {
	/*
	 * More may lie idle than the option says, for a moment: under load the number of requests
	 * on their way goes up and down within milliseconds, and closing at every crest means
	 * dialling at the next.
	 */
	SURPLUS_IDLE_MS = 1000,
	SURPLUS_MAX = 4096,
};

static struct upstream *of_io(struct loop_io *io)
{
	return (struct upstream *)io;
}

struct server_pool *upstream_pool(struct worker *worker, uint32_t server_id)
{
	return server_id < worker->n_servers ? worker->servers[server_id] : NULL;
}

int upstream_reserve(struct worker *worker, uint32_t n)
{
	if (n <= worker->n_servers)
		return 0;
	struct server_pool **servers = realloc(worker->servers, n * sizeof(struct server_pool *));

	if (!servers)
		return -ENOMEM;
	worker->servers = servers;
	for (uint32_t i = worker->n_servers; i < n; i++)
		servers[i] = NULL;
	worker->n_servers = n;
	return 0;
}

static void free_later(struct loop_task *task)
{
	struct upstream *upstream = LIST_OF(task, struct upstream, freeing);

	slab_give(&upstream->link.worker->upstreams, upstream);
}

static void close_upstream(struct upstream *upstream)
{
	struct worker *worker = upstream->link.worker;
	struct worker_counters *counters = &worker->counters;

	if (upstream->state == UPSTREAM_IDLE) {
		list_del(&upstream->node);
		upstream->pool->n_idle--;
		worker_count(&counters->upstream_idle, -1);
		if (upstream->link.tls)
			(void)tls_conn_shutdown(upstream->link.tls);
	} else {
		worker_count(&counters->upstream_active, -1);
	}
	upstream->state = UPSTREAM_CLOSED;
	upstream->owner = NULL;
	if (!upstream->link.via)
		upstream->pool->n_open--;
	dial_free(upstream->dial);
	upstream->dial = NULL;
	upstream->pool->n_upstreams--;
	free(upstream->client);
	upstream->client = NULL;
	/* An unread rest would be answered by a reset anyway. */
	link_close(&upstream->link, false);
	upstream->freeing.run = free_later;
	loop_defer(&worker->loop, &upstream->freeing);
}

static void close_idle(struct server_pool *pool)
{
	LIST_EACH (&pool->idle, node)
		close_upstream(LIST_OF(node, struct upstream, node));
	h2_upstream_retire_all(pool);
}

void upstream_close_idle(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->n_servers; i++)
		if (worker->servers[i])
			close_idle(worker->servers[i]);
}

static void pool_free(struct server_pool *pool)
{
	if (pool)
		SSL_SESSION_free(pool->session);
	free(pool);
}

/* Those that nothing knows any more. */
static void free_gone(struct worker *worker)
{
	struct server_pool **at = &worker->gone_pools;

	while (*at) {
		struct server_pool *pool = *at;

		if (pool->n_upstreams || pool->n_open || pool->n_leaders) {
			at = &pool->next_gone;
			continue;
		}
		*at = pool->next_gone;
		pool_free(pool);
	}
}

void upstream_pools_done(struct worker *worker)
{
	for (struct server_pool *pool = worker->gone_pools, *next; pool; pool = next) {
		next = pool->next_gone;
		pool_free(pool);
	}
	worker->gone_pools = NULL;
	for (uint32_t i = 0; i < worker->n_servers; i++)
		pool_free(worker->servers[i]);
	free(worker->servers);
	worker->servers = NULL;
	worker->n_servers = 0;
}

static void pool_init(struct server_pool *pool)
{
	list_init(&pool->idle);
	list_init(&pool->h2);
}

static uint64_t serial_of(const struct server *server)
{
	return server->live ? server->live->serial : 0;
}

static bool is_for(const struct server_pool *pool, const struct server *server)
{
	return pool->serial == serial_of(server) &&
	       pool->transport == upstream_transport(server)->id;
}

/* What is busy does not come back to it, nor to the one that follows. */
static void leave_pool(struct worker *worker, uint32_t server_id)
{
	struct server_pool *pool = worker->servers[server_id];

	worker->servers[server_id] = NULL;
	close_idle(pool);
	pool->max_idle = 0;
	pool->next_gone = worker->gone_pools;
	worker->gone_pools = pool;
	free_gone(worker);
}

/*
 * Made when the server is used for the first time, and kept: ids are few and come back. A server to
 * which one came back, or another transport, must find nothing of the old one.
 */
static struct server_pool *pool_for(struct worker *worker, const struct server *server)
{
	const struct transport *transport = upstream_transport(server);
	struct server_pool *pool = upstream_pool(worker, server->id);

	if (pool && !is_for(pool, server)) {
		leave_pool(worker, server->id);
		pool = NULL;
	}
	if (!pool && server->id < worker->n_servers) {
		pool = calloc(1, sizeof(*pool));
		worker->servers[server->id] = pool;
		if (pool)
			pool_init(pool);
	}
	if (!pool)
		return NULL;
	pool->serial = serial_of(server);
	pool->transport = transport->id;
	pool->max_idle = transport->max_idle;
	pool->idle_ns = transport->idle_ns;
	return pool;
}

void upstream_dial_failed(struct upstream *upstream, enum fail fail)
{
	struct upstream_owner *owner = upstream->owner;

	if (upstream->server->live)
		live_server_dial_failed(upstream->server->live, upstream->link.worker->loop.now_ns);
	worker_count(&upstream->link.worker->counters.upstream_dial_failed, 1);
	close_upstream(upstream);
	owner->events->on_dial_failed(owner, fail);
}

void upstream_established(struct upstream *upstream)
{
	if (upstream->server->live)
		live_server_dialled(upstream->server->live);
	upstream->server = NULL;
	dial_free(upstream->dial);
	upstream->dial = NULL;
	upstream->state = UPSTREAM_BUSY;
	upstream->owner->events->on_ready(upstream->owner);
}

/*
 * Nothing is there to be read. Under TLS the socket may hold something that is no data (a new
 * session ticket): looking is the only way to know.
 */
static bool is_quiet(struct link *link)
{
	char byte;

	if (link->io.ready & (LOOP_EOF | LOOP_ERROR))
		return false;
	if (!(link->io.ready & LOOP_READ))
		return true;
	return link->tls && link_read(link, &byte, 1) == -EAGAIN;
}

static void on_ready(struct loop_io *io)
{
	struct upstream *upstream = of_io(io);

	if (upstream->state == UPSTREAM_DIALLING) {
		dial_on_ready(upstream);
	} else if (upstream->state == UPSTREAM_IDLE) {
		if (!is_quiet(&upstream->link))
			close_upstream(upstream);
	} else if (upstream->owner) {
		upstream->owner->events->on_ready(upstream->owner);
	}
}

static void on_timer(struct timer *timer)
{
	struct upstream *upstream = LIST_OF(timer, struct upstream, link.timer);

	if (upstream->state == UPSTREAM_IDLE)
		close_upstream(upstream);
	else if (upstream->state == UPSTREAM_DIALLING)
		dial_on_timeout(upstream);
	else if (upstream->owner)
		upstream->owner->events->on_timeout(upstream->owner);
}

bool upstream_is_for(const struct proxy_header *client, uint64_t private_to,
		     const struct upstream_owner *owner)
{
	const struct proxy_header *a = client, *b = &owner->client;

	if (private_to != owner->private_to)
		return false;
	if (!a)
		return true;
	return a->has_addrs == b->has_addrs && a->source_port == b->source_port &&
	       a->destination_port == b->destination_port && addr_eq(&a->source, &b->source) &&
	       addr_eq(&a->destination, &b->destination);
}

bool upstream_becomes_private(const struct response *response)
{
	enum { STATUS_UNAUTHORIZED = 401 };
	struct headers *headers = (struct headers *)(uintptr_t)&response->headers;
	const struct header *header;

	if (response->status != STATUS_UNAUTHORIZED)
		return false;
	for (header = header_find(headers, HEADER_WWW_AUTHENTICATE); header;
	     header = header_next_same(headers, header))
		if (str_starts(header->value, STR("NTLM")) ||
		    str_starts(header->value, STR("Negotiate")))
			return true;
	return false;
}

static bool is_known(const struct addr *addrs, uint32_t n, int fd)
{
	struct addr peer;
	uint16_t port;

	if (sock_peer(fd, &peer, &port) < 0)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (addr_eq(&addrs[i], &peer))
			return true;
	return false;
}

/* Connections to what is no longer an address of the server's name are let go. */
static void follow_name(struct server_pool *pool, const struct live_addrs *addrs)
{
	uint32_t version = atomic_load_explicit(&addrs->version, memory_order_acquire);
	struct addr known[LIVE_ADDRS_MAX];
	uint32_t n;

	if (version == pool->addrs_version)
		return;
	n = live_addrs_read(addrs, known);
	pool->addrs_version = version;
	LIST_EACH (&pool->idle, node) {
		struct upstream *upstream = LIST_OF(node, struct upstream, node);

		if (!is_known(known, n, upstream->link.io.fd))
			close_upstream(upstream);
	}
	LIST_EACH (&pool->h2, node) {
		struct h2_upstream *h2 = LIST_OF(node, struct h2_upstream, node);

		if (!is_known(known, n, h2->link.io.fd))
			h2_upstream_retire(h2);
	}
}

/* One without a connection, counted as open. */
static struct upstream *upstream_new(struct worker *worker, struct server_pool *pool,
				     struct upstream_owner *owner)
{
	struct upstream *upstream = slab_take(&worker->upstreams);

	if (!upstream)
		return NULL;
	*upstream =
		(struct upstream){.pool = pool, .owner = owner, .private_to = owner->private_to};
	list_init(&upstream->node);
	link_init(&upstream->link, worker, -1);
	upstream->link.io.on_ready = on_ready;
	upstream->link.timer.on_fire = on_timer;
	pool->n_open++;
	pool->n_upstreams++;
	worker_count(&worker->counters.upstream_active, 1);
	return upstream;
}

bool upstream_join(struct upstream *upstream, struct h2_upstream *h2)
{
	if (!h2_upstream_join(h2, upstream))
		return false;
	/* A stream is no connection. */
	upstream->pool->n_open--;
	worker_count(&upstream->link.worker->counters.upstream_reused, 1);
	return true;
}

/* A new stream of a connection that is there. */
static struct upstream *join(struct worker *worker, struct server_pool *pool,
			     struct upstream_owner *owner)
{
	struct h2_upstream *h2 = h2_upstream_find(pool, owner);
	struct upstream *upstream = h2 ? upstream_new(worker, pool, owner) : NULL;

	if (!upstream)
		return NULL;
	upstream->state = UPSTREAM_BUSY;
	if (!upstream_join(upstream, h2)) {
		close_upstream(upstream);
		return NULL;
	}
	return upstream;
}

struct upstream *upstream_reuse(struct worker *worker, const struct server *server,
				struct upstream_owner *owner)
{
	struct server_pool *pool = upstream_pool(worker, server->id);
	struct upstream *upstream = NULL;

	if (!pool || (list_empty(&pool->idle) && list_empty(&pool->h2)) || !is_for(pool, server))
		return NULL;
	if (server->is_named && server->live && server->live->addrs) {
		dial_refresh(worker, server, owner);
		follow_name(pool, server->live->addrs);
	}
	if (!list_empty(&pool->h2) && !owner->wants_upgrade) {
		upstream = join(worker, pool, owner);
		if (upstream)
			return upstream;
	}
	LIST_EACH (&pool->idle, node) {
		upstream = LIST_OF(node, struct upstream, node);
		if (upstream_is_for(upstream->client, upstream->private_to, owner))
			break;
		upstream = NULL;
	}
	if (!upstream)
		return NULL;
	list_del(&upstream->node);
	pool->n_idle--;
	upstream->state = UPSTREAM_BUSY;
	upstream->owner = owner;
	worker_count(&worker->counters.upstream_idle, -1);
	worker_count(&worker->counters.upstream_active, 1);
	worker_count(&worker->counters.upstream_reused, 1);
	return upstream;
}

int upstream_dial(struct worker *worker, const struct server *server, struct upstream_owner *owner,
		  struct upstream **ret_upstream)
{
	struct server_pool *pool = pool_for(worker, server);
	uint32_t limit = worker->shared->max_open_per_server;
	struct upstream *upstream;
	int error;

	if (!pool)
		return -ENOMEM;
	if (limit && pool->n_open >= limit)
		return -EAGAIN;
	upstream = upstream_new(worker, pool, owner);
	if (!upstream)
		return -ENOMEM;
	upstream->server = server;
	worker_count(&worker->counters.upstream_dialled, 1);
	error = dial_begin(upstream, server);
	if (error) {
		close_upstream(upstream);
		return error;
	}
	*ret_upstream = upstream;
	return 0;
}

static void keep_session(struct upstream *upstream)
{
	struct ssl_session_st *session = tls_conn_take_session(upstream->link.tls);

	if (!session)
		return;
	SSL_SESSION_free(upstream->pool->session);
	upstream->pool->session = session;
}

/* A server may refuse a client's certificate only after the handshake. */
static void tell_alert(const struct upstream *upstream)
{
	struct str alert = tls_conn_peer_alert(upstream->link.tls);

	if (alert.len)
		LOG(LOG_WARN, "server ended a TLS connection", LOG_S("alert", alert));
}

void upstream_release(struct upstream *upstream, bool may_reuse)
{
	struct worker *worker = upstream->link.worker;
	struct server_pool *pool = upstream->pool;
	struct link *link = &upstream->link;
	uint32_t max_idle = pool->max_idle;

	if (link->tls && upstream->state == UPSTREAM_BUSY) {
		keep_session(upstream);
		tell_alert(upstream);
	}
	if (!may_reuse || upstream->state != UPSTREAM_BUSY || link->via || link->ended ||
	    held_len(&link->in) || held_len(&link->out) || worker->draining || !max_idle ||
	    pool->n_idle >= max_idle + SURPLUS_MAX || !is_quiet(link)) {
		close_upstream(upstream);
		return;
	}
	upstream->owner = NULL;
	upstream->n_exchanges++;
	upstream->state = UPSTREAM_IDLE;
	list_add_front(&pool->idle, &upstream->node);
	pool->n_idle++;
	worker_count(&worker->counters.upstream_active, -1);
	worker_count(&worker->counters.upstream_idle, 1);
	uint64_t idle_ns = pool->idle_ns;

	if (pool->n_idle > max_idle && idle_ns > SURPLUS_IDLE_MS * NS_PER_MS)
		idle_ns = SURPLUS_IDLE_MS * NS_PER_MS;
	timer_set(&worker->loop.timers, &upstream->link.timer, worker->loop.now_ns + idle_ns);
}
