// SPDX-License-Identifier: Apache-2.0
/* deadline: see the header. */

#include "proxy/deadline.h"

#include "base/clock.h"
#include "proxy/conn.h"
#include "proxy/respond.h"
#include "proxy/upload.h"
#include "proxy/waiting.h"
#include "proxy/worker.h"

enum {
	CONTINUE_WAIT_S = 1, /* reference d.5: Expect-Continue 1 s */
	HALF_CLOSED_S = 60,  /* how long an answer may take when the client has ended its side */
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t deadline_total_ns(const struct exchange *exchange)
{
	uint64_t total_ns = exchange->request.deadlines.total_ns;

	return total_ns ? exchange->begin_ns + total_ns : UINT64_MAX;
}

static bool awaits_body(const struct exchange *exchange)
{
	return (exchange->state == EXCHANGE_FORWARD || exchange->state == EXCHANGE_BODY) &&
	       !upload_is_read(exchange);
}

static bool awaits_continue(const struct exchange *exchange)
{
	return exchange->state == EXCHANGE_FORWARD && exchange->request.expect_continue &&
	       !exchange->continued && !exchange->upload_seen;
}

static uint64_t body_deadline(struct exchange *exchange)
{
	const struct entry *entry = exchange->conn->entry;
	const struct request_deadlines *said = &exchange->request.deadlines;
	uint64_t stall_ns = ENTRY_READ_STALL_S * NS_PER_SEC, read_ns = entry->read_ns, at_ns;

	if (exchange->up.body.payload != exchange->upload_seen || !exchange->upload_since_ns) {
		exchange->upload_seen = exchange->up.body.payload;
		exchange->upload_since_ns = exchange->worker->loop.now_ns;
	}
	if (said->idle_ns)
		stall_ns = earlier(stall_ns, said->idle_ns);
	if (said->request_ns)
		read_ns = earlier(read_ns, said->request_ns);
	at_ns = earlier(exchange->begin_ns + read_ns, exchange->upload_since_ns + stall_ns);
	if (awaits_continue(exchange))
		at_ns = earlier(at_ns, exchange->origin_begin_ns + CONTINUE_WAIT_S * NS_PER_SEC);
	return at_ns;
}

/* When the client's slowness ends the exchange; UINT64_MAX when it is not the client that is waited
 * for. */
static uint64_t client_deadline(struct exchange *exchange)
{
	const struct link *client = &exchange->conn->link;
	const struct entry *entry = exchange->conn->entry;
	uint64_t now_ns = exchange->worker->loop.now_ns, at_ns = UINT64_MAX;
	size_t backlog = link_backlog(client) + (exchange->down.pipe != NULL);

	if (awaits_body(exchange))
		at_ns = body_deadline(exchange);
	if (backlog) {
		if (backlog != exchange->backlog_seen || !exchange->backlog_since_ns) {
			exchange->backlog_seen = backlog;
			exchange->backlog_since_ns = now_ns;
		}
		at_ns = earlier(at_ns, exchange->backlog_since_ns + entry->write_stall_ns);
		if (entry->write_ns)
			at_ns = earlier(at_ns, exchange->begin_ns + entry->write_ns);
	} else {
		exchange->backlog_since_ns = 0;
	}
	if (client->io.ready & LOOP_EOF || client->ended) {
		if (!exchange->half_closed_since_ns)
			exchange->half_closed_since_ns = now_ns;
		if (!exchange->responded)
			at_ns = earlier(at_ns, exchange->half_closed_since_ns +
						       HALF_CLOSED_S * NS_PER_SEC);
	}
	return at_ns;
}

void exchange_set_deadline(struct exchange *exchange)
{
	uint64_t at_ns = UINT64_MAX;

	if (exchange->state == EXCHANGE_TUNNEL)
		return;
	if (exchange->state != EXCHANGE_MIDDLEWARE && exchange->state != EXCHANGE_ANSWER)
		at_ns = client_deadline(exchange);
	if (exchange->more && exchange->more->until_ns)
		at_ns = earlier(at_ns, exchange->more->until_ns);
	if (exchange->request.deadlines.total_ns)
		at_ns = earlier(at_ns, deadline_total_ns(exchange));
	exchange->deadline_ns = at_ns == UINT64_MAX ? 0 : at_ns;
	if (exchange->deadline_ns)
		conn_set_deadline(exchange->conn, exchange->deadline_ns);
}

static void on_body_timeout(struct exchange *exchange)
{
	if (awaits_continue(exchange)) {
		/* A server that knows nothing of expectations waits for the body, and so would the
		 * client. */
		if (respond_continue(exchange))
			exchange_set_deadline(exchange);
		else
			exchange_abort(exchange);
	} else if (!exchange->half_closed_since_ns) {
		exchange_fail(exchange, FAIL_REQUEST_TIMEOUT);
	} else {
		exchange_abort(exchange);
	}
}

void exchange_on_client_timeout(struct exchange *exchange)
{
	uint64_t now_ns = exchange->worker->loop.now_ns;

	/* The timer may be an old one: the idle connection's. */
	if (!exchange->deadline_ns)
		return;
	if (now_ns < exchange->deadline_ns) {
		conn_set_deadline(exchange->conn, exchange->deadline_ns);
		return;
	}
	exchange->deadline_ns = 0;
	if (exchange->state != EXCHANGE_TUNNEL && now_ns >= deadline_total_ns(exchange)) {
		/* It is answered once; what then still stalls is cut. */
		exchange->request.deadlines.total_ns = 0;
		waiting_cancel(exchange);
		if (exchange->job_runs)
			exchange_abort(exchange);
		else
			exchange_fail(exchange, FAIL_UPSTREAM_TIMEOUT);
	} else if (exchange->state == EXCHANGE_MIDDLEWARE || exchange->state == EXCHANGE_ANSWER) {
		waiting_look(exchange);
	} else if ((exchange->state == EXCHANGE_FORWARD || exchange->state == EXCHANGE_BODY) &&
		   !exchange->responded) {
		on_body_timeout(exchange);
	} else {
		exchange_abort(exchange);
	}
}
