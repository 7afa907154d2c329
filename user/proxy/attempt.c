// SPDX-License-Identifier: Apache-2.0
/* attempt: see the header. */

#include "proxy/attempt.h"

#include <errno.h>

#include "base/clock.h"
#include "http/forwarded.h"
#include "http/h1_write.h"
#include "http/method.h"
#include "proxy/conn.h"
#include "proxy/reply.h"
#include "proxy/worker.h"

enum { LARGE_HEAD_BYTES = 2 << 20 };

static uint64_t response_header_ns(const struct exchange *exchange)
{
	uint64_t wait_ns = upstream_transport(exchange->pick.server)->response_header_ns;

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
	timer_set(&worker->loop.timers, &link->timer, worker->loop.now_ns + wait_ns);
}

/* reuse: an idle connection will do. */
static void connect_to_server(struct exchange *exchange, bool reuse)
{
	struct worker *worker = exchange->worker;
	const struct server *server = exchange->pick.server;
	struct upstream *upstream = NULL;

	if (exchange->n_tried < BALANCE_TRIED_MAX)
		exchange->tried[exchange->n_tried++] = server;
	if (reuse)
		upstream = upstream_reuse(worker, server, &exchange->owner);
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

void attempt_begin(struct exchange *exchange)
{
	struct request *request = &exchange->request;
	enum fail fail;

	if (!exchange->route->service) {
		exchange_fail(exchange, FAIL_SERVICE_BROKEN);
		return;
	}
	switch (balance_pick(exchange->worker, exchange->route->service, request, NULL, 0,
			     &exchange->pick)) {
	case BALANCE_SERVER:
		break;
	case BALANCE_NOOP:
		reply_status(exchange, 418);
		return;
	default:
		exchange_fail(exchange, FAIL_NO_SERVER);
		return;
	}
	fail = forwarded_send(request, &exchange->conn->entry->reading.forwarded);
	if (fail || exchange->arena.failed) {
		exchange_fail(exchange, fail ? fail : FAIL_INTERNAL);
		return;
	}
	exchange->origin_begin_ns = exchange->worker->loop.now_ns;
	exchange->owner.use = exchange->use;
	exchange->owner.wants_upgrade = request->upgrade;
	exchange->owner.client = (struct proxy_header){true, request->peer, request->local,
						       request->peer_port, request->local_port};
	connect_to_server(exchange, true);
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
	struct balance_pick other;

	if (exchange->n_tried >= BALANCE_TRIED_MAX ||
	    balance_pick(exchange->worker, service, &exchange->request, exchange->tried,
			 exchange->n_tried, &other) != BALANCE_SERVER ||
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

static void count_retry(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;

	exchange->n_retries++;
	worker_count(&worker->counters.retries, 1);
	if (worker->metrics)
		metric_add(worker->metrics, exchange->pick.service->series, METRIC_RETRIES, 1);
}

void attempt_dial_failed(struct exchange *exchange, enum fail fail)
{
	exchange->upstream = NULL;
	if (pick_other(exchange)) {
		count_retry(exchange);
		connect_to_server(exchange, true);
		return;
	}
	exchange_fail(exchange, fail);
}

void attempt_lost(struct exchange *exchange, bool nothing_sent)
{
	struct upstream *upstream = exchange->upstream;
	/* What the server has not looked at counts as not sent (RFC 9113 8.7). */
	nothing_sent = nothing_sent || upstream->unprocessed;

	bool was_reused = upstream->n_exchanges > 0;
	bool idempotent = method_is_idempotent(exchange->request.method_id);
	bool may_retry = exchange->replayable && exchange->n_retries == 0 && !exchange->n_interim &&
			 !exchange->request.upgrade && (nothing_sent || idempotent);

	upstream_release(upstream, false);
	exchange->upstream = NULL;
	if (!may_retry || (!was_reused && !nothing_sent && !pick_other(exchange))) {
		exchange_fail(exchange, FAIL_UPSTREAM_CLOSED);
		return;
	}
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
	struct h1_request_options options = {0};
	ssize_t n;

	if (!exchange->pick.service->pass_host_header)
		options.host = exchange->pick.server->host;
	n = h1_write_request(&exchange->request, &options, worker->out, WORKER_OUT_BYTES);
	if (n == -ENOSPC)
		return send_large_head(exchange, &options, body);
	if (n < 0)
		return (int)n;
	if (!body.len)
		return link_write(link, worker->out, (size_t)n);
	if ((size_t)n > (size_t)(body.at - worker->scratch))
		return link_write2(link, str_n(worker->out, (size_t)n), body);
	char *at = (char *)(uintptr_t)body.at - n;

	memcpy(at, worker->out, (size_t)n);
	return link_write(link, at, (size_t)n + body.len);
}

void attempt_send(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;
	struct request *request = &exchange->request;
	struct link *client = &exchange->conn->link;
	char *at = worker_read_at(worker);
	struct str body = {at, 0};
	int error;

	exchange->state = EXCHANGE_FORWARD;
	stream_init(&exchange->up, request->body, request->content_length, request->body,
		    request->body == BODY_CHUNKED ? &exchange->arena : NULL);
	if (exchange->early.len) {
		enum stream_result result;

		memcpy(at, exchange->early.at, exchange->early.len);
		result = stream_convert(&exchange->up, exchange->is_fresh ? client : NULL, at,
					exchange->early.len, &body);
		if (result == STREAM_SOURCE_BAD || result == STREAM_SINK_LOST) {
			exchange->is_fresh = false;
			exchange_fail(exchange, result == STREAM_SOURCE_BAD ? exchange->up.body.fail
									    : FAIL_INTERNAL);
			return;
		}
	}
	exchange->is_fresh = false;
	exchange->replayable = exchange->up.done;
	error = send_head(exchange, body);
	if (error == -ENOMEM || error == -ENOSPC) {
		exchange_fail(exchange, error == -ENOSPC ? FAIL_HEAD_TOO_LARGE : FAIL_INTERNAL);
		return;
	}
	if (error) {
		attempt_lost(exchange, true);
		return;
	}
	attempt_set_deadline(exchange);
	if (!exchange->up.done || link_backlog(&exchange->upstream->link))
		exchange_move(exchange);
}
