// SPDX-License-Identifier: Apache-2.0
/* worker: see the header. */

#include "proxy/worker.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy/acceptor.h"
#include "proxy/conn.h"
#include "proxy/exchange.h"
#include "proxy/health.h"
#include "proxy/mirror.h"
#include "proxy/stream_session.h"
#include "proxy/udp_entry.h"
#include "proxy/udp_session.h"
#include "proxy/upstream.h"

struct publication {
	struct mail mail;
	struct worker *worker;
	struct snapshot *snapshot;
};

struct order {
	struct mail mail;
	struct worker *worker;
	uint64_t grace_ns;
};

struct str worker_date(struct worker *worker)
{
	return date_cache_text(&worker->date, (int64_t)(worker->loop.wall_ns / NS_PER_SEC));
}

void worker_drop_use(struct worker *worker, struct snapshot_use *use)
{
	if (snapshot_use_put(use))
		worker_count(&worker->counters.snapshots_held, -1);
}

/* Makes everything usable that the snapshot names, then switches. Takes over the reference. */
static int adopt(struct worker *worker, struct snapshot *snapshot)
{
	struct snapshot_use *use, *before = worker->use;
	int error = upstream_reserve(worker, snapshot->max_server_id);

	if (!error && worker->metrics)
		error = metric_worker_reserve(worker->metrics,
					      metric_series_limit(worker->shared->metrics));
	if (error) {
		snapshot_unref(snapshot);
		return error;
	}
	use = snapshot_use_new(snapshot);
	if (!use)
		return -ENOMEM;
	worker->use = use;
	worker_count(&worker->counters.snapshots_held, 1);
	atomic_store_explicit(&worker->revision, snapshot->revision, memory_order_release);
	worker_drop_use(worker, before);
	if (worker->index == 0) {
		health_adopt(worker);
		udp_entry_adopt(worker);
	}
	return 0;
}

static void on_publication(struct mail *mail)
{
	struct publication *publication = LIST_OF(mail, struct publication, mail);

	/* Without memory the old one stays: requests go on. */
	(void)adopt(publication->worker, publication->snapshot);
	free(publication);
}

int worker_publish(struct worker *worker, struct snapshot *snapshot)
{
	struct publication *publication = malloc(sizeof(*publication));

	if (!publication) {
		snapshot_unref(snapshot);
		return -ENOMEM;
	}
	*publication = (struct publication){{.run = on_publication}, worker, snapshot};
	mailbox_post(&worker->mailbox, &publication->mail);
	return 0;
}

/* --------------------------------------------------------------- the end ----- */

static void close_listeners(struct worker *worker, bool take_waiting)
{
	for (size_t i = 0; i < worker->n_acceptors; i++)
		acceptor_close(&worker->acceptors[i], take_waiting);
}

static void begin_drain(struct worker *worker)
{
	close_listeners(worker, true);
	worker->draining = true;
	for (size_t i = 0; i < worker->n_udp_entries; i++)
		udp_entry_drain(worker->udp_entries[i]);
	LIST_EACH (&worker->open, node)
		conn_drain(LIST_OF(node, struct conn, node));
	upstream_close_idle(worker);
}

static void on_grace_over(struct timer *timer)
{
	begin_drain(LIST_OF(timer, struct worker, accept_grace));
}

static void on_drain(struct mail *mail)
{
	struct order *order = LIST_OF(mail, struct order, mail);
	struct worker *worker = order->worker;

	if (order->grace_ns)
		timer_set(&worker->loop.timers, &worker->accept_grace,
			  worker->loop.now_ns + order->grace_ns);
	else
		begin_drain(worker);
	free(order);
}

static void on_leave(struct mail *mail)
{
	struct order *order = LIST_OF(mail, struct order, mail);
	struct worker *worker = order->worker;

	/* What waits in their queues is the other process's, which has the same sockets; or, where
	 * it has others, the kernel moves it there. */
	close_listeners(worker, false);
	for (size_t i = 0; i < worker->n_udp_entries; i++)
		udp_entry_leave(worker->udp_entries[i]);
	worker->leaving = true;
	timer_set(&worker->loop.timers, &worker->accept_grace,
		  worker->loop.now_ns + order->grace_ns);
	free(order);
}

static void on_stop(struct mail *mail)
{
	struct order *order = LIST_OF(mail, struct order, mail);

	loop_stop(&order->worker->loop);
	free(order);
}

static int post_order(struct worker *worker, void (*run)(struct mail *mail), uint64_t grace_ns)
{
	struct order *order = calloc(1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	order->mail.run = run;
	order->worker = worker;
	order->grace_ns = grace_ns;
	mailbox_post(&worker->mailbox, &order->mail);
	return 0;
}

static void on_beat(struct mail *mail)
{
	atomic_store(&LIST_OF(mail, struct worker, beat)->beat_is_due, false);
}

bool worker_beat(struct worker *worker)
{
	if (atomic_exchange(&worker->beat_is_due, true))
		return false;
	worker->beat.run = on_beat;
	mailbox_post(&worker->mailbox, &worker->beat);
	return true;
}

int worker_drain(struct worker *worker, uint64_t accept_grace_ns)
{
	return post_order(worker, on_drain, accept_grace_ns);
}

int worker_leave(struct worker *worker, uint64_t idle_grace_ns)
{
	return post_order(worker, on_leave, idle_grace_ns);
}

int worker_stop(struct worker *worker)
{
	return post_order(worker, on_stop, 0);
}

/* ------------------------------------------------------------------ life ------ */

static int open_udp(struct worker *worker, const struct proxy_listener *listener)
{
	struct udp_entry *entry = udp_entry_open(
		worker, &worker->shared->entries[listener->entry_point], listener->fd);

	if (!entry)
		return -ENOMEM;
	worker->udp_entries[worker->n_udp_entries++] = entry;
	return 0;
}

static int open_listeners(struct worker *worker, const struct proxy_listener *listeners, size_t n)
{
	worker->acceptors = calloc(n + 1, sizeof(*worker->acceptors));
	worker->udp_entries = calloc(n + 1, sizeof(*worker->udp_entries));
	if (!worker->acceptors || !worker->udp_entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int error;

		if (listeners[i].worker != worker->index ||
		    listeners[i].entry_point >= worker->shared->n_entries)
			continue;
		if (worker->shared->entries[listeners[i].entry_point].conf->listen.udp) {
			error = open_udp(worker, &listeners[i]);
			if (error)
				return error;
			continue;
		}
		error = acceptor_open(&worker->acceptors[worker->n_acceptors++], worker,
				      &worker->shared->entries[listeners[i].entry_point],
				      listeners[i].fd);
		if (error)
			return error;
	}
	return 0;
}

int worker_init(struct worker *worker, struct worker_shared *shared, uint16_t index,
		struct snapshot *snapshot, const struct proxy_listener *listeners,
		size_t n_listeners)
{
	int error;

	*worker = (struct worker){.shared = shared,
				  .index = index,
				  .cpu = -1,
				  .mailbox.io.fd = -1,
				  .loop.epoll_fd = -1};
	list_init(&worker->open);
	list_init(&worker->mirrorings);
	redis_init(&worker->redis, &worker->loop, &worker->mailbox, shared->resolver);
	timer_init(&worker->accept_grace, on_grace_over);
	slab_init(&worker->conns, sizeof(struct conn));
	slab_init(&worker->exchanges, sizeof(struct exchange));
	slab_init(&worker->upstreams, sizeof(struct upstream));
	slab_init(&worker->streams, sizeof(struct stream_session));
	slab_init(&worker->udp_sessions, sizeof(struct udp_session));
	worker->scratch = malloc(WORKER_SCRATCH_BYTES);
	worker->out = malloc(WORKER_OUT_BYTES);
	worker->response_headers = calloc(WORKER_RESPONSE_HEADERS, sizeof(struct header));
	if (!worker->scratch || !worker->out || !worker->response_headers)
		return -ENOMEM;
	if (shared->metrics && !(worker->metrics = metric_worker_new(shared->metrics)))
		return -ENOMEM;
	error = loop_init(&worker->loop);
	if (!error)
		error = mailbox_open(&worker->mailbox, &worker->loop);
	if (!error)
		error = adopt(worker, snapshot_ref(snapshot));
	return error ? error : open_listeners(worker, listeners, n_listeners);
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	char name[16];

	snprintf(name, sizeof(name), "worker-%u", worker->index);
	pthread_setname_np(pthread_self(), name);
	if (worker->cpu >= 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET((size_t)worker->cpu, &cpus);
		/* A wish: without it the scheduler decides. */
		pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	}
	loop_run(&worker->loop);
	return NULL;
}

int worker_start(struct worker *worker)
{
	sigset_t all, before;
	int error;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->started = error == 0;
	return -error;
}

static void close_connections(struct worker *worker)
{
	LIST_EACH (&worker->open, node) {
		struct conn *conn = LIST_OF(node, struct conn, node);

		if (conn->state == CONN_BUSY)
			exchange_abort(conn->exchange);
		else
			conn_close(conn, false);
	}
	mirror_stop_all(worker);
	upstream_close_idle(worker);
}

/* The arenas of exchanges keep a block each. */
static void free_arenas(struct worker *worker)
{
	for (void *object = worker->exchanges.free; object; object = *(void **)object)
		arena_done(&((struct exchange *)object)->arena);
}

void worker_done(struct worker *worker)
{
	if (worker->mailbox.io.fd >= 0) {
		/* First what others still wanted, since it owns references. */
		mailbox_close(&worker->mailbox, &worker->loop);
		close_listeners(worker, false);
		close_connections(worker);
		for (size_t i = 0; i < worker->n_udp_entries; i++)
			udp_entry_close(worker->udp_entries[i]);
	}
	health_free(worker->health);
	redis_done(&worker->redis);
	if (worker->loop.epoll_fd >= 0)
		loop_done(&worker->loop);
	worker_drop_use(worker, worker->use);
	upstream_pools_done(worker);
	free_arenas(worker);
	slab_done(&worker->conns);
	slab_done(&worker->exchanges);
	slab_done(&worker->upstreams);
	slab_done(&worker->streams);
	slab_done(&worker->udp_sessions);
	block_pool_done(&worker->blocks);
	pipe_pool_done(&worker->pipes);
	free(worker->acceptors);
	free(worker->udp_entries);
	udp_batch_free(worker->udp_batch);
	free(worker->scratch);
	free(worker->out);
	free(worker->response_headers);
}
