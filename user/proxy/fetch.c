// SPDX-License-Identifier: Apache-2.0
/* fetch: see the header. */

#include "proxy/fetch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/forwarded.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/header.h"
#include "http/method.h"
#include "proxy/balance.h"
#include "proxy/pipeline.h"
#include "proxy/stream.h"
#include "proxy/upstream.h"

enum {
	DEFAULT_TIMEOUT_S = 30,
	DEFAULT_ANSWER_BYTES = 16 << 20,
	ARENA_BYTES = 1 << 20,
	HEAD_MAX_BYTES = 64 << 10,
	READ_BYTES = 64 << 10,
	HEADERS_MAX = 256,
	TURNS_PER_EVENT = 8,
};

enum fetch_state { FETCH_DIAL, FETCH_SEND, FETCH_OVER };

struct fetch {
	struct upstream_owner owner;
	struct worker *worker;
	struct snapshot_use *use;
	struct arena arena;
	struct timer timer;
	uint8_t state, n_interim;
	bool is_starting, again_done, has_head, keep_upstream;
	const struct service *service;
	struct request request;
	struct mw_fetch *ask; /* NULL: a copy */
	uint16_t *status;
	void (*done)(void *context, void *memory);
	void *context;
	struct pipeline pipeline;
	struct balance_pick pick;
	struct balance_load load;
	const struct server *tried[BALANCE_TRIED_MAX];
	uint8_t n_tried;
	struct upstream *upstream;
	uint64_t sent_ns;
	/* The request's body: the caller's store, or own_body around the caller's text. */
	const struct body_store *body;
	struct body_store own_body;
	struct stream up;
	/* The answer. */
	struct h1_body down;
	struct body_store answer;
	uint64_t max_answer_bytes;
	uint16_t answer_status;
};

static void on_ready(struct upstream_owner *owner);
static void on_dial_failed(struct upstream_owner *owner, enum fail fail);
static void on_timeout(struct upstream_owner *owner);

static const struct upstream_events events = {
	.on_ready = on_ready,
	.on_dial_failed = on_dial_failed,
	.on_timeout = on_timeout,
};

static const struct h1_limits limits = {.max_head_bytes = HEAD_MAX_BYTES,
					.max_headers = HEADERS_MAX};

/* -------------------------------------------------------------------- the end -- */

static void release(struct fetch *fetch, bool may_reuse)
{
	balance_end(&fetch->load, fetch->answer_status, fetch->worker);
	if (fetch->upstream)
		upstream_release(fetch->upstream, may_reuse);
	fetch->upstream = NULL;
}

static void destroy(struct fetch *fetch)
{
	release(fetch, false);
	pipeline_end(&fetch->pipeline, fetch->worker, &fetch->request, fetch->answer_status != 0);
	timer_cancel(&fetch->worker->loop.timers, &fetch->timer);
	body_store_done(&fetch->answer);
	if (snapshot_use_put(fetch->use))
		worker_count(&fetch->worker->counters.snapshots_held, -1);
	arena_done(&fetch->arena);
	free(fetch);
}

void fetch_cancel(struct fetch *fetch)
{
	if (fetch)
		destroy(fetch);
}

/* The answer's body changes hands. */
static void *give_answer(struct fetch *fetch)
{
	char *memory = fetch->answer.mem;

	fetch->ask->status = fetch->answer_status;
	fetch->ask->response_body = body_store_memory(&fetch->answer);
	fetch->answer.mem = NULL;
	return memory;
}

static void finish(struct fetch *fetch, int error)
{
	void (*done)(void *, void *) = fetch->done;
	void *context = fetch->context, *memory = NULL;

	if (fetch->state == FETCH_OVER)
		return;
	fetch->state = FETCH_OVER;
	if (fetch->ask)
		fetch->ask->error = error;
	if (error)
		fetch->answer_status = 0;
	if (fetch->status)
		*fetch->status = fetch->answer_status;
	/* The caller does not know yet that it waits: start() tells it. */
	if (fetch->is_starting)
		return;
	if (fetch->ask && !error)
		memory = give_answer(fetch);
	destroy(fetch);
	done(context, memory);
}

/* ---------------------------------------------------------------- the request -- */

static void send_request(struct fetch *fetch)
{
	struct worker *worker = fetch->worker;
	struct link *link = &fetch->upstream->link;
	struct h1_request_options options = {.path = fetch->pick.server->path};
	ssize_t n;

	fetch->state = FETCH_SEND;
	fetch->has_head = false;
	if (!fetch->request.authority.len || !fetch->pick.service->pass_host_header)
		options.host = server_host(fetch->pick.server);
	n = h1_write_request(&fetch->request, &options, worker->out, WORKER_OUT_BYTES);
	if (n < 0) {
		finish(fetch, -EMSGSIZE);
		return;
	}
	timer_cancel(&worker->loop.timers, &link->timer);
	stream_init(&fetch->up, BODY_NONE, 0, BODY_LENGTH, NULL);
	if (fetch->body)
		stream_send_from(&fetch->up, BODY_LENGTH,
				 (struct body_store *)(uintptr_t)fetch->body, NULL);
	fetch->sent_ns = worker->loop.now_ns;
	if (link_write(link, worker->out, (size_t)n) < 0) {
		finish(fetch, -ECONNRESET);
		return;
	}
	on_ready(&fetch->owner);
}

static void connect_to_server(struct fetch *fetch, bool reuse)
{
	const struct server *server = fetch->pick.server;
	struct upstream *upstream = NULL;

	if (fetch->n_tried < BALANCE_TRIED_MAX)
		fetch->tried[fetch->n_tried++] = server;
	balance_begin(&fetch->load, &fetch->pick);
	if (reuse)
		upstream = upstream_reuse(fetch->worker, server, &fetch->owner);
	if (upstream) {
		fetch->upstream = upstream;
		send_request(fetch);
		return;
	}
	fetch->state = FETCH_DIAL;
	if (upstream_dial(fetch->worker, server, &fetch->owner, &fetch->upstream) < 0) {
		fetch->upstream = NULL;
		on_dial_failed(&fetch->owner, FAIL_DIAL_FAILED);
	}
}

/* A middleware of a service answers in its place. */
static void answer_by_middleware(struct fetch *fetch)
{
	const struct mw_reply *reply = &fetch->pipeline.call.reply;

	fetch->answer_status = reply->status;
	if (fetch->ask) {
		for (uint16_t i = 0; i < reply->headers.n; i++)
			if (!reply->headers.at[i].gone)
				header_add(&fetch->ask->response_headers, reply->headers.at[i].name,
					   reply->headers.at[i].value);
		body_store_add(&fetch->answer, reply->body.at, reply->body.len);
	}
	finish(fetch, 0);
}

/* Where the choice stands: on to a server, through the middlewares on the way. */
static void follow(struct fetch *fetch, enum balance_result result)
{
	struct pipeline *pipeline = &fetch->pipeline;

	while (result == BALANCE_CHAIN) {
		const struct service *service = fetch->pick.service;

		if (pipeline_enter(pipeline, service->chain, service, &fetch->request, false) < 0) {
			finish(fetch, -ENOMEM);
			return;
		}
		switch (pipeline_run(pipeline, fetch->worker, &fetch->request)) {
		case PIPELINE_NEXT:
			break;
		case PIPELINE_REPLY:
			answer_by_middleware(fetch);
			return;
		default:
			finish(fetch, -EPROTO);
			return;
		}
		result = balance_go_on(fetch->worker, &fetch->request, fetch->tried, fetch->n_tried,
				       &fetch->pick);
	}
	if (result == BALANCE_SERVER) {
		connect_to_server(fetch, true);
	} else if (result == BALANCE_NOOP) {
		fetch->answer_status = 418;
		finish(fetch, 0);
	} else {
		finish(fetch, -ENOENT);
	}
}

/* Another server of the same service. */
static bool pick_other(struct fetch *fetch)
{
	struct balance_pick other = {.service = fetch->pick.service};

	if (fetch->n_tried >= BALANCE_TRIED_MAX ||
	    balance_go_on(fetch->worker, &fetch->request, fetch->tried, fetch->n_tried, &other) !=
		    BALANCE_SERVER)
		return false;
	for (uint8_t i = 0; i < fetch->n_tried; i++)
		if (fetch->tried[i]->id == other.server->id)
			return false;
	fetch->pick.server = other.server;
	return true;
}

static void on_dial_failed(struct upstream_owner *owner, enum fail fail)
{
	struct fetch *fetch = LIST_OF(owner, struct fetch, owner);

	fetch->upstream = NULL;
	balance_end(&fetch->load, fail_row(fail)->status, fetch->worker);
	if (pick_other(fetch))
		connect_to_server(fetch, true);
	else
		finish(fetch, fail == FAIL_DIAL_TIMEOUT	 ? -ETIMEDOUT
			      : fail == FAIL_DIAL_FAILED ? -ECONNREFUSED
							 : -EPROTO);
}

/* It was lost before any byte of an answer: a stale connection is tried once more, anew. */
static void lost(struct fetch *fetch)
{
	bool was_reused = fetch->upstream->n_exchanges > 0;

	release(fetch, false);
	if (fetch->again_done || !was_reused || !method_is_idempotent(fetch->request.method_id)) {
		finish(fetch, -ECONNRESET);
		return;
	}
	fetch->again_done = true;
	connect_to_server(fetch, false);
}

/* ----------------------------------------------------------------- the answer -- */

static bool copy_headers(struct fetch *fetch, const struct response *response)
{
	struct mw_fetch *ask = fetch->ask;
	struct arena *arena = ask->headers.arena;

	ask->response_headers = (struct headers){.arena = arena};
	for (uint16_t i = 0; i < response->headers.n; i++) {
		const struct header *header = &response->headers.at[i];

		/* Nobody further on knows what was for this hop. */
		if (!header->gone && !h1_write_is_nominated(&response->headers, header->name))
			header_add(&ask->response_headers, arena_str(arena, header->name),
				   arena_str(arena, header->value));
	}
	return !arena->failed;
}

/* 0: a final head was read, what follows it stays in link->in; -EAGAIN, or an error. */
static int parse_head(struct fetch *fetch)
{
	struct link *link = &fetch->upstream->link;
	struct h1_asked asked = {.head = fetch->request.method_id == METHOD_HEAD};

	while (held_len(&link->in)) {
		struct response response = {
			.headers = {.at = fetch->worker->response_headers,
				    .cap = WORKER_RESPONSE_HEADERS,
				    .arena = &fetch->arena},
		};
		enum fail fail;
		ssize_t n =
			h1_parse_response(held_str(&link->in), &limits, &asked, &response, &fail);

		if (n == -EAGAIN)
			return -EAGAIN;
		if (n < 0)
			return -EPROTO;
		if (response.status < 200 && ++fetch->n_interim > H1_INTERIM_MAX)
			return -EPROTO;
		if (response.status >= 200) {
			fetch->has_head = true;
			fetch->answer_status = response.status;
			fetch->keep_upstream = response.keep_alive;
			h1_body_init(&fetch->down, response.body, response.content_length,
				     &fetch->arena);
			balance_first_byte(&fetch->load,
					   fetch->worker->loop.now_ns - fetch->sent_ns);
			if (fetch->ask && !copy_headers(fetch, &response))
				return -ENOMEM;
		}
		held_take(&link->in, &fetch->worker->blocks, (size_t)n);
		if (fetch->has_head)
			return 0;
	}
	return -EAGAIN;
}

/* 0: go on; 1: the body is complete; or an error. */
static int take_body(struct fetch *fetch, struct str input)
{
	enum h1_body_result result;
	struct str data;

	while ((result = h1_body_next(&fetch->down, &input, &data)) == H1_BODY_DATA) {
		if (!fetch->ask)
			continue;
		if (fetch->down.payload > fetch->max_answer_bytes)
			return -EMSGSIZE;
		if (body_store_add(&fetch->answer, data.at, data.len) < 0)
			return -ENOMEM;
	}
	if (result == H1_BODY_FAILED)
		return -EPROTO;
	if (result == H1_BODY_END && input.len)
		fetch->keep_upstream = false;
	return result == H1_BODY_END;
}

/* What came behind the head. */
static int take_held(struct fetch *fetch)
{
	struct link *link = &fetch->upstream->link;
	struct held held = link->in;
	int result;

	link->in = (struct held){0};
	result = take_body(fetch, held_str(&held));
	held_drop(&held, &fetch->worker->blocks);
	return result;
}

/* 0: wait; 1: complete; 2: lost before an answer; or an error. */
static int read_answer(struct fetch *fetch)
{
	struct link *link = &fetch->upstream->link;

	for (int turn = 0; turn < TURNS_PER_EVENT; turn++) {
		char *at = worker_read_at(fetch->worker);
		ssize_t n;
		int result;

		if (!link_can_read(link) && !link->ended)
			return 0;
		n = link_read(link, at, READ_BYTES);
		if (n == -EAGAIN)
			return 0;
		if (n <= 0 && !fetch->has_head)
			return held_len(&link->in) ? -ECONNRESET : 2;
		if (n <= 0)
			return n == 0 && h1_body_eof(&fetch->down) == H1_BODY_END ? 1 : -ECONNRESET;
		if (fetch->has_head) {
			result = take_body(fetch, str_n(at, (size_t)n));
		} else {
			if (held_add(&link->in, &fetch->worker->blocks, at, (size_t)n) < 0)
				return -ENOMEM;
			result = parse_head(fetch);
			if (result == -EAGAIN)
				continue;
			if (!result)
				result = take_held(fetch);
		}
		if (result)
			return result;
	}
	loop_again(&fetch->worker->loop, &link->io);
	return 0;
}

static void on_ready(struct upstream_owner *owner)
{
	struct fetch *fetch = LIST_OF(owner, struct fetch, owner);
	int result;

	if (fetch->state == FETCH_DIAL) {
		send_request(fetch);
		return;
	}
	struct link *link = &fetch->upstream->link;

	if (!fetch->up.done || link_backlog(link)) {
		enum stream_result sent = stream_pump(&fetch->up, link, link);

		if (sent == STREAM_TURN)
			loop_again(&fetch->worker->loop, &link->io);
		else if (sent == STREAM_SOURCE_BAD)
			fetch->keep_upstream = false;
	}
	result = read_answer(fetch);
	if (result == 2) {
		lost(fetch);
	} else if (result == 1) {
		release(fetch, fetch->keep_upstream && fetch->up.done);
		finish(fetch, 0);
	} else if (result < 0) {
		finish(fetch, result);
	}
}

static void on_timeout(struct upstream_owner *owner)
{
	finish(LIST_OF(owner, struct fetch, owner), -ETIMEDOUT);
}

static void on_deadline(struct timer *timer)
{
	finish(LIST_OF(timer, struct fetch, timer), -ETIMEDOUT);
}

/* ---------------------------------------------------------------- beginning ----- */

static struct fetch *new_fetch(struct worker *worker, struct snapshot_use *use,
			       void (*done)(void *context, void *memory), void *context)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	fetch->owner = (struct upstream_owner){.events = &events, .use = use};
	fetch->worker = worker;
	fetch->use = snapshot_use_get(use);
	arena_init(&fetch->arena, ARENA_BYTES, 0);
	timer_init(&fetch->timer, on_deadline);
	fetch->done = done;
	fetch->context = context;
	fetch->request.arena = &fetch->arena;
	pipeline_init(&fetch->pipeline, NULL, worker->loop.now_ns);
	fetch->max_answer_bytes = DEFAULT_ANSWER_BYTES;
	return fetch;
}

/* NULL: it is over already. */
static struct fetch *start(struct fetch *fetch, const struct service *service, uint64_t timeout_ns)
{
	struct worker *worker = fetch->worker;

	body_store_init(&fetch->answer, NULL, fetch->max_answer_bytes);
	timer_set(&worker->loop.timers, &fetch->timer,
		  worker->loop.now_ns + (timeout_ns ? timeout_ns : DEFAULT_TIMEOUT_S * NS_PER_SEC));
	fetch->is_starting = true;
	follow(fetch, balance_pick(worker, service, &fetch->request, NULL, 0, &fetch->pick));
	fetch->is_starting = false;
	if (fetch->state != FETCH_OVER)
		return fetch;
	if (fetch->ask && !fetch->ask->error) {
		fetch->ask->status = fetch->answer_status;
		fetch->ask->response_body =
			arena_str(fetch->ask->headers.arena, body_store_memory(&fetch->answer));
	}
	destroy(fetch);
	return NULL;
}

static void fill_request(struct fetch *fetch, const struct request *for_, struct mw_fetch *ask)
{
	struct request *request = &fetch->request;
	ptrdiff_t mark = str_find(ask->path, '?');

	request->method = ask->method;
	request->method_id = (uint8_t)method_of(ask->method);
	request->version_minor = 1;
	request->keep_alive = true;
	request->raw_path = mark < 0 ? ask->path : str_take(ask->path, (size_t)mark);
	request->path = request->raw_path;
	request->has_query = mark >= 0;
	if (mark >= 0)
		request->query = str_from(ask->path, (size_t)mark + 1);
	request->target = ask->path;
	request->authority = request->host = ask->host;
	request->headers = ask->headers;
	request->peer = for_->peer;
	request->peer_port = for_->peer_port;
	request->local = for_->local;
	request->local_port = for_->local_port;
	request->entry_point = for_->entry_point;
	if (ask->body.len) {
		request->body = BODY_LENGTH;
		request->content_length = (int64_t)ask->body.len;
		fetch->own_body = (struct body_store){
			.mem = (char *)(uintptr_t)ask->body.at, .mem_len = ask->body.len, .fd = -1};
		fetch->body = &fetch->own_body;
	}
}

struct fetch *fetch_begin(struct worker *worker, struct snapshot_use *use,
			  const struct request *for_, struct mw_fetch *ask,
			  void (*done)(void *context, void *memory), void *context)
{
	struct fetch *fetch = new_fetch(worker, use, done, context);

	ask->error = -ENOMEM;
	ask->status = 0;
	ask->response_headers = (struct headers){.arena = ask->headers.arena};
	ask->response_body = (struct str){0};
	if (!fetch)
		return NULL;
	fetch->ask = ask;
	fill_request(fetch, for_, ask);
	if (ask->max_response_bytes >= 0)
		fetch->max_answer_bytes = (uint64_t)ask->max_response_bytes;
	return start(fetch, ask->service, ask->timeout_ns);
}

struct fetch *fetch_copy(struct worker *worker, struct snapshot_use *use,
			 const struct request *request, const struct body_store *body,
			 const struct service *service, uint64_t timeout_ns, uint16_t *ret_status,
			 void (*done)(void *context, void *memory), void *context)
{
	struct fetch *fetch = new_fetch(worker, use, done, context);

	*ret_status = 0;
	if (!fetch)
		return NULL;
	fetch->request = *request;
	fetch->status = ret_status;
	if (body && body_store_len(body)) {
		fetch->body = body;
		fetch->request.body = BODY_LENGTH;
		fetch->request.content_length = (int64_t)body_store_len(body);
	} else if (request->body != BODY_NONE) {
		fetch->request.body = BODY_LENGTH;
		fetch->request.content_length = 0;
	}
	return start(fetch, service, timeout_ns);
}
