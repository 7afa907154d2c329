// SPDX-License-Identifier: Apache-2.0
/* conn: see the header. */

#include "proxy/conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/proxy_protocol.h"
#include "net/sock.h"
#include "plan/router.h"
#include "proxy/exchange.h"
#include "proxy/reply.h"
#include "proxy/sniff.h"
#include "proxy/stream_session.h"
#include "proxy/tls_facts.h"
#include "proxy/worker.h"

enum {
	LINGER_S = 2,
	LINGER_MAX_BYTES = 1 << 20,
	HELD_READ_BYTES = 4096, /* how much of an unfinished head is read at a time */
	TLS_HANDSHAKE_RECORD = 0x16,
	TLS_V2_HELLO = 0x80,
};

static void on_ready(struct loop_io *io);
static void on_timer(struct timer *timer);

static void set_idle(struct conn *conn, bool idle)
{
	if (conn->counted_idle == idle)
		return;
	conn->counted_idle = idle;
	worker_count(&conn->link.worker->counters.connections_idle, idle ? 1 : -1);
}

void conn_set_deadline(struct conn *conn, uint64_t at_ns)
{
	timer_set(&conn->link.worker->loop.timers, &conn->link.timer, at_ns);
}

const struct entry_point *conn_entry_point(const struct conn *conn, const struct snapshot *snapshot)
{
	return conn->entry->index < snapshot->n_entry_points
		       ? &snapshot->entry_points[conn->entry->index]
		       : NULL;
}

static bool begins_tls(int fd, bool *ret_known)
{
	unsigned char first;
	ssize_t n = recv(fd, &first, 1, MSG_PEEK);

	*ret_known = n >= 0;
	return n == 1 && (first == TLS_HANDSHAKE_RECORD || first == TLS_V2_HELLO);
}

/* Text would only puzzle a client that waits for a handshake. */
static bool expects_text(const struct worker *worker, const struct entry *entry, int fd)
{
	const struct snapshot *snapshot = worker->use->snapshot;
	const struct entry_point *point = entry->index < snapshot->n_entry_points
						  ? &snapshot->entry_points[entry->index]
						  : NULL;
	bool known, is_tls = begins_tls(fd, &known);

	/* Behind raw TCP routes nobody knows what is spoken. */
	if (point && point->tcp)
		return false;
	if (known || !point || !point->tls_table)
		return !is_tls;
	return !entry->conf->http.tls && (router_size(point->plain) || !router_size(point->tls));
}

/* Over the limit: a plain client is told so, if it fits into an empty socket, which it does. */
static void refuse(struct worker *worker, const struct entry *entry, int fd)
{
	char answer[1024];
	ssize_t n = expects_text(worker, entry, fd) ? reply_too_many(answer, sizeof(answer)) : 0;

	worker_count(&worker->counters.connections_refused, 1);
	if (worker->metrics)
		metric_add(worker->metrics, worker->shared->program_series,
			   METRIC_CONNECTIONS_REFUSED, 1);
	if (n > 0)
		(void)sock_write(fd, answer, (size_t)n);
	close(fd);
}

static void free_later(struct loop_task *task)
{
	struct conn *conn = LIST_OF(task, struct conn, freeing);

	slab_give(&conn->link.worker->conns, conn);
}

static uint64_t open_connections(const struct worker *worker)
{
	return atomic_load_explicit(&worker->counters.connections_open, memory_order_relaxed);
}

static void count_open(struct conn *conn, int64_t n)
{
	struct worker *worker = conn->link.worker;
	const struct entry_point *point = conn_entry_point(conn, worker->use->snapshot);

	worker_count(&worker->counters.connections_open, n);
	worker_count(&worker->counters.open_by_entry_point[conn->entry->index], n);
	if (worker->metrics && point)
		metric_add(worker->metrics, point->series, METRIC_OPEN_CONNECTIONS, n);
}

static enum conn_state first_state(const struct conn *conn)
{
	const struct entry_point *point = conn_entry_point(conn, conn->use->snapshot);

	return point && point->tcp ? CONN_SNIFF : CONN_HANDSHAKE;
}

/* Reference e: the read time-out holds for raw TCP, too, until it is known what it is. */
static uint64_t first_wait_ns(const struct conn *conn)
{
	return conn->state == CONN_SNIFF ? conn->entry->read_ns : conn->entry->handshake_ns;
}

void conn_accept(struct worker *worker, const struct entry *entry, int fd, const struct addr *peer,
		 uint16_t peer_port)
{
	struct conn *conn = NULL;
	uint64_t now_ns = worker->loop.now_ns;

	worker_count(&worker->counters.connections_accepted, 1);
	if (open_connections(worker) < worker->shared->max_connections)
		conn = slab_take(&worker->conns);
	if (!conn) {
		refuse(worker, entry, fd);
		return;
	}
	*conn = (struct conn){.entry = entry,
			      .peer = *peer,
			      .sender = *peer,
			      .peer_port = peer_port,
			      .accepted_ns = now_ns};
	link_init(&conn->link, worker, fd);
	conn->link.io.on_ready = on_ready;
	conn->link.timer.on_fire = on_timer;
	conn->use = snapshot_use_get(worker->use);
	conn->state = entry->reads_proxy_header ? CONN_PROXY_HEADER : (uint8_t)first_state(conn);
	list_add_back(&worker->open, &conn->node);
	count_open(conn, 1);
	if (sock_local(fd, &conn->local, &conn->local_port) < 0 ||
	    loop_add(&worker->loop, &conn->link.io) < 0) {
		conn_close(conn, false);
		return;
	}
	conn_set_deadline(conn, now_ns + first_wait_ns(conn));
}

void conn_close(struct conn *conn, bool reset)
{
	struct worker *worker = conn->link.worker;

	if (conn->state == CONN_CLOSED)
		return;
	set_idle(conn, false);
	if (conn->state == CONN_STREAM && conn->session)
		stream_session_drop(conn->session, reset);
	/* Without a goodbye the client could not tell the end from a cut (RFC 8446 6.1). */
	if (conn->link.tls && !reset && !link_backlog(&conn->link) &&
	    (conn->state == CONN_IDLE || conn->state == CONN_BUSY))
		(void)tls_conn_shutdown(conn->link.tls);
	conn->state = CONN_CLOSED;
	count_open(conn, -1);
	list_del(&conn->node);
	if (snapshot_use_put(conn->use))
		worker_count(&worker->counters.snapshots_held, -1);
	conn->use = NULL;
	link_close(&conn->link, reset);
	conn->freeing.run = free_later;
	loop_defer(&worker->loop, &conn->freeing);
}

bool conn_may_keep(const struct conn *conn)
{
	const struct entry *entry = conn->entry;
	const struct worker *worker = conn->link.worker;

	return !worker->draining && !worker->leaving &&
	       (!entry->keep_alive_max_requests ||
		conn->n_requests + 1 < entry->keep_alive_max_requests) &&
	       (!entry->keep_alive_max_ns ||
		worker->loop.now_ns - conn->accepted_ns < entry->keep_alive_max_ns);
}

/* ------------------------------------------------------------- the beginning -- */

static void await_request(struct conn *conn)
{
	if (snapshot_use_put(conn->use))
		worker_count(&conn->link.worker->counters.snapshots_held, -1);
	conn->use = NULL;
	conn->state = CONN_IDLE;
	set_idle(conn, true);
	conn_set_deadline(conn, conn->link.worker->loop.now_ns + conn->entry->idle_ns);
}

static void handshake(struct conn *conn);

/* The header is peeked at and then taken alone: what follows may be for the TLS library to read. */
static bool take_proxy_header(struct conn *conn)
{
	char bytes[PROXY_PROTOCOL_MAX_BYTES];
	int fd = conn->link.io.fd;
	struct proxy_header header;
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	ssize_t len = n > 0 ? proxy_protocol_parse(str_n(bytes, (size_t)n), &header) : -EBADMSG;

	if (len == -EAGAIN && !(conn->link.io.ready & (LOOP_EOF | LOOP_ERROR))) {
		conn->link.io.ready &= (uint8_t)~LOOP_READ;
		return false;
	}
	if (len < 0 || (len > 0 && recv(fd, bytes, (size_t)len, 0) != len)) {
		conn_close(conn, false);
		return false;
	}
	if (len > 0 && header.has_addrs && entry_trusts_proxy_header(conn->entry, &conn->sender)) {
		conn->peer = header.source;
		conn->peer_port = header.source_port;
		conn->local = header.destination;
		conn->local_port = header.destination_port;
		conn->by_proxy_header = true;
	}
	conn->state = (uint8_t)first_state(conn);
	conn_set_deadline(conn, conn->link.worker->loop.now_ns + first_wait_ns(conn));
	return true;
}

/* Whose connection is it? Not before the handshake, which may be none of ours. */
static void sniff(struct conn *conn)
{
	const struct entry_point *point = conn_entry_point(conn, conn->use->snapshot);
	struct sniff_found found;

	switch (sniff_look(conn, point->tcp, &found)) {
	case SNIFF_MORE:
		return;
	case SNIFF_CLOSE:
		conn_refuse(conn);
		return;
	case SNIFF_STREAM:
		stream_session_begin(conn, found.route, found.sni);
		return;
	case SNIFF_HTTP:
		conn->state = CONN_HANDSHAKE;
		conn_set_deadline(conn, conn->link.worker->loop.now_ns + conn->entry->handshake_ns);
		handshake(conn);
		return;
	}
}

static void handshake(struct conn *conn)
{
	const struct entry_point *point = conn_entry_point(conn, conn->use->snapshot);
	bool known;

	if (!conn->link.tls) {
		if (!point || !point->tls_table || !begins_tls(conn->link.io.fd, &known)) {
			if (!point || !point->tls_table || known) {
				await_request(conn);
				on_ready(&conn->link.io);
			}
			return;
		}
		conn->link.tls = tls_conn_new(point->tls_table, conn->link.io.fd, &conn->local);
		if (!conn->link.tls) {
			conn_close(conn, false);
			return;
		}
	}
	switch (tls_conn_handshake(conn->link.tls)) {
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		/* An edge will tell. The end of the stream may have been told already. */
		if (conn->link.io.ready & LOOP_ERROR)
			conn_close(conn, false);
		return;
	case TLS_FAILED:
		tls_facts_failed(conn);
		conn_close(conn, false);
		return;
	case TLS_DONE:
		tls_facts_take(conn, point);
		await_request(conn);
		on_ready(&conn->link.io);
		return;
	}
}

/* ------------------------------------------------------------------ requests -- */

static void begin(struct conn *conn, struct exchange *exchange)
{
	set_idle(conn, false);
	conn->state = CONN_BUSY;
	conn->exchange = exchange;
	conn->head_begun = false;
	conn->resume = 0;
}

/* Part of a head is there: the rest must come until the deadline, however it trickles. */
static void await_rest(struct conn *conn)
{
	if (conn->head_begun)
		return;
	conn->head_begun = true;
	conn_set_deadline(conn, conn->head_ns + conn->entry->read_header_ns);
}

static void note_first_byte(struct conn *conn)
{
	if (!conn->head_ns)
		conn->head_ns = conn->link.worker->loop.now_ns;
}

/* Parses what stands at text; true when the request has begun, or was refused. */
static bool try_begin(struct conn *conn, struct exchange *exchange, struct str text)
{
	enum fail fail = FAIL_NONE;
	ssize_t n;

	exchange_expect(exchange, text);
	n = h1_parse_request(text, &conn->entry->reading.limits, &exchange->request, &fail);
	if (n == -EAGAIN)
		return false;
	begin(conn, exchange);
	if (n < 0) {
		exchange_refuse(exchange, fail);
		return true;
	}
	exchange->head_bytes = (size_t)n;
	exchange->early = str_from(text, (size_t)n);
	exchange_begin(exchange);
	return true;
}

static void read_fresh(struct conn *conn)
{
	struct link *link = &conn->link;
	struct exchange *exchange = exchange_new(conn);
	ssize_t n;

	if (!exchange) {
		conn_close(conn, false);
		return;
	}
	n = link_read(link, exchange->room, EXCHANGE_HEAD_BYTES);
	if (n <= 0) {
		exchange_free(exchange);
		if (n != -EAGAIN)
			conn_close(conn, false);
		return;
	}
	note_first_byte(conn);
	if (try_begin(conn, exchange, str_n(exchange->room, (size_t)n)))
		return;
	int error = held_add(&link->in, &link->worker->blocks, exchange->room, (size_t)n);

	exchange_free(exchange);
	if (error) {
		conn_close(conn, false);
		return;
	}
	await_rest(conn);
	if (link_can_read(link))
		loop_again(&link->worker->loop, &link->io);
}

/* A whole head seems to be held. False: it is not one yet (empty lines in front). */
static bool begin_held(struct conn *conn)
{
	struct held *in = &conn->link.in;
	struct exchange *exchange = exchange_new(conn);
	struct str text = held_str(in);

	if (!exchange) {
		conn_close(conn, false);
		return true;
	}
	/* What follows a head of usual size stays where it is: many requests may stand there. */
	size_t n = text.len < EXCHANGE_HEAD_BYTES ? text.len : EXCHANGE_HEAD_BYTES;
	enum fail fail = FAIL_NONE;

	memcpy(exchange->room, text.at, n);
	ssize_t head = h1_parse_request(str_n(exchange->room, n), &conn->entry->reading.limits,
					&exchange->request, &fail);

	if (head >= 0) {
		begin(conn, exchange);
		held_take(in, &conn->link.worker->blocks, (size_t)head);
		exchange->head_bytes = (size_t)head;
		exchange_begin(exchange);
		return true;
	}
	if (head == -EAGAIN && n == text.len) {
		exchange_free(exchange);
		return false;
	}
	/* A large head takes the block with it. */
	exchange->head = *in;
	*in = (struct held){0};
	if (try_begin(conn, exchange, held_str(&exchange->head)))
		return true;
	*in = exchange->head;
	exchange->head = (struct held){0};
	exchange_free(exchange);
	return false;
}

static void read_more(struct conn *conn)
{
	struct link *link = &conn->link;
	size_t resume = conn->resume, room;
	char *at;
	ssize_t n;

	note_first_byte(conn);
	if (h1_head_ready(held_str(&link->in), &conn->entry->reading.limits, &resume) &&
	    begin_held(conn))
		return;
	conn->resume = (uint32_t)resume;
	await_rest(conn);
	if (!link_can_read(link))
		return;
	at = held_room(&link->in, &link->worker->blocks, HELD_READ_BYTES, &room);
	n = at ? link_read(link, at, room) : -ENOMEM;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		conn_close(conn, false);
		return;
	}
	held_added(&link->in, (size_t)n);
	if ((h1_head_ready(held_str(&link->in), &conn->entry->reading.limits, &resume) &&
	     begin_held(conn)) ||
	    conn->state != CONN_IDLE)
		return;
	conn->resume = (uint32_t)resume;
	if (link_can_read(link))
		loop_again(&link->worker->loop, &link->io);
}

void conn_next(struct conn *conn)
{
	struct worker *worker = conn->link.worker;
	struct link *link = &conn->link;

	conn->exchange = NULL;
	conn->n_requests++;
	conn->head_ns = 0;
	conn->state = CONN_IDLE;
	set_idle(conn, true);
	if (worker->draining) {
		conn_close(conn, false);
		return;
	}
	conn_set_deadline(conn, worker->loop.now_ns + conn->entry->idle_ns);
	/* The next request may be there already; others first. */
	if (held_len(&link->in) || link->io.ready & (LOOP_READ | LOOP_EOF | LOOP_ERROR))
		loop_again(&worker->loop, &link->io);
	else if (link->tls)
		tls_conn_rest(link->tls);
}

/* ----------------------------------------------------------------- the end ---- */

static void drop_input(struct conn *conn)
{
	ssize_t n;

	do {
		n = sock_read(conn->link.io.fd, worker_read_at(conn->link.worker),
			      WORKER_READ_BYTES);
		if (n > 0)
			conn->n_drained += (uint32_t)n;
	} while (n == WORKER_READ_BYTES && conn->n_drained < LINGER_MAX_BYTES);
	if (n == 0 || (n < 0 && n != -EAGAIN) || conn->n_drained >= LINGER_MAX_BYTES)
		conn_close(conn, false);
}

void conn_linger(struct conn *conn)
{
	conn->exchange = NULL;
	conn->state = CONN_LINGER;
	if (conn->link.tls)
		(void)tls_conn_shutdown(conn->link.tls);
	if (sock_shut_write(conn->link.io.fd) < 0) {
		conn_close(conn, false);
		return;
	}
	conn_set_deadline(conn, conn->link.worker->loop.now_ns + (uint64_t)LINGER_S * NS_PER_SEC);
	drop_input(conn);
}

void conn_refuse(struct conn *conn)
{
	struct worker *worker = conn->link.worker;
	const struct entry_point *point = conn_entry_point(conn, worker->use->snapshot);

	if (worker->metrics && point)
		metric_add(worker->metrics, point->series, METRIC_STREAMS_REFUSED, 1);
	/* Once is enough: it was read up to here to know what it is. */
	if (conn->link.io.ready & LOOP_READ)
		(void)sock_read(conn->link.io.fd, worker_read_at(worker), WORKER_READ_BYTES);
	conn_close(conn, false);
}

void conn_drain(struct conn *conn)
{
	/* One whose request is under way gets its answer, with "Connection: close". */
	if (conn->state == CONN_IDLE && !conn->head_begun && !link_can_read(&conn->link))
		conn_close(conn, false);
}

/* -------------------------------------------------------------------- events -- */

static void on_ready(struct loop_io *io)
{
	struct conn *conn = (struct conn *)io;

	if (conn->state == CONN_PROXY_HEADER && !take_proxy_header(conn))
		return;
	switch (conn->state) {
	case CONN_SNIFF:
		sniff(conn);
		return;
	case CONN_HANDSHAKE:
		handshake(conn);
		return;
	case CONN_STREAM:
		stream_session_on_client(conn->session);
		return;
	case CONN_IDLE:
		if (held_len(&conn->link.in))
			read_more(conn);
		else if (link_can_read(&conn->link))
			read_fresh(conn);
		return;
	case CONN_BUSY:
		exchange_on_client(conn->exchange);
		return;
	case CONN_LINGER:
		drop_input(conn);
		return;
	default:
		return;
	}
}

static void on_timer(struct timer *timer)
{
	struct conn *conn = LIST_OF(timer, struct conn, link.timer);
	struct exchange *exchange;

	if (conn->state == CONN_BUSY) {
		exchange_on_client_timeout(conn->exchange);
		return;
	}
	if (conn->state == CONN_STREAM) {
		stream_session_on_client_timeout(conn->session);
		return;
	}
	exchange = conn->state == CONN_IDLE && conn->head_begun ? exchange_new(conn) : NULL;
	if (!exchange) {
		conn_close(conn, false);
		return;
	}
	/* RFC 9110 15.5.9: a request that did not come in time is told so. */
	begin(conn, exchange);
	exchange_refuse(exchange, FAIL_REQUEST_TIMEOUT);
}
