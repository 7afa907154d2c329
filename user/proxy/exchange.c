// SPDX-License-Identifier: Apache-2.0
/* exchange: the state machine; see the header for the picture. */

#include "proxy/exchange.h"

#include <errno.h>
#include <stdlib.h>

#include "http/h1_peek.h"
#include "net/sock.h"
#include "plan/router.h"
#include "proxy/answer.h"
#include "proxy/attempt.h"
#include "proxy/conn.h"
#include "proxy/escalation.h"
#include "proxy/mirror.h"
#include "proxy/record.h"
#include "proxy/reply.h"
#include "proxy/respond.h"
#include "proxy/tunnel.h"
#include "proxy/upload.h"
#include "proxy/waiting.h"
#include "proxy/worker.h"

enum {
	ARENA_BLOCK_BYTES = 2048,
	ARENA_DEFAULT_BYTES = 256 << 10,
	ROUTE_LEVELS_MAX = 8, /* of routes below routes */
};

static const struct upstream_events upstream_events;

struct exchange *exchange_new(struct conn *conn)
{
	struct worker *worker = conn->link.worker;
	struct exchange *exchange = slab_take(&worker->exchanges);

	if (!exchange)
		return NULL;
	if (!exchange->arena.cap_bytes) {
		size_t cap = worker->shared->request_memory_bytes;

		arena_init(&exchange->arena, cap ? cap : ARENA_DEFAULT_BYTES, ARENA_BLOCK_BYTES);
	}
	exchange->owner = (struct upstream_owner){.events = &upstream_events};
	exchange->conn = conn;
	exchange->worker = worker;
	exchange->use = NULL;
	memset((char *)exchange + offsetof(struct exchange, state), 0,
	       offsetof(struct exchange, up) - offsetof(struct exchange, state));
	exchange->up.pipe = exchange->down.pipe = NULL;
	exchange->up.sent_bytes = exchange->down.sent_bytes = 0;
	exchange->up.body.payload = 0;
	exchange->pick.n_cookies = 0;
	exchange->pick.service = NULL;
	exchange->pick.server = NULL;
	pipeline_init(&exchange->pipeline, NULL, 0);
	exchange->is_fresh = true;
	exchange->request.arena = &exchange->arena;
	exchange->request.headers = (struct headers){
		.at = exchange->slots, .cap = EXCHANGE_HEADERS, .arena = &exchange->arena};
	return exchange;
}

void exchange_free(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;

	held_drop(&exchange->head, &worker->blocks);
	arena_reset(&exchange->arena);
	slab_give(&worker->exchanges, exchange);
}

/* The request's facts that the connection knows. */
static void fill_request(struct exchange *exchange)
{
	const struct conn *conn = exchange->conn;
	struct request *request = &exchange->request;

	request->is_tls = conn->link.tls != NULL;
	request->peer = conn->peer;
	request->peer_port = conn->peer_port;
	request->local = conn->local;
	request->local_port = conn->local_port;
	request->sni = conn->sni;
	request->client_certs = conn->link.tls ? tls_conn_client_certs(conn->link.tls) : NULL;
	request->entry_point = conn->entry->index;
}

static void start(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;

	exchange->use = snapshot_use_get(worker->use);
	exchange->entry_point = conn_entry_point(exchange->conn, exchange->use->snapshot);
	exchange->begin_ns = worker->loop.now_ns;
	exchange->begin_wall_ns = worker->loop.wall_ns;
	worker_count(&worker->counters.requests, 1);
	worker_count(&worker->counters.requests_active, 1);
	fill_request(exchange);
}

void exchange_refuse(struct exchange *exchange, enum fail fail)
{
	start(exchange);
	exchange->request.keep_alive = exchange->request.keep_alive && !fail_row(fail)->closes;
	reply_fail(exchange, fail);
}

struct exchange_more *exchange_more(struct exchange *exchange)
{
	if (!exchange->more) {
		exchange->more = ARENA_NEW(&exchange->arena, struct exchange_more);
		if (exchange->more)
			exchange->more->body.fd = exchange->more->answer.begin.fd = -1;
	}
	return exchange->more;
}

void *exchange_own(struct exchange *exchange, void *memory)
{
	struct exchange_more *more = exchange_more(exchange);
	struct exchange_owned *owned =
		memory ? ARENA_NEW(&exchange->arena, struct exchange_owned) : NULL;

	if (!more || !owned) {
		free(memory);
		return NULL;
	}
	*owned = (struct exchange_owned){more->owned, memory};
	more->owned = owned;
	return memory;
}

static void escalate(struct exchange *exchange)
{
	const struct mw_instance *instance = exchange->pipeline.refused_by;

	exchange->pipeline.was_refused = false;
	escalation_count(exchange->worker, exchange->conn, &exchange->entry_point->escalate,
			 exchange->route->name, instance ? instance->name : (struct str){0},
			 exchange->request.peer_trusted);
}

/* One chain is done: the chain of a route below, the services', or a server. */
static void after_chain(struct exchange *exchange)
{
	const struct route *route = exchange->route;

	if (exchange->arena.failed) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return;
	}
	if (exchange->pipeline.inner->service) {
		attempt_go_on(exchange);
		return;
	}
	/* Reference a.1: what the middlewares have made of the request is what routes below see. */
	while (route->below) {
		const struct route *next = exchange->n_layers < ROUTE_LEVELS_MAX
						   ? router_find(route->below, &exchange->request)
						   : NULL;

		if (!next) {
			exchange_fail(exchange, FAIL_NO_ROUTE);
			return;
		}
		exchange->n_layers++;
		exchange->route = route = next;
		if (!next->chain.n)
			continue;
		if (pipeline_enter(&exchange->pipeline, &next->chain, NULL, &exchange->request,
				   false) < 0)
			exchange_fail(exchange, FAIL_INTERNAL);
		else
			exchange_run_middlewares(exchange);
		return;
	}
	attempt_begin(exchange);
}

/* What it has waited for, in its own words. */
static void note_awaited(struct exchange *exchange)
{
	struct pipeline *pipeline = &exchange->pipeline;

	if (pipeline->call.wait.body.wanted)
		pipeline->body = upload_body(exchange, pipeline->call.wait.body.max_bytes);
}

void exchange_run_middlewares(struct exchange *exchange)
{
	struct pipeline *pipeline = &exchange->pipeline;

	if (!pipeline->inner->chain) {
		after_chain(exchange);
		return;
	}
	for (;;) {
		if (pipeline->is_waiting)
			note_awaited(exchange);
		enum pipeline_result result =
			pipeline_run(pipeline, exchange->worker, &exchange->request);

		if (pipeline->was_refused)
			escalate(exchange);
		if (result == PIPELINE_WAIT) {
			if (waiting_begin(exchange, exchange_run_middlewares))
				continue;
		} else if (result == PIPELINE_NEXT) {
			after_chain(exchange);
		} else if (result == PIPELINE_REPLY) {
			reply_middleware(exchange);
		} else {
			exchange_fail(exchange, FAIL_INTERNAL);
		}
		return;
	}
}

/* A connection was made under one TLS policy; a host that has another one is not served over it
 * (reference b.5.6; reference/security.md A2.5). */
static bool is_misdirected(const struct exchange *exchange)
{
	const struct conn *conn = exchange->conn;

	if (!conn->link.tls || !exchange->entry_point->tls_table)
		return false;
	return exchange->route->tls_policy != conn->tls_policy ||
	       tls_table_policy(exchange->entry_point->tls_table, exchange->request.host) !=
		       conn->tls_policy;
}

/* NULL: the snapshot does not know this entry point. */
static const struct router *router_of(const struct entry_point *point, const struct conn *conn)
{
	if (!point)
		return NULL;
	return conn->link.tls ? point->tls : point->plain;
}

void exchange_expect(struct exchange *exchange, struct str text)
{
	const struct conn *conn = exchange->conn;
	const struct snapshot *snapshot = exchange->worker->use->snapshot;
	const struct router *router = router_of(conn_entry_point(conn, snapshot), conn);

	if (router && router_is_large(router))
		router_send_for_host(router, h1_peek_host(text), &exchange->ahead);
}

void exchange_begin(struct exchange *exchange)
{
	const struct entry *entry = exchange->conn->entry;
	struct request *request = &exchange->request;
	struct host_ahead *ahead = &exchange->ahead;
	const struct router *router;
	enum fail fail;

	start(exchange);
	router = router_of(exchange->entry_point, exchange->conn);
	/* One of many routes is in no cache: each step towards it is under way during other work.
	 */
	fail = canon_request_host(request);
	if (!fail && router)
		router_send_for_host(router, request->host, ahead);
	if (!fail)
		fail = canon_request_path(request, &entry->reading.canon);
	if (!fail && router)
		router_send_for_route(router, ahead);
	if (!fail)
		fail = forwarded_receive(request, &entry->reading.forwarded);
	if (fail) {
		reply_fail(exchange, fail);
		return;
	}
	exchange->route = router ? router_find_sent(router, request, ahead) : NULL;
	if (!exchange->route)
		fail = FAIL_NO_ROUTE;
	else if (entry->reading.denied_escapes)
		fail = canon_check_encoded(request->raw_path, entry->reading.denied_escapes);
	if (!fail && is_misdirected(exchange))
		fail = FAIL_MISDIRECTED;
	if (fail) {
		reply_fail(exchange, fail);
		return;
	}
	if (exchange->route->chain.n)
		pipeline_init(&exchange->pipeline, &exchange->route->chain, exchange->begin_ns);
	exchange_run_middlewares(exchange);
}

/* ------------------------------------------------------------------ moving --- */

/* The request's body. False: over. */
static bool move_up(struct exchange *exchange)
{
	struct link *client = &exchange->conn->link, *server = &exchange->upstream->link;

	switch (stream_pump(&exchange->up, client, server)) {
	case STREAM_TURN:
		loop_again(&exchange->worker->loop, &client->io);
		break;
	case STREAM_DONE:
	case STREAM_READ:
	case STREAM_WRITE:
		break;
	case STREAM_SOURCE_LOST:
		exchange_abort(exchange);
		return false;
	case STREAM_SOURCE_BAD:
		exchange_fail(exchange, exchange->up.body.fail);
		return false;
	case STREAM_SINK_LOST:
		/* It may have answered before it stopped reading: that answer is awaited. */
		exchange->upload_broken = true;
		break;
	}
	attempt_set_deadline(exchange);
	return true;
}

/* The answer's body. False: over. */
static bool move_down(struct exchange *exchange)
{
	struct link *client = &exchange->conn->link, *server = &exchange->upstream->link;

	switch (stream_pump(&exchange->down, server, client)) {
	case STREAM_TURN:
		loop_again(&exchange->worker->loop, &server->io);
		break;
	case STREAM_READ:
	case STREAM_WRITE:
		break;
	case STREAM_DONE:
		exchange_finish(exchange);
		return false;
	case STREAM_SOURCE_LOST:
	case STREAM_SOURCE_BAD:
		/* The truncation must show: no last chunk, and where the end of the connection is
		 * the end of the body, a reset. */
		exchange->fail = FAIL_UPSTREAM_CLOSED;
		exchange_end(exchange, EXCHANGE_RESET);
		return false;
	case STREAM_SINK_LOST:
		exchange_abort(exchange);
		return false;
	}
	attempt_set_deadline(exchange);
	return true;
}

void exchange_move(struct exchange *exchange)
{
	if (exchange->state != EXCHANGE_FORWARD)
		return;
	struct link *server = &exchange->upstream->link;

	if ((!exchange->up.done || link_backlog(server)) && !exchange->upload_broken &&
	    !move_up(exchange))
		return;
	if (exchange->responded) {
		if (!move_down(exchange))
			return;
	} else if (link_can_read(server)) {
		respond_read(exchange);
		return;
	}
	exchange_set_deadline(exchange);
}

/* ------------------------------------------------------------------- events -- */

void exchange_on_client(struct exchange *exchange)
{
	struct link *client = &exchange->conn->link;

	/* In a tunnel both sides may have ended, which looks the same, while last bytes are still
	 * to be read. */
	if (client->io.ready & LOOP_ERROR &&
	    (exchange->state != EXCHANGE_TUNNEL || sock_error(client->io.fd) < 0)) {
		exchange_abort(exchange);
		return;
	}
	switch (exchange->state) {
	case EXCHANGE_FORWARD:
		/* An interim answer may be waiting to go out, too. */
		if (!exchange->responded && link_backlog(client) && client->io.ready & LOOP_WRITE) {
			int error = link_flush(client);

			if (error && error != -EAGAIN) {
				exchange_abort(exchange);
				return;
			}
		}
		exchange_move(exchange);
		return;
	case EXCHANGE_REPLY:
		exchange_finish(exchange);
		return;
	case EXCHANGE_TUNNEL:
		tunnel_move(exchange);
		return;
	case EXCHANGE_BODY:
		upload_on_client(exchange);
		return;
	default:
		waiting_look(exchange);
		return;
	}
}

static struct exchange *of_owner(struct upstream_owner *owner)
{
	return LIST_OF(owner, struct exchange, owner);
}

static void on_upstream(struct upstream_owner *owner)
{
	struct exchange *exchange = of_owner(owner);

	switch (exchange->state) {
	case EXCHANGE_DIAL:
		attempt_send(exchange);
		return;
	case EXCHANGE_FORWARD:
		exchange_move(exchange);
		return;
	case EXCHANGE_ANSWER:
		answer_on_upstream(exchange);
		return;
	case EXCHANGE_TUNNEL:
		tunnel_move(exchange);
		return;
	default:
		return;
	}
}

static void on_dial_failed(struct upstream_owner *owner, enum fail fail)
{
	attempt_dial_failed(of_owner(owner), fail);
}

static void on_upstream_timeout(struct upstream_owner *owner)
{
	struct exchange *exchange = of_owner(owner);

	if (exchange->state == EXCHANGE_TUNNEL)
		exchange_end(exchange, EXCHANGE_RESET);
	else
		exchange_fail(exchange, FAIL_UPSTREAM_TIMEOUT);
}

static const struct upstream_events upstream_events = {
	.on_ready = on_upstream,
	.on_dial_failed = on_dial_failed,
	.on_timeout = on_upstream_timeout,
};

/* ------------------------------------------------------------------ the end -- */

void exchange_fail(struct exchange *exchange, enum fail fail)
{
	if (exchange->upstream) {
		if (fail >= FAIL_DIAL_FAILED)
			balance_end(&exchange->load, fail_row(fail)->status, exchange->worker);
		attempt_release(exchange, false);
	}
	if (exchange->responded) {
		exchange->fail = (uint8_t)fail;
		exchange_end(exchange, EXCHANGE_RESET);
		return;
	}
	reply_fail(exchange, fail);
}

void exchange_abort(struct exchange *exchange)
{
	if (!exchange->responded) {
		exchange->status = fail_row(FAIL_CLIENT_CLOSED)->status;
		exchange->fail = FAIL_CLIENT_CLOSED;
	}
	exchange_end(exchange, EXCHANGE_RESET);
}

/* What the client has not taken yet. 0: nothing is left, -EAGAIN, or an error. */
static int write_rest(struct exchange *exchange)
{
	struct link *client = &exchange->conn->link;
	int error = 0;

	if (link_backlog(client))
		error = client->io.ready & LOOP_WRITE ? link_flush(client) : -EAGAIN;
	if (!error && exchange->more && exchange->more->reply_rest.len)
		error = answer_write_rest(exchange);
	return error;
}

void exchange_finish(struct exchange *exchange)
{
	struct link *client = &exchange->conn->link;
	int error;

	exchange->state = EXCHANGE_REPLY;
	if (exchange->upstream) {
		bool clean = exchange->keep_upstream && exchange->up.done && exchange->down.done &&
			     !exchange->upload_broken;

		exchange->origin_end_ns = exchange->worker->loop.now_ns;
		attempt_release(exchange, clean);
	}
	error = write_rest(exchange);
	if (error == -EAGAIN) {
		exchange_set_deadline(exchange);
		return;
	}
	if (error) {
		exchange_abort(exchange);
		return;
	}
	exchange->completed = true;
	if (exchange->keep_client && upload_is_read(exchange))
		exchange_end(exchange, EXCHANGE_KEEP);
	else if (!upload_is_read(exchange) || client->io.ready & LOOP_READ || held_len(&client->in))
		exchange_end(exchange, EXCHANGE_LINGER);
	else
		exchange_end(exchange, EXCHANGE_CLOSE);
}

static void done_more(struct exchange_more *more)
{
	body_store_done(&more->body);
	body_store_done(&more->answer.begin);
	for (struct exchange_owned *owned = more->owned; owned; owned = owned->next)
		free(owned->memory);
}

void exchange_bury(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;

	if (pipeline_has_end(&exchange->pipeline))
		pipeline_end(&exchange->pipeline, worker, &exchange->request, exchange->completed);
	if (exchange->more)
		done_more(exchange->more);
	if (snapshot_use_put(exchange->use))
		worker_count(&worker->counters.snapshots_held, -1);
	exchange->use = NULL;
	exchange_free(exchange);
}

void exchange_end(struct exchange *exchange, enum exchange_fate fate)
{
	struct worker *worker = exchange->worker;
	struct conn *conn = exchange->conn;

	if (exchange->state == EXCHANGE_TUNNEL) {
		worker_count(&worker->counters.tunnels_active, -1);
		exchange->completed = fate == EXCHANGE_CLOSE;
	}
	if (exchange->upstream || exchange->load.member)
		attempt_release(exchange, false);
	if (exchange->more)
		waiting_cancel(exchange);
	record_exchange(exchange);
	worker_count(&worker->counters.requests_active, -1);
	stream_done(&exchange->up, &worker->pipes);
	stream_done(&exchange->down, &worker->pipes);
	if (exchange->completed && exchange->more && exchange->more->mirror)
		mirror_start(exchange, exchange->more->mirror);
	conn->exchange = NULL;
	if (exchange->job_runs)
		exchange->state = EXCHANGE_ORPHAN;
	else
		exchange_bury(exchange);
	switch (fate) {
	case EXCHANGE_KEEP:
		conn_next(conn);
		return;
	case EXCHANGE_LINGER:
		conn_linger(conn);
		return;
	case EXCHANGE_CLOSE:
	case EXCHANGE_RESET:
		conn_close(conn, fate == EXCHANGE_RESET);
		return;
	}
}
