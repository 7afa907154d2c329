// SPDX-License-Identifier: Apache-2.0
/* upload: see the header. */

#include "proxy/upload.h"

#include <errno.h>

#include "proxy/conn.h"
#include "proxy/respond.h"
#include "proxy/worker.h"

enum { TURNS_PER_EVENT = 8 };

static struct arena *trailers_of(struct exchange *exchange)
{
	return exchange->request.body == BODY_CHUNKED ? &exchange->arena : NULL;
}

/* ------------------------------------------------------------------- keeping --- */

static bool is_too_large(const struct exchange *exchange, int64_t max_bytes)
{
	const struct exchange_more *more = exchange->more;
	const struct request *request = &exchange->request;

	if (max_bytes < 0)
		return false;
	if (request->body == BODY_LENGTH && request->content_length > max_bytes)
		return true;
	return more && more->keeps_body && body_store_len(&more->body) > (uint64_t)max_bytes;
}

static void ended(struct exchange *exchange, enum stream_result result)
{
	switch (result) {
	case STREAM_SOURCE_LOST:
		exchange_abort(exchange);
		return;
	case STREAM_SOURCE_BAD:
		exchange_fail(exchange, exchange->up.body.fail);
		return;
	default:
		exchange_fail(exchange, FAIL_BODY_NOT_KEPT);
		return;
	}
}

/* True: all is known. False: more must come, or it has ended. */
static bool read_body(struct exchange *exchange)
{
	struct exchange_more *more = exchange->more;
	struct link *client = &exchange->conn->link;
	int error;

	for (int turn = 0; turn < TURNS_PER_EVENT; turn++) {
		enum stream_result result;

		if (is_too_large(exchange, more->body_max_bytes))
			return true;
		result = stream_keep(&exchange->up, client, NULL, 0, &more->body, &error);
		if (result == STREAM_DONE) {
			more->body_is_whole = true;
			return true;
		}
		if (result == STREAM_READ) {
			exchange->state = EXCHANGE_BODY;
			exchange_set_deadline(exchange);
			return false;
		}
		if (result != STREAM_TURN) {
			ended(exchange, result);
			return false;
		}
	}
	exchange->state = EXCHANGE_BODY;
	loop_again(&exchange->worker->loop, &client->io);
	return false;
}

/* What came with the head comes first. True: it can go on. */
static bool begin_keeping(struct exchange *exchange, int64_t mem_bytes)
{
	struct exchange_more *more = exchange->more;
	struct request *request = &exchange->request;
	struct worker *worker = exchange->worker;
	struct link *client = &exchange->conn->link;
	enum stream_result result = STREAM_TURN;
	int error;

	more->keeps_body = true;
	body_store_init(&more->body, &worker->shared->spool,
			mem_bytes > 0 ? (uint64_t)mem_bytes : 0);
	stream_init(&exchange->up, request->body, request->content_length, request->body,
		    trailers_of(exchange));
	exchange->up.head = &request->headers;
	if (exchange->early.len) {
		char *at = worker_read_at(worker);

		memcpy(at, exchange->early.at, exchange->early.len);
		result = stream_keep(&exchange->up, client, at, exchange->early.len, &more->body,
				     &error);
	} else if (h1_body_done(&exchange->up.body)) {
		result = STREAM_DONE;
	} else if (request->expect_continue && !respond_continue(exchange)) {
		result = STREAM_SOURCE_LOST;
	}
	exchange->is_fresh = false;
	/* The expectation is met here: no server needs to be asked (RFC 9110 10.1.1). */
	request->expect_continue = false;
	more->body_is_whole = result == STREAM_DONE;
	if (result == STREAM_DONE || result == STREAM_TURN)
		return true;
	ended(exchange, result);
	return false;
}

bool upload_keep(struct exchange *exchange, int64_t max_bytes, int64_t mem_bytes,
		 void (*then)(struct exchange *exchange))
{
	struct exchange_more *more = exchange_more(exchange);

	if (!more) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return false;
	}
	if (exchange->request.body == BODY_NONE || is_too_large(exchange, max_bytes))
		return true;
	if (!more->keeps_body) {
		/* Part of it has gone to a server already: too late. */
		if (!exchange->is_fresh)
			return true;
		if (!begin_keeping(exchange, mem_bytes))
			return false;
	}
	more->body_max_bytes = max_bytes;
	more->then = then;
	return more->body_is_whole || read_body(exchange);
}

void upload_on_client(struct exchange *exchange)
{
	if (!read_body(exchange))
		return;
	exchange->state = EXCHANGE_MIDDLEWARE;
	exchange->deadline_ns = 0;
	exchange->more->then(exchange);
}

struct pipeline_body upload_body(const struct exchange *exchange, int64_t max_bytes)
{
	const struct exchange_more *more = exchange->more;
	struct pipeline_body body = {.state = MW_BODY_WHOLE};

	if (exchange->request.body == BODY_NONE)
		return body;
	if (more->keeps_body) {
		body.n_bytes = body_store_len(&more->body);
		if (!more->body.file_bytes)
			body.bytes = body_store_memory(&more->body);
	}
	if (is_too_large(exchange, max_bytes))
		body.state = MW_BODY_TOO_LARGE;
	else if (!more->keeps_body || !more->body_is_whole)
		body.state = MW_BODY_UNREAD;
	return body;
}

/* ------------------------------------------------------------------- sending --- */

bool upload_is_replayable(const struct exchange *exchange)
{
	const struct exchange_more *more = exchange->more;

	/* A filter has seen it: what it keeps of that cannot be taken back. */
	if (exchange->pipeline.request_filter && !exchange->is_fresh && exchange->sent_any)
		return false;
	return exchange->is_fresh || exchange->replayable ||
	       (more && more->keeps_body && more->body_is_whole);
}

static enum fail start_kept(struct exchange *exchange, struct str *ret_first)
{
	struct exchange_more *more = exchange->more;
	struct request *request = &exchange->request;
	struct filter *filter = exchange->pipeline.request_filter;

	if (filter) {
		request->body = BODY_CHUNKED;
	} else if (more->body_is_whole) {
		request->body = BODY_LENGTH;
		request->content_length = (int64_t)body_store_len(&more->body);
	}
	stream_send_from(&exchange->up, request->body, &more->body, filter);
	exchange->replayable = more->body_is_whole && !filter;
	switch (stream_next_stored(&exchange->up, exchange->worker, ret_first)) {
	case STREAM_SOURCE_BAD:
		return FAIL_BODY_NOT_KEPT;
	case STREAM_SINK_LOST:
		return FAIL_INTERNAL;
	default:
		return FAIL_NONE;
	}
}

static enum fail start_fresh(struct exchange *exchange, struct str *ret_first)
{
	struct request *request = &exchange->request;
	struct filter *filter = exchange->pipeline.request_filter;
	struct link *client = exchange->is_fresh ? &exchange->conn->link : NULL;
	char *at = worker_read_at(exchange->worker);
	enum stream_result result = STREAM_READ;

	stream_init(&exchange->up, request->body, request->content_length, request->body,
		    trailers_of(exchange));
	exchange->up.head = &request->headers;
	if (filter) {
		request->body = BODY_CHUNKED;
		stream_send_from(&exchange->up, BODY_CHUNKED, NULL, filter);
	}
	if (exchange->early.len) {
		memcpy(at, exchange->early.at, exchange->early.len);
		result = stream_convert(&exchange->up, client, at, exchange->early.len, ret_first);
	}
	exchange->is_fresh = false;
	exchange->replayable = exchange->up.done && !filter;
	return result == STREAM_SOURCE_BAD  ? exchange->up.body.fail
	       : result == STREAM_SINK_LOST ? FAIL_INTERNAL
					    : FAIL_NONE;
}

enum fail upload_start(struct exchange *exchange, struct str *ret_first)
{
	*ret_first = (struct str){worker_read_at(exchange->worker), 0};
	if (exchange->more && exchange->more->keeps_body)
		return start_kept(exchange, ret_first);
	return start_fresh(exchange, ret_first);
}

bool upload_drop(struct exchange *exchange)
{
	struct request *request = &exchange->request;
	struct link *client = &exchange->conn->link;
	struct str dropped;

	if (!exchange->is_fresh)
		return upload_is_read(exchange);
	exchange->is_fresh = false;
	stream_init(&exchange->up, request->body, request->content_length, BODY_NONE,
		    &exchange->arena);
	if (exchange->early.len) {
		char *at = worker_read_at(exchange->worker);

		memcpy(at, exchange->early.at, exchange->early.len);
		if (stream_convert(&exchange->up, client, at, exchange->early.len, &dropped) !=
		    STREAM_DONE)
			return false;
	}
	return exchange->up.done;
}
