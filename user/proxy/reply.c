// SPDX-License-Identifier: Apache-2.0
/* reply: see the header. */

#include "proxy/reply.h"

#include <errno.h>

#include "http/h1_write.h"
#include "http/header.h"
#include "http/status.h"
#include "proxy/conn.h"
#include "proxy/worker.h"

ssize_t reply_too_many(char *out, size_t cap)
{
	return h1_write_fail(FAIL_TOO_MANY_CONNECTIONS, false, true, (struct str){0}, out, cap);
}

/*
 * The request's body has no taker. What came with the head is dropped; true when that was all of
 * it, so that the connection can go on with the next request.
 */
static bool drop_body(struct exchange *exchange)
{
	struct request *request = &exchange->request;
	struct link *client = &exchange->conn->link;
	struct str dropped;

	if (!exchange->is_fresh)
		return exchange->up.done;
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

static void send_answer(struct exchange *exchange, struct response *response, struct str body,
			bool may_keep)
{
	struct worker *worker = exchange->worker;
	struct link *client = &exchange->conn->link;
	struct h1_framing framing;
	ssize_t n;

	if (!drop_body(exchange) || !conn_may_keep(exchange->conn))
		may_keep = false;
	response->body = body.len ? BODY_LENGTH : BODY_NONE;
	response->content_length = (int64_t)body.len;
	pipeline_response(&exchange->pipeline, worker, &exchange->request, response);
	framing = h1_frame_response(&exchange->request, response, may_keep);
	/* An answer of ours always says how long it is, also when there is nothing. */
	n = h1_write_response(response, &framing, worker_date(worker), worker->out,
			      WORKER_OUT_BYTES);
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
	int error;

	if ((size_t)n + body.len <= WORKER_OUT_BYTES) {
		if (body.len)
			memcpy(worker->out + n, body.at, body.len);
		error = link_write(client, worker->out, (size_t)n + body.len);
	} else {
		error = link_write2(client, str_n(worker->out, (size_t)n), body);
	}
	if (error)
		exchange_abort(exchange);
	else
		exchange_finish(exchange);
}

static struct response new_response(struct exchange *exchange, uint16_t status)
{
	return (struct response){
		.arena = &exchange->arena,
		.status = status,
		.version_minor = 1,
		.headers = {.at = exchange->worker->response_headers,
			    .cap = WORKER_RESPONSE_HEADERS,
			    .arena = &exchange->arena},
	};
}

/* A body needs a type; and browsers must not guess another one (as the reference's errors say). */
static void add_text_type(struct response *response)
{
	header_add_id(&response->headers, HEADER_CONTENT_TYPE, STR("text/plain; charset=utf-8"));
	header_add(&response->headers, STR("X-Content-Type-Options"), STR("nosniff"));
}

void reply_fail(struct exchange *exchange, enum fail fail)
{
	const struct fail_row *row = fail_row(fail);
	struct response response = new_response(exchange, row->status);

	exchange->fail = (uint8_t)fail;
	if (row->body.len)
		add_text_type(&response);
	send_answer(exchange, &response, row->body, !row->closes);
}

void reply_status(struct exchange *exchange, uint16_t status)
{
	struct response response = new_response(exchange, status);
	struct str body = status_text(status);

	if (body.len)
		add_text_type(&response);
	send_answer(exchange, &response, body, true);
}

void reply_middleware(struct exchange *exchange)
{
	const struct mw_reply *reply = &exchange->pipeline.call.reply;
	struct response response = new_response(exchange, reply->status);
	struct str body = reply->body;

	if (reply->content_type.len)
		header_add_id(&response.headers, HEADER_CONTENT_TYPE, reply->content_type);
	else if (body.len)
		header_add_id(&response.headers, HEADER_CONTENT_TYPE,
			      STR("text/plain; charset=utf-8"));
	for (uint16_t i = 0; i < reply->headers.n; i++) {
		const struct header *header = &reply->headers.at[i];

		if (!header->gone)
			header_add(&response.headers, header->name, header->value);
	}
	if (exchange->arena.failed)
		reply_fail(exchange, FAIL_INTERNAL);
	else
		send_answer(exchange, &response, body, true);
}
