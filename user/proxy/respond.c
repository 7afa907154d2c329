// SPDX-License-Identifier: Apache-2.0
/* respond: see the header. */

#include "proxy/respond.h"

#include <errno.h>

#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/header.h"
#include "proxy/answer.h"
#include "proxy/attempt.h"
#include "proxy/conn.h"
#include "proxy/worker.h"

enum {
	HELD_READ_BYTES = 4096,
	FIRST_READ_BYTES = 128 << 10, /* head and what comes with it */
	STATUS_CONTINUE = 100,
	STATUS_SWITCHING = 101,
};

/* Of a server's answer; generous, but an end. */
static const struct h1_limits response_limits = {.max_head_bytes = 128 << 10, .max_headers = 512};

bool respond_continue(struct exchange *exchange)
{
	struct str text = h1_write_continue();

	if (exchange->continued || exchange->request.version_minor == 0)
		return true;
	exchange->continued = true;
	return link_write(&exchange->conn->link, text.at, text.len) == 0;
}

/* A 1xx: false when the exchange is over. */
static bool pass_interim(struct exchange *exchange, const struct response *response)
{
	struct h1_framing framing = {.keep_alive = true};
	ssize_t n;

	if (++exchange->n_interim > H1_INTERIM_MAX) {
		exchange_fail(exchange, FAIL_UPSTREAM_BAD);
		return false;
	}
	/* RFC 9110 15.2: never to HTTP/1.0; and 100 only to a client that asked, once. */
	if (exchange->request.version_minor == 0)
		return true;
	if (response->status == STATUS_CONTINUE) {
		if (exchange->request.expect_continue && !respond_continue(exchange)) {
			exchange_abort(exchange);
			return false;
		}
		return true;
	}
	n = h1_write_response(response, &framing, (struct str){0}, exchange->worker->out,
			      WORKER_OUT_BYTES);
	if (n < 0 || link_write(&exchange->conn->link, exchange->worker->out, (size_t)n) < 0) {
		exchange_abort(exchange);
		return false;
	}
	return true;
}

/* Input in a held block moves to the scratch buffer before the head's texts are done with: so it is
 * copied late. */
static void deliver_held(struct exchange *exchange, struct response *response, struct str rest)
{
	struct link *link = &exchange->upstream->link;
	struct worker *worker = exchange->worker;
	struct held block = link->in;
	char *at = worker_read_at(worker);

	/* At most one read's worth follows a head that was incomplete before. */
	if (rest.len > FIRST_READ_BYTES) {
		exchange_fail(exchange, FAIL_UPSTREAM_BAD);
		return;
	}
	link->in = (struct held){0};
	if (rest.len)
		memcpy(at, rest.at, rest.len);
	answer_server(exchange, response, str_n(at, rest.len));
	held_drop(&block, &worker->blocks);
}

/* The last bytes of input that belong to no complete head are kept. False: over. */
static bool keep_rest(struct exchange *exchange, struct str input, bool is_held)
{
	struct link *link = &exchange->upstream->link;

	if (is_held) {
		held_take(&link->in, &link->worker->blocks, held_len(&link->in) - input.len);
	} else if (held_add(&link->in, &link->worker->blocks, input.at, input.len) < 0) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return false;
	}
	return true;
}

/* True: no final head yet, more must be read. False: the exchange has gone on, or is over. */
static bool parse(struct exchange *exchange, struct str input, bool is_held)
{
	struct worker *worker = exchange->worker;
	struct h1_asked asked = {.head = exchange->request.method_id == METHOD_HEAD,
				 .upgrade = exchange->request.upgrade};

	while (input.len) {
		struct response response = {
			.arena = &exchange->arena,
			.headers = {.at = worker->response_headers,
				    .cap = WORKER_RESPONSE_HEADERS,
				    .arena = &exchange->arena},
		};
		enum fail fail = FAIL_NONE;
		ssize_t n = h1_parse_response(input, &response_limits, &asked, &response, &fail);

		if (n == -EAGAIN)
			break;
		if (n < 0) {
			exchange_fail(exchange, fail);
			return false;
		}
		if (response.status >= 200 || response.status == STATUS_SWITCHING) {
			struct str rest = str_from(input, (size_t)n);

			if (is_held)
				deliver_held(exchange, &response, rest);
			else
				answer_server(exchange, &response, rest);
			return false;
		}
		if (!pass_interim(exchange, &response))
			return false;
		input = str_from(input, (size_t)n);
	}
	return keep_rest(exchange, input, is_held);
}

static bool read_once(struct exchange *exchange)
{
	struct worker *worker = exchange->worker;
	struct link *link = &exchange->upstream->link;
	bool is_held = held_len(&link->in) > 0;
	char *at = worker_read_at(worker);
	size_t room = FIRST_READ_BYTES;
	ssize_t n;

	if (is_held)
		at = held_room(&link->in, &worker->blocks, HELD_READ_BYTES, &room);
	if (room > FIRST_READ_BYTES)
		room = FIRST_READ_BYTES;
	n = at ? link_read(link, at, room) : -ENOMEM;
	if (n == -EAGAIN)
		return false;
	if (n <= 0) {
		if (is_held || exchange->n_interim || n == -ENOMEM)
			exchange_fail(exchange, FAIL_UPSTREAM_CLOSED);
		else
			attempt_lost(exchange, false);
		return false;
	}
	if (!is_held)
		return parse(exchange, str_n(at, (size_t)n), false);
	held_added(&link->in, (size_t)n);
	return parse(exchange, held_str(&link->in), true);
}

/* Readiness comes once: what is known to be there, an end after a part of a head too, is read now.
 */
void respond_read(struct exchange *exchange)
{
	while (read_once(exchange) && link_can_read(&exchange->upstream->link))
		;
}
