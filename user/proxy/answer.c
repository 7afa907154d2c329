// SPDX-License-Identifier: Apache-2.0
/* answer: see the header. */

#include "proxy/answer.h"

#include <errno.h>

#include "base/clock.h"
#include "http/h1_write.h"
#include "http/header.h"
#include "proxy/attempt.h"
#include "proxy/composite.h"
#include "proxy/conn.h"
#include "proxy/record.h"
#include "proxy/reply.h"
#include "proxy/tunnel.h"
#include "proxy/upload.h"
#include "proxy/waiting.h"
#include "proxy/worker.h"

enum {
	STATUS_SWITCHING = 101,
	STATUS_NOT_MODIFIED = 304,
	TURNS_PER_EVENT = 8,
	LOCAL_PIECE_BYTES = 256 << 10,
	FLUSH_DEFAULT_MS = 100, /* reference d.5 */
};

/* One on its way through; the fast path has it on the stack. */
struct passing {
	struct exchange_answer *held; /* NULL: not held */
	struct response *response;
	struct str rest, body;
	uint8_t source_body;
	int64_t source_length;
	bool is_local, may_keep;
};

/* ------------------------------------------------------------------- sending --- */

/* Head (in the worker's out buffer) and body leave together. */
static int send_with_head(struct exchange *exchange, size_t head_len, struct str body)
{
	struct worker *worker = exchange->worker;
	struct link *client = &exchange->conn->link;

	if (!body.len)
		return link_write(client, worker->out, head_len);
	/* In front of the body, where that stands; a filter's output stands elsewhere. */
	if (head_len > (size_t)(body.at - worker->scratch) ||
	    (size_t)(body.at - worker->scratch) > WORKER_SCRATCH_BYTES)
		return link_write2(client, str_n(worker->out, head_len), body);
	char *at = (char *)(uintptr_t)body.at - head_len;

	memcpy(at, worker->out, head_len);
	return link_write(client, at, head_len + body.len);
}

static void after_head(struct exchange *exchange, struct str rest)
{
	if (exchange->status == STATUS_SWITCHING)
		tunnel_begin(exchange, rest);
	else if (exchange->down.done)
		exchange_finish(exchange);
	else
		exchange_move(exchange);
}

/* Filters see the response for as long as the body lasts. */
static bool keep_response(struct exchange *exchange, struct filter *filter,
			  const struct response *response)
{
	struct response *copy = ARENA_NEW(&exchange->arena, struct response);
	struct headers *headers;

	if (!copy)
		return false;
	*copy = *response;
	headers = &copy->headers;
	headers->at = ARENA_ARRAY(&exchange->arena, struct header, headers->n + 1U);
	headers->cap = (uint16_t)(headers->n + 1U);
	if (!headers->at)
		return false;
	for (uint16_t i = 0; i < headers->n; i++) {
		headers->at[i] = response->headers.at[i];
		headers->at[i].name = arena_str(&exchange->arena, headers->at[i].name);
		headers->at[i].value = arena_str(&exchange->arena, headers->at[i].value);
	}
	filter_set_response(filter, copy);
	return !exchange->arena.failed;
}

/* A body of unknown length, or of events, goes out as it comes; others may be held back for a
 * moment (reference d.5: flushInterval). */
static uint64_t flush_after_ns(const struct exchange *exchange, const struct passing *passing)
{
	const struct service *service = exchange->pick.service;
	int64_t interval_ns = service ? service->flush_interval_ns : 0;

	if (passing->source_body != BODY_LENGTH || interval_ns < 0)
		return 0;
	return interval_ns ? (uint64_t)interval_ns : FLUSH_DEFAULT_MS * NS_PER_MS;
}

/* How the body goes out where it is not simply passed on. False: no memory. */
static bool begin_special(struct exchange *exchange, struct passing *passing,
			  const struct h1_framing *framing)
{
	struct filter *filter = exchange->pipeline.response_filter;
	bool has_begun = passing->held && passing->held->has_begun;

	if (framing->body == BODY_NONE || passing->response->status == STATUS_SWITCHING)
		filter = NULL;
	if (filter) {
		if (!keep_response(exchange, filter, passing->response))
			return false;
		filter->flush_after_ns = flush_after_ns(exchange, passing);
		filter->flushed_ns = exchange->worker->loop.now_ns;
		if (framing->body == BODY_LENGTH)
			filter->length = passing->response->content_length;
	}
	if (filter || has_begun)
		stream_send_from(&exchange->down, framing->body,
				 has_begun ? &passing->held->begin : NULL, filter);
	return true;
}

static void send_server(struct exchange *exchange, struct passing *passing)
{
	struct worker *worker = exchange->worker;
	struct response *response = passing->response;
	struct str body = {worker_read_at(worker), 0};
	struct h1_framing framing;
	ssize_t n;

	/* A body that is still coming cannot be told from the next request: the connection ends
	 * with it. */
	framing = h1_frame_response(&exchange->request, response,
				    upload_is_read(exchange) && conn_may_keep(exchange->conn));
	n = h1_write_response(response, &framing, worker_date(worker), worker->out,
			      WORKER_OUT_BYTES);
	if (n < 0 || exchange->arena.failed) {
		exchange_fail(exchange, n < 0 ? FAIL_UPSTREAM_HEAD_LARGE : FAIL_INTERNAL);
		return;
	}
	/* Trailers are read in any case, and passed on where the framing has a place for them. */
	if (!passing->held || !passing->held->has_begun)
		stream_init(&exchange->down, passing->source_body, passing->source_length,
			    framing.body, &exchange->arena);
	if ((passing->held || exchange->pipeline.response_filter) &&
	    !begin_special(exchange, passing, &framing)) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return;
	}
	if (response->status != STATUS_SWITCHING && passing->rest.len) {
		enum stream_result result = stream_convert(
			&exchange->down, &exchange->upstream->link,
			(char *)(uintptr_t)passing->rest.at, passing->rest.len, &body);

		if (result == STREAM_SOURCE_BAD || result == STREAM_SINK_LOST) {
			exchange_fail(exchange, FAIL_UPSTREAM_BAD);
			return;
		}
	}
	exchange->status = response->status;
	exchange->responded = true;
	exchange->keep_client = framing.keep_alive;
	exchange->state = EXCHANGE_FORWARD;
	if (send_with_head(exchange, (size_t)n, body) < 0) {
		exchange_abort(exchange);
		return;
	}
	after_head(exchange, passing->rest);
}

/* An own body is there as a whole: so its length is known whatever the filters make of it. */
static bool filter_local(struct exchange *exchange, struct response *response, struct str *body)
{
	struct filter *filter = exchange->pipeline.response_filter;
	struct h1_framing framing = h1_frame_response(&exchange->request, response, false);
	struct mw_span span = {.bytes = *body, .is_last = true};

	if (!filter || framing.body == BODY_NONE)
		return true;
	if (!keep_response(exchange, filter, response) || filter_push(filter, &span, body) < 0)
		return false;
	response->body = BODY_LENGTH;
	response->content_length = (int64_t)body->len;
	return true;
}

static void send_local(struct exchange *exchange, struct passing *passing)
{
	struct worker *worker = exchange->worker;
	struct link *client = &exchange->conn->link;
	struct response *response = passing->response;
	struct str body = passing->body;
	bool may_keep = upload_drop(exchange) && conn_may_keep(exchange->conn) && passing->may_keep;
	struct h1_framing framing;
	ssize_t n = -ENOMEM;
	int error;

	if (filter_local(exchange, response, &body)) {
		framing = h1_frame_response(&exchange->request, response, may_keep);
		n = h1_write_response(response, &framing, worker_date(worker), worker->out,
				      WORKER_OUT_BYTES);
	}
	if (n < 0) {
		exchange_end(exchange, EXCHANGE_CLOSE);
		return;
	}
	if (framing.body == BODY_NONE)
		body.len = 0;
	exchange->status = response->status;
	exchange->responded = true;
	exchange->keep_client = framing.keep_alive;
	exchange->replied_bytes = body.len;
	exchange->state = EXCHANGE_REPLY;
	if ((size_t)n + body.len <= WORKER_OUT_BYTES) {
		if (body.len)
			memcpy(worker->out + n, body.at, body.len);
		error = link_write(client, worker->out, (size_t)n + body.len);
	} else {
		struct str piece = str_take(body, LOCAL_PIECE_BYTES);

		error = link_write2(client, str_n(worker->out, (size_t)n), piece);
		if (!error && piece.len < body.len) {
			struct exchange_more *more = exchange_more(exchange);

			error = more ? 0 : -ENOMEM;
			if (more)
				more->reply_rest = str_from(body, piece.len);
		}
	}
	if (error)
		exchange_abort(exchange);
	else
		exchange_finish(exchange);
}

int answer_write_rest(struct exchange *exchange)
{
	struct link *client = &exchange->conn->link;
	struct str *rest = &exchange->more->reply_rest;

	while (rest->len) {
		struct str piece = str_take(*rest, LOCAL_PIECE_BYTES);
		int error;

		if (link_backlog(client))
			return -EAGAIN;
		error = link_write(client, piece.at, piece.len);
		if (error)
			return error;
		*rest = str_from(*rest, piece.len);
	}
	return link_backlog(client) ? -EAGAIN : 0;
}

/* ------------------------------------------------------------------- holding --- */

static bool copy_texts(struct arena *arena, struct response *response)
{
	struct headers *headers = &response->headers;
	struct header *at = ARENA_ARRAY(arena, struct header, headers->n + 8U);

	if (!at)
		return false;
	for (uint16_t i = 0; i < headers->n; i++) {
		at[i] = headers->at[i];
		at[i].name = arena_str(arena, at[i].name);
		at[i].value = arena_str(arena, at[i].value);
	}
	headers->at = at;
	headers->cap = (uint16_t)(headers->n + 8U);
	response->reason = arena_str(arena, response->reason);
	return !arena->failed;
}

/* From the stack to where it can stay. False: it has ended. */
static bool hold(struct exchange *exchange, struct passing *passing)
{
	struct exchange_more *more = exchange_more(exchange);
	struct exchange_answer *answer;
	struct link *server = passing->is_local ? NULL : &exchange->upstream->link;

	if (passing->held)
		return true;
	if (!more) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return false;
	}
	answer = &more->answer;
	body_store_done(&answer->begin);
	*answer = (struct exchange_answer){.response = *passing->response,
					   .source_body = passing->source_body,
					   .source_length = passing->source_length,
					   .is_local = passing->is_local,
					   .may_keep = passing->may_keep,
					   .is_held = true,
					   .body = passing->body,
					   .begin.fd = -1};
	if (!copy_texts(&exchange->arena, &answer->response) ||
	    (passing->rest.len && held_add(&server->in, &exchange->worker->blocks, passing->rest.at,
					   passing->rest.len) < 0)) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return false;
	}
	passing->rest.len = 0;
	passing->held = answer;
	passing->response = &answer->response;
	exchange->state = EXCHANGE_ANSWER;
	if (server)
		timer_cancel(&exchange->worker->loop.timers, &server->timer);
	return true;
}

/* The answer is dropped, and the server's connection with it; kept if nothing more comes. */
static void drop(struct exchange *exchange, struct passing *passing)
{
	struct exchange_answer *held = passing->held;
	struct upstream *upstream = exchange->upstream;
	bool has_begun = held && held->has_begun, is_read = held && held->is_whole;
	struct str out;

	if (held) {
		body_store_done(&held->begin);
		*held = (struct exchange_answer){.begin.fd = -1};
	}
	if (!upstream)
		return;
	if (!has_begun) {
		stream_init(&exchange->down, passing->source_body, passing->source_length,
			    BODY_NONE, NULL);
		if (passing->rest.len)
			stream_convert(&exchange->down, &upstream->link,
				       (char *)(uintptr_t)passing->rest.at, passing->rest.len,
				       &out);
		is_read = exchange->down.done;
	}
	exchange->origin_end_ns = exchange->worker->loop.now_ns;
	attempt_release(exchange, is_read && exchange->keep_upstream && exchange->up.done &&
					  !exchange->upload_broken);
}

/* -------------------------------------------------------------- middlewares ---- */

static struct pipeline_facts facts_of(const struct exchange *exchange,
				      const struct passing *passing)
{
	struct pipeline_facts facts = {
		.from_server = !passing->is_local,
		.never_sent = !exchange->sent_any,
		.may_again = !exchange->responded && exchange->route && exchange->n_attempts > 0 &&
			     passing->response->status != STATUS_SWITCHING &&
			     upload_is_replayable(exchange),
		.fail = exchange->fail,
		.n_attempts = exchange->n_attempts,
		.service = exchange->pick.service,
	};

	if (exchange->origin_begin_ns)
		facts.origin_ns = exchange->worker->loop.now_ns - exchange->origin_begin_ns;
	if (passing->held) {
		facts.response_begin = body_store_memory(&passing->held->begin);
		if (passing->is_local)
			facts.response_begin = passing->held->body;
		facts.response_is_whole = passing->held->is_whole;
		facts.response_too_large = passing->held->is_too_large;
	}
	return facts;
}

static void resume(struct exchange *exchange);

/* True: all have seen it. False: it is held, replaced, or the exchange has ended. */
static bool pass(struct exchange *exchange, struct passing *passing)
{
	struct pipeline *pipeline = &exchange->pipeline;

	for (;;) {
		struct pipeline_facts facts = facts_of(exchange, passing);

		switch (pipeline_answer(pipeline, exchange->worker, &exchange->request,
					passing->response, &facts)) {
		case PIPELINE_WAIT:
			if (!hold(exchange, passing) || !waiting_begin(exchange, resume))
				return false;
			break;
		case PIPELINE_REPLY:
			drop(exchange, passing);
			exchange->fail = FAIL_NONE;
			reply_middleware(exchange);
			return false;
		case PIPELINE_AGAIN:
			drop(exchange, passing);
			attempt_again(exchange, pipeline->again, pipeline->call.wait.until_ns);
			return false;
		default:
			return true;
		}
	}
}

static void go(struct exchange *exchange, struct passing *passing)
{
	if (exchange->pipeline.has_response_hooks && !pass(exchange, passing))
		return;
	if (passing->is_local)
		send_local(exchange, passing);
	else
		send_server(exchange, passing);
}

static void resume(struct exchange *exchange)
{
	struct exchange_answer *answer = &exchange->more->answer;
	struct passing passing = {.held = answer,
				  .response = &answer->response,
				  .body = answer->body,
				  .source_body = answer->source_body,
				  .source_length = answer->source_length,
				  .is_local = answer->is_local,
				  .may_keep = answer->may_keep};

	go(exchange, &passing);
}

static void add_cookies(struct exchange *exchange, struct response *response)
{
	for (uint8_t i = 0; i < exchange->pick.n_cookies; i++)
		header_add_id(&response->headers, HEADER_SET_COOKIE,
			      balance_cookie_text(&exchange->pick.cookies[i], &exchange->arena));
}

void answer_server(struct exchange *exchange, struct response *response, struct str rest)
{
	struct passing passing = {.response = response,
				  .rest = rest,
				  .source_body = response->body,
				  .source_length = response->content_length};

	record_send_for_lines(exchange);
	exchange->origin_status = response->status;
	exchange->keep_upstream = response->keep_alive;
	if (upstream_becomes_private(response) && !exchange->conn->private_to)
		exchange->conn->private_to = ++exchange->worker->n_private;
	if (exchange->load.member)
		balance_first_byte(&exchange->load,
				   exchange->worker->loop.now_ns - exchange->origin_begin_ns);
	if (exchange->pick.failover && composite_takes(exchange, response->status)) {
		drop(exchange, &passing);
		composite_fail_over(exchange);
		return;
	}
	add_cookies(exchange, response);
	record_send_for(exchange);
	go(exchange, &passing);
}

void answer_local(struct exchange *exchange, struct response *response, struct str body,
		  bool may_keep)
{
	struct passing passing = {
		.response = response, .body = body, .is_local = true, .may_keep = may_keep};

	/* A server that could not be asked is as bad as its answer (reference d.2). */
	if (exchange->pick.failover && exchange->fail >= FAIL_DIAL_FAILED &&
	    composite_takes(exchange, response->status)) {
		composite_fail_over(exchange);
		return;
	}
	response->body = body.len ? BODY_LENGTH : BODY_NONE;
	/* RFC 9110 8.6: with 304 it would be that of the body which is not sent. */
	response->content_length = response->status == STATUS_NOT_MODIFIED ? -1 : (int64_t)body.len;
	go(exchange, &passing);
}

/* ---------------------------------------------------------- the body's beginning */

static bool is_enough(const struct exchange_answer *answer, const struct mw_wait_response *wait)
{
	uint64_t n = body_store_len(&answer->begin);

	if (answer->is_whole)
		return true;
	if (wait->whole)
		return wait->max_bytes >= 0 && n > (uint64_t)wait->max_bytes;
	return wait->min_bytes >= 0 && n >= (uint64_t)wait->min_bytes;
}

/* Reads on. True: what was asked for is there; false: later, or it has ended. */
static bool read_begin(struct exchange *exchange)
{
	const struct mw_wait_response *wait = &exchange->pipeline.call.wait.response;
	struct exchange_answer *answer = &exchange->more->answer;
	struct link *server = &exchange->upstream->link;
	int error;

	for (int turn = 0; turn < TURNS_PER_EVENT; turn++) {
		if (is_enough(answer, wait))
			return true;
		switch (stream_keep(&exchange->down, server, NULL, 0, &answer->begin, &error)) {
		case STREAM_DONE:
			answer->is_whole = true;
			break;
		case STREAM_TURN:
			break;
		case STREAM_READ:
			if (!wait->whole && body_store_len(&answer->begin))
				return true;
			attempt_set_deadline(exchange);
			return false;
		case STREAM_SINK_LOST:
			exchange_fail(exchange, FAIL_INTERNAL);
			return false;
		default:
			exchange_fail(exchange, FAIL_UPSTREAM_CLOSED);
			return false;
		}
	}
	loop_again(&exchange->worker->loop, &server->io);
	return false;
}

/* Nothing more is read until the answer goes on. */
static void stop_awaiting(struct exchange *exchange)
{
	const struct mw_wait_response *wait = &exchange->pipeline.call.wait.response;
	struct exchange_answer *answer = &exchange->more->answer;

	answer->is_awaited = false;
	answer->is_too_large = wait->whole && wait->max_bytes >= 0 &&
			       body_store_len(&answer->begin) > (uint64_t)wait->max_bytes;
	timer_cancel(&exchange->worker->loop.timers, &exchange->upstream->link.timer);
}

bool answer_await(struct exchange *exchange, const struct mw_wait_response *wait)
{
	struct exchange_answer *answer = &exchange->more->answer;

	if (answer->is_local) {
		answer->is_whole = true;
		answer->is_too_large = wait->whole && wait->max_bytes >= 0 &&
				       answer->body.len > (size_t)wait->max_bytes;
		return true;
	}
	if (!answer->has_begun) {
		answer->has_begun = true;
		body_store_init(&answer->begin, &exchange->worker->shared->spool, 0);
		stream_init(&exchange->down, answer->source_body, answer->source_length, BODY_NONE,
			    &exchange->arena);
		answer->is_whole = h1_body_done(&exchange->down.body);
	}
	answer->is_awaited = true;
	if (!read_begin(exchange))
		return false;
	stop_awaiting(exchange);
	return true;
}

void answer_on_upstream(struct exchange *exchange)
{
	if (!exchange->more->answer.is_awaited || !read_begin(exchange))
		return;
	stop_awaiting(exchange);
	resume(exchange);
}
