// SPDX-License-Identifier: Apache-2.0
/* attempt: see the header. */

#include "proxy/attempt.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/forwarded.h"
#include "http/h1_write.h"
#include "http/method.h"
#include "http/websocket.h"
#include "proxy/composite.h"
#include "proxy/conn.h"
#include "proxy/reply.h"
#include "proxy/upload.h"
#include "proxy/waiting.h"
#include "proxy/worker.h"

enum {
	LARGE_HEAD_BYTES = 2 << 20,
	SMALL_BODY_BYTES = 64 << 10,
};

/* The tighter of two bounds, of which 0 is none. */
static uint64_t bound(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

static uint64_t response_header_ns(const struct exchange *exchange)
{
	uint64_t wait_ns = bound(upstream_transport(exchange->pick.server)->response_header_ns,
				 exchange->request.deadlines.response_header_ns);

	return wait_ns ? wait_ns : ENTRY_WAIT_MAX_S * NS_PER_SEC;
}

/*
 * The response header time-out begins when the request was sent to its end (reference a.7). Before
 * that the server must take what is there, and the client's own deadlines hold; afterwards a body
 * may be silent for long.
 */
void attempt_set_deadline(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;
	struct link *link = &exchange->upstream->link;
	uint64_t wait_ns = ENTRY_WAIT_MAX_S * NS_PER_SEC;

	if (link_backlog(link))
		wait_ns = ENTRY_WRITE_STALL_S * NS_PER_SEC;
	else if (!exchange->responded && exchange->up.done)
		wait_ns = response_header_ns(exchange);
	if (exchange->request.deadlines.idle_ns)
		wait_ns = bound(wait_ns, exchange->request.deadlines.idle_ns);
	timer_set(&worker->loop.timers, &link->timer, worker->loop.now_ns + wait_ns);
}

void attempt_release(struct exchange *exchange, bool may_reuse)
{
	if (exchange->load.member)
		balance_end(&exchange->load, exchange->origin_status, exchange->worker);
	if (exchange->upstream)
		upstream_release(exchange->upstream, may_reuse);
	exchange->upstream = NULL;
}

/* ------------------------------------------------------------------ beginning -- */

/*
 * What may not be sent twice is not sent over a connection whose end has come but was not looked at
 * yet. Others are tried again for nothing.
 */
static bool is_stale(const struct exchange *exchange, struct upstream *upstream)
{
	char byte;
	ssize_t n;

	if (upstream->link.io.fd < 0 || method_is_idempotent(exchange->request.method_id))
		return false;
	n = recv(upstream->link.io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	/* What is there may be no data under TLS: a new ticket, or the end. */
	if (n > 0 && upstream->link.tls)
		return link_read(&upstream->link, &byte, 1) != -EAGAIN;
	return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

static struct upstream *reuse_connection(struct exchange *exchange)
{
	struct upstream *upstream;

	while ((upstream = upstream_reuse(exchange->worker, exchange->pick.server,
					  &exchange->owner)) &&
	       is_stale(exchange, upstream))
		upstream_release(upstream, false);
	return upstream;
}

/* reuse: an idle connection will do. */
static void connect_to_server(struct exchange *exchange, bool reuse)
{
	struct worker *worker = exchange->worker;
	const struct server *server = exchange->pick.server;
	struct upstream *upstream = NULL;

	if (exchange->n_tried < BALANCE_TRIED_MAX)
		exchange->tried[exchange->n_tried++] = server;
	if (server->member)
		balance_begin(&exchange->load, &exchange->pick);
	if (reuse)
		upstream = reuse_connection(exchange);
	if (upstream) {
		exchange->upstream = upstream;
		attempt_send(exchange);
		return;
	}
	int error = upstream_dial(worker, server, &exchange->owner, &upstream);

	if (error) {
		attempt_dial_failed(exchange, FAIL_DIAL_FAILED);
		return;
	}
	exchange->upstream = upstream;
	exchange->state = EXCHANGE_DIAL;
}

/*
 * A small body that may be sent twice is awaited, so that it can be: it comes in a moment, and a
 * server that goes away then costs nothing.
 */
static bool awaits_small_body(const struct exchange *exchange)
{
	const struct request *request = &exchange->request;

	return request->body == BODY_LENGTH && request->content_length <= SMALL_BODY_BYTES &&
	       method_is_idempotent(request->method_id) && exchange->is_fresh &&
	       exchange->early.len < (size_t)request->content_length && !request->expect_continue &&
	       !exchange->pipeline.request_filter;
}

static void send_to_server(struct exchange *exchange)
{
	struct request *request = &exchange->request;

	if (awaits_small_body(exchange) && !upload_keep(exchange, -1, 0, send_to_server))
		return;
	if (!exchange->was_sent) {
		enum fail fail = forwarded_send(request, &exchange->conn->entry->reading.forwarded);

		if (fail || exchange->arena.failed) {
			exchange_fail(exchange, fail ? fail : FAIL_INTERNAL);
			return;
		}
		exchange->was_sent = true;
	}
	if (request->upgrade)
		websocket_spell(&request->headers);
	if (request->deadlines.total_ns)
		exchange_set_deadline(exchange);
	exchange->n_attempts++;
	exchange->origin_begin_ns = exchange->worker->loop.now_ns;
	exchange->owner.use = exchange->use;
	exchange->owner.wants_upgrade = request->upgrade;
	exchange->owner.private_to = exchange->conn->private_to;
	exchange->owner.client = (struct proxy_header){true, request->peer, request->local,
						       request->peer_port, request->local_port};
	connect_to_server(exchange, true);
}

/* What a service further up the choice wants of the request, before it is sent. */
static void prepare_composites(struct exchange *exchange)
{
	if (composite_prepare(exchange, prepare_composites))
		send_to_server(exchange);
}

static void enter_chain(struct exchange *exchange)
{
	const struct service *service = exchange->pick.service;

	if (pipeline_enter(&exchange->pipeline, service->chain, service, &exchange->request,
			   exchange->was_sent) < 0) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return;
	}
	exchange->state = EXCHANGE_MIDDLEWARE;
	exchange_run_middlewares(exchange);
}

static void follow(struct exchange *exchange, enum balance_result result)
{
	const struct balance_pick *pick = &exchange->pick;

	if ((pick->failover || pick->mirroring) && !composite_note(exchange)) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return;
	}
	switch (result) {
	case BALANCE_SERVER:
		if (pick->failover || pick->mirroring)
			prepare_composites(exchange);
		else
			send_to_server(exchange);
		return;
	case BALANCE_NOOP:
		reply_status(exchange, 418);
		return;
	case BALANCE_CHAIN:
		enter_chain(exchange);
		return;
	default:
		exchange_fail(exchange, FAIL_NO_SERVER);
		return;
	}
}

void attempt_begin(struct exchange *exchange)
{
	if (!exchange->route->service) {
		exchange_fail(exchange, FAIL_SERVICE_BROKEN);
		return;
	}
	follow(exchange,
	       balance_pick(exchange->worker, exchange->route->service, &exchange->request,
			    exchange->tried, exchange->n_tried, &exchange->pick));
}

void attempt_go_on(struct exchange *exchange)
{
	follow(exchange, balance_go_on(exchange->worker, &exchange->request, exchange->tried,
				       exchange->n_tried, &exchange->pick));
}

/* ---------------------------------------------------------------- once more ---- */

/* The choice is made anew below service: cookies of what was chosen there are void. */
static void forget_choice(struct exchange *exchange, const struct service *service)
{
	struct balance_pick *pick = &exchange->pick;
	const struct sticky *sticky = pick->service ? pick->service->sticky : NULL;
	uint8_t n = 0;

	for (uint8_t i = 0; i < pick->n_cookies; i++)
		if (pick->cookies[i].sticky != sticky && pick->cookies[i].sticky != service->sticky)
			pick->cookies[n++] = pick->cookies[i];
	pick->n_cookies = n;
	pick->server = NULL;
	pick->noop = NULL;
	pick->depth = 0;
	pick->service = service;
}

void attempt_at(struct exchange *exchange, const struct service *service)
{
	forget_choice(exchange, service);
	exchange->n_tried = 0;
	if (service->chain)
		follow(exchange, BALANCE_CHAIN);
	else
		attempt_go_on(exchange);
}

static void count_retry(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;

	exchange->n_retries++;
	worker_count(&worker->counters.retries, 1);
	if (worker->metrics && exchange->pick.service)
		metric_add(worker->metrics, exchange->pick.service->series, METRIC_RETRIES, 1);
}

/* From where the middleware stands that has asked. */
static void begin_again(struct exchange *exchange)
{
	const struct service *service = exchange->pipeline.inner->service;

	if (exchange->n_tried >= BALANCE_TRIED_MAX)
		exchange->n_tried = 0;
	if (service) {
		forget_choice(exchange, service);
		attempt_go_on(exchange);
	} else {
		attempt_begin(exchange);
	}
}

void attempt_forget(struct exchange *exchange, const struct pipeline_level *level)
{
	exchange->was_sent = pipeline_rewind(&exchange->pipeline, level, exchange->worker,
					     &exchange->request, exchange->was_sent);
	exchange->fail = FAIL_NONE;
	exchange->origin_status = 0;
	exchange->upload_broken = false;
	exchange->n_interim = 0;
	exchange->n_replays = 0;
	exchange->state = EXCHANGE_MIDDLEWARE;
}

void attempt_again(struct exchange *exchange, const struct pipeline_level *level, uint64_t until_ns)
{
	count_retry(exchange);
	attempt_forget(exchange, level);
	exchange->has_failed_over = false;
	if (!waiting_until(exchange, until_ns, begin_again))
		exchange_fail(exchange, FAIL_INTERNAL);
}

static bool was_tried(const struct exchange *exchange, const struct server *server)
{
	for (uint8_t i = 0; i < exchange->n_tried; i++)
		if (exchange->tried[i]->id == server->id)
			return true;
	return false;
}

/* Another server of the same service; what was chosen above it stays chosen. */
static bool pick_other(struct exchange *exchange)
{
	const struct service *service = exchange->pick.service;
	struct balance_pick other = {.service = service};

	if (exchange->n_tried >= BALANCE_TRIED_MAX ||
	    balance_go_on(exchange->worker, &exchange->request, exchange->tried, exchange->n_tried,
			  &other) != BALANCE_SERVER ||
	    was_tried(exchange, other.server))
		return false;
	exchange->pick.server = other.server;
	for (uint8_t i = 0; i < exchange->pick.n_cookies; i++)
		if (exchange->pick.cookies[i].sticky == service->sticky)
			exchange->pick.n_cookies = i;
	if (other.n_cookies && exchange->pick.n_cookies < BALANCE_DEPTH_MAX)
		exchange->pick.cookies[exchange->pick.n_cookies++] = other.cookies[0];
	return true;
}

void attempt_dial_failed(struct exchange *exchange, enum fail fail)
{
	exchange->upstream = NULL;
	balance_end(&exchange->load, fail_row(fail)->status, exchange->worker);
	if (pick_other(exchange)) {
		count_retry(exchange);
		connect_to_server(exchange, true);
		return;
	}
	exchange_fail(exchange, fail);
}

/*
 * What may have been seen is repeated once, if it does no harm twice. A connection that was used
 * before may have been about to end, which says nothing of the server: then that server is asked
 * again, over a new connection, and if it is really gone another one may be.
 */
static bool may_repeat(const struct exchange *exchange, bool was_reused)
{
	return method_is_idempotent(exchange->request.method_id) &&
	       (exchange->n_replays == 0 ||
		(exchange->n_replays == 1 && exchange->was_stale && !was_reused));
}

void attempt_lost(struct exchange *exchange, bool nothing_sent)
{
	struct upstream *upstream = exchange->upstream;
	bool was_reused = upstream->n_exchanges > 0;
	/* What the server has not looked at counts as not sent (RFC 9113 8.7). */
	bool unseen = nothing_sent || upstream->unprocessed;
	/* Where nothing was sent, nothing was taken from the client but what came with the head. */
	bool is_here = exchange->replayable || (nothing_sent && !exchange->pipeline.request_filter);
	bool may_retry = is_here && !exchange->n_interim && !exchange->request.upgrade &&
			 (unseen ? exchange->n_replays < BALANCE_TRIED_MAX
				 : may_repeat(exchange, was_reused));

	if (!was_reused || !may_retry)
		balance_end(&exchange->load, fail_row(FAIL_UPSTREAM_CLOSED)->status,
			    exchange->worker);
	attempt_release(exchange, false);
	if (!may_retry || (!was_reused && !pick_other(exchange) && !unseen)) {
		exchange_fail(exchange, FAIL_UPSTREAM_CLOSED);
		return;
	}
	exchange->was_stale = was_reused;
	exchange->n_replays++;
	count_retry(exchange);
	/* Others that idle there may be as stale: a new connection tells for sure. */
	connect_to_server(exchange, !was_reused);
}

/* A head that does not fit the worker's buffer: sent from a block of its own. */
static int send_large_head(struct exchange *exchange, const struct h1_request_options *options,
			   struct str body)
{
	struct worker *worker = exchange->worker;
	struct link *link = &exchange->upstream->link;
	uint32_t cap;
	char *block = block_take(&worker->blocks, LARGE_HEAD_BYTES, &cap);
	int error = -ENOMEM;

	if (block) {
		ssize_t n = h1_write_request(&exchange->request, options, block, cap);

		error = n < 0 ? (int)n : link_write2(link, str_n(block, (size_t)n), body);
		block_give(&worker->blocks, block, cap);
	}
	return error;
}

/* Head and what is there of the body, in one piece: the head goes in front of the body where that
 * stands. */
static int send_head(struct exchange *exchange, struct str body)
{
	struct worker *worker = exchange->worker;
	struct link *link = &exchange->upstream->link;
	struct h1_request_options options = {.path = exchange->pick.server->path};
	ssize_t n;

	/* A client that named no host gets the server's own: many servers refuse an empty Host. */
	if (!exchange->pick.service->pass_host_header || !exchange->request.authority.len)
		options.host = server_host(exchange->pick.server);
	n = h1_write_request(&exchange->request, &options, worker->out, WORKER_OUT_BYTES);
	if (n == -ENOSPC)
		return send_large_head(exchange, &options, body);
	if (n < 0)
		return (int)n;
	if (!body.len)
		return link_write(link, worker->out, (size_t)n);
	/* In front of the body, where that stands; a filter's output stands elsewhere. */
	if ((size_t)n > (size_t)(body.at - worker->scratch) ||
	    (size_t)(body.at - worker->scratch) > WORKER_SCRATCH_BYTES)
		return link_write2(link, str_n(worker->out, (size_t)n), body);
	char *at = (char *)(uintptr_t)body.at - n;

	memcpy(at, worker->out, (size_t)n);
	return link_write(link, at, (size_t)n + body.len);
}

void attempt_send(struct exchange *exchange)
{
	struct str body;
	enum fail fail;
	int error;

	exchange->state = EXCHANGE_FORWARD;
	fail = upload_start(exchange, &body);
	if (fail) {
		exchange_fail(exchange, fail);
		return;
	}
	error = send_head(exchange, body);
	if (error == -ENOMEM || error == -ENOSPC) {
		exchange_fail(exchange, error == -ENOSPC ? FAIL_HEAD_TOO_LARGE : FAIL_INTERNAL);
		return;
	}
	if (error) {
		attempt_lost(exchange, true);
		return;
	}
	exchange->sent_any = true;
	attempt_set_deadline(exchange);
	if (!exchange->up.done || link_backlog(&exchange->upstream->link))
		exchange_move(exchange);
}
