// SPDX-License-Identifier: Apache-2.0
/* upstream: see the header. */

#include "proxy/upstream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/sock.h"
#include "proxy/worker.h"

enum {
	SET_ASIDE_FIRST_MS = 1000,
	SET_ASIDE_MAX_MS = 10000, /* doubled with every failure in a row, up to this */
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

/* Made when the server is used for the first time, and kept: ids are few and come back. */
static struct server_pool *make_pool(struct worker *worker, uint32_t server_id)
{
	struct server_pool *pool = upstream_pool(worker, server_id);

	if (pool || server_id >= worker->n_servers)
		return pool;
	pool = calloc(1, sizeof(*pool));
	if (pool)
		list_init(&pool->idle);
	worker->servers[server_id] = pool;
	return pool;
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
	} else {
		worker_count(&counters->upstream_active, -1);
	}
	upstream->state = UPSTREAM_CLOSED;
	upstream->exchange = NULL;
	upstream->pool->n_open--;
	/* An unread rest would be answered by a reset anyway. */
	link_close(&upstream->link, false);
	upstream->freeing.run = free_later;
	loop_defer(&worker->loop, &upstream->freeing);
}

void upstream_close_idle(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->n_servers; i++) {
		if (!worker->servers[i])
			continue;
		LIST_EACH (&worker->servers[i]->idle, node)
			close_upstream(LIST_OF(node, struct upstream, node));
	}
}

void upstream_pools_done(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->n_servers; i++)
		free(worker->servers[i]);
	free(worker->servers);
	worker->servers = NULL;
	worker->n_servers = 0;
}

/* Refused, unreachable, silent: ask others first for a while, longer each time. */
static void set_aside(struct upstream *upstream)
{
	struct server_pool *pool = upstream->pool;
	uint64_t ms = SET_ASIDE_FIRST_MS;

	for (uint32_t i = 0; i < pool->n_failed && ms < SET_ASIDE_MAX_MS; i++)
		ms *= 2;
	if (ms > SET_ASIDE_MAX_MS)
		ms = SET_ASIDE_MAX_MS;
	pool->n_failed++;
	pool->set_aside_until_ns = upstream->link.worker->loop.now_ns + ms * NS_PER_MS;
	worker_count(&upstream->link.worker->counters.upstream_dial_failed, 1);
}

static void dial_failed(struct upstream *upstream, bool timed_out)
{
	struct exchange *exchange = upstream->exchange;

	set_aside(upstream);
	close_upstream(upstream);
	exchange_upstream_events.on_dial_failed(exchange, timed_out);
}

static void on_ready(struct loop_io *io)
{
	struct upstream *upstream = of_io(io);

	switch (upstream->state) {
	case UPSTREAM_IDLE:
		if (io->ready & (LOOP_READ | LOOP_EOF | LOOP_ERROR))
			close_upstream(upstream);
		return;
	case UPSTREAM_DIALLING:
		if (io->ready & LOOP_ERROR || sock_error(io->fd) < 0) {
			dial_failed(upstream, false);
			return;
		}
		if (!(io->ready & LOOP_WRITE))
			return;
		upstream->state = UPSTREAM_BUSY;
		upstream->pool->n_failed = 0;
		upstream->pool->set_aside_until_ns = 0;
		break;
	default:
		break;
	}
	if (upstream->exchange)
		exchange_upstream_events.on_ready(upstream->exchange);
}

static void on_timer(struct timer *timer)
{
	struct upstream *upstream = LIST_OF(timer, struct upstream, link.timer);

	if (upstream->state == UPSTREAM_IDLE)
		close_upstream(upstream);
	else if (upstream->state == UPSTREAM_DIALLING)
		dial_failed(upstream, true);
	else if (upstream->exchange)
		exchange_upstream_events.on_timeout(upstream->exchange);
}

struct upstream *upstream_reuse(struct worker *worker, const struct server *server,
				struct exchange *exchange)
{
	struct server_pool *pool = upstream_pool(worker, server->id);

	if (!pool || list_empty(&pool->idle))
		return NULL;
	struct upstream *upstream = LIST_OF(pool->idle.next, struct upstream, node);

	list_del(&upstream->node);
	pool->n_idle--;
	upstream->state = UPSTREAM_BUSY;
	upstream->exchange = exchange;
	worker_count(&worker->counters.upstream_idle, -1);
	worker_count(&worker->counters.upstream_active, 1);
	worker_count(&worker->counters.upstream_reused, 1);
	return upstream;
}

int upstream_dial(struct worker *worker, const struct server *server, struct exchange *exchange,
		  struct upstream **ret_upstream)
{
	struct server_pool *pool = make_pool(worker, server->id);
	uint32_t limit = worker->shared->max_open_per_server;
	struct upstream *upstream;
	int fd, error;

	if (!pool)
		return -ENOMEM;
	if (limit && pool->n_open >= limit)
		return -EAGAIN;
	upstream = slab_take(&worker->upstreams);
	if (!upstream)
		return -ENOMEM;
	error = sock_connect(&server->addr, server->port, &fd);
	if (error != -EINPROGRESS) {
		slab_give(&worker->upstreams, upstream);
		return error;
	}
	*upstream = (struct upstream){.pool = pool, .exchange = exchange};
	list_init(&upstream->node);
	link_init(&upstream->link, worker, fd);
	upstream->link.io.on_ready = on_ready;
	upstream->link.timer.on_fire = on_timer;
	pool->n_open++;
	worker_count(&worker->counters.upstream_active, 1);
	worker_count(&worker->counters.upstream_dialled, 1);
	error = loop_add(&worker->loop, &upstream->link.io);
	if (error) {
		close_upstream(upstream);
		return error;
	}
	timer_set(&worker->loop.timers, &upstream->link.timer,
		  worker->loop.now_ns + worker->shared->dial_ns);
	*ret_upstream = upstream;
	return 0;
}

void upstream_release(struct upstream *upstream, bool may_reuse)
{
	struct worker *worker = upstream->link.worker;
	struct server_pool *pool = upstream->pool;
	const struct link *link = &upstream->link;
	uint32_t max_idle = worker->shared->max_idle_per_server;

	if (!may_reuse || upstream->state != UPSTREAM_BUSY || link->ended || held_len(&link->in) ||
	    held_len(&link->out) || link->io.ready & (LOOP_READ | LOOP_EOF | LOOP_ERROR) ||
	    worker->draining || !max_idle || pool->n_idle >= max_idle + SURPLUS_MAX) {
		close_upstream(upstream);
		return;
	}
	upstream->exchange = NULL;
	upstream->n_exchanges++;
	upstream->state = UPSTREAM_IDLE;
	list_add_front(&pool->idle, &upstream->node);
	pool->n_idle++;
	worker_count(&worker->counters.upstream_active, -1);
	worker_count(&worker->counters.upstream_idle, 1);
	uint64_t idle_ns = worker->shared->upstream_idle_ns;

	if (pool->n_idle > max_idle && idle_ns > SURPLUS_IDLE_MS * NS_PER_MS)
		idle_ns = SURPLUS_IDLE_MS * NS_PER_MS;
	timer_set(&worker->loop.timers, &upstream->link.timer, worker->loop.now_ns + idle_ns);
}
