// SPDX-License-Identifier: Apache-2.0
/* reply: see the header. */

#include "proxy/reply.h"

#include <errno.h>

#include "http/h1_write.h"
#include "http/header.h"
#include "http/status.h"
#include "proxy/answer.h"
#include "proxy/worker.h"

ssize_t reply_too_many(char *out, size_t cap)
{
	return h1_write_fail(FAIL_TOO_MANY_CONNECTIONS, false, true, (struct str){0}, out, cap);
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
	answer_local(exchange, &response, row->body, !row->closes);
}

void reply_status(struct exchange *exchange, uint16_t status)
{
	struct response response = new_response(exchange, status);
	struct str body = status_text(status);

	if (body.len)
		add_text_type(&response);
	answer_local(exchange, &response, body, true);
}

void reply_middleware(struct exchange *exchange)
{
	const struct mw_reply *reply = &exchange->pipeline.call.reply;
	struct response response = new_response(exchange, reply->status);
	struct str body = reply->body;

	if (reply->content_type.len)
		header_add_id(&response.headers, HEADER_CONTENT_TYPE, reply->content_type);
	else if (body.len && !reply->content_type.at &&
		 !header_value(&reply->headers, HEADER_CONTENT_TYPE).at)
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
		answer_local(exchange, &response, body, true);
}
