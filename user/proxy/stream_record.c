// SPDX-License-Identifier: Apache-2.0
/* stream_record: see the header. */

#include "proxy/stream_record.h"

#include <stdio.h>

#include "obs/access_log.h"
#include "proxy/log_ring.h"
#include "proxy/udp_session.h"
#include "proxy/worker.h"

enum { PORT_TEXT_MAX = 6 };

static void add(struct worker *worker, const struct stream_service *service, unsigned int slot,
		int64_t n)
{
	if (worker->metrics && service)
		metric_add(worker->metrics, service->series, slot, n);
}

void stream_record_begin(struct stream_session *session)
{
	struct worker *worker = session->server.worker;

	add(worker, session->pick.service, METRIC_STREAM_OPEN, 1);
	add(worker, session->pick.service, METRIC_STREAM_SESSIONS, 1);
}

void stream_record_bytes(struct stream_session *session)
{
	struct worker *worker = session->server.worker;

	add(worker, session->pick.service, METRIC_STREAM_RECEIVED,
	    (int64_t)(session->up.bytes - session->told_up));
	add(worker, session->pick.service, METRIC_STREAM_SENT,
	    (int64_t)(session->down.bytes - session->told_down));
	session->told_up = session->up.bytes;
	session->told_down = session->down.bytes;
}

void stream_record_retry(struct stream_session *session)
{
	worker_count(&session->server.worker->counters.retries, 1);
	add(session->server.worker, session->pick.service, METRIC_RETRIES, 1);
}

/* ---------------------------------------------------------------- the line ---- */

struct texts {
	char addr[ADDR_TEXT_MAX], host[ADDR_TEXT_MAX], port[PORT_TEXT_MAX];
};

static void fill_client(struct access_record *record, struct texts *texts, const struct addr *peer,
			uint16_t port)
{
	record->client_addr = str_n(texts->addr, addr_print_port(peer, port, texts->addr));
	record->client_host = str_n(texts->host, addr_print(peer, texts->host));
	record->client_port =
		str_n(texts->port, (size_t)snprintf(texts->port, PORT_TEXT_MAX, "%u", port));
}

static void write_line(struct worker *worker, struct access_record *record)
{
	struct worker_shared *shared = worker->shared;
	char line[ACCESS_LINE_MAX];
	size_t n;

	record->request_count = (int64_t)atomic_fetch_add_explicit(&shared->request_count, 1,
								   memory_order_relaxed) +
				1;
	if (!access_log_wanted(shared->access, record))
		return;
	n = access_log_format(shared->access, record, line);
	if (!log_ring_put(&shared->rings[worker->index], line, n) && worker->metrics)
		metric_add(worker->metrics, shared->program_series, METRIC_ACCESS_LOG_DROPPED, 1);
}

static void fill_server(struct access_record *record, const struct stream_pick *pick)
{
	if (!pick->server)
		return;
	record->service_name = pick->service->name;
	record->service_addr = record->service_url = pick->server->address;
}

static void write_session(const struct stream_session *session)
{
	const struct conn *conn = session->conn;
	struct worker *worker = session->server.worker;
	uint64_t now_ns = worker->loop.now_ns;
	struct access_record record = {
		.entry_point = conn->entry->name,
		.router_name = session->route->name,
		.request_protocol = STR("TCP"),
		.request_scheme = session->route->is_tls ? STR("tls") : STR("tcp"),
		.start_wall_ns = session->begin_wall_ns,
		.duration_ns = (int64_t)(now_ns - session->begin_ns),
		.request_bytes = (int64_t)session->up.bytes,
		.origin_bytes = (int64_t)session->down.bytes,
		.downstream_bytes = (int64_t)session->down.bytes,
		.retry_attempts = session->pick.n_tried > 1 ? session->pick.n_tried - 1 : 0,
	};
	struct texts texts;

	fill_client(&record, &texts, &conn->peer, conn->peer_port);
	fill_server(&record, &session->pick);
	if (session->connected_ns)
		record.origin_duration_ns = (int64_t)(now_ns - session->connected_ns);
	if (session->sni)
		record.request_host = record.request_addr = str_of(session->sni);
	if (conn->link.tls && session->state != STREAM_SESSION_HANDSHAKE) {
		struct tls_facts facts = tls_conn_facts(conn->link.tls);

		record.tls_version = facts.version == 0x0304 ? STR("1.3") : STR("1.2");
		record.tls_cipher = facts.cipher;
	}
	write_line(worker, &record);
}

void stream_record_end(struct stream_session *session)
{
	struct worker *worker = session->server.worker;

	stream_record_bytes(session);
	if (session->connected_ns)
		add(worker, session->pick.service, METRIC_STREAM_OPEN, -1);
	worker_count(&worker->counters.streams_active, -1);
	if (worker->shared->rings)
		write_session(session);
}

void stream_record_udp(const struct udp_session *session)
{
	struct worker *worker = session->entry->worker;
	struct access_record record = {
		.entry_point = session->entry->conf->name,
		.request_protocol = STR("UDP"),
		.request_scheme = STR("udp"),
		.start_wall_ns = session->begin_wall_ns,
		.duration_ns = (int64_t)(session->last_ns - session->begin_ns),
		.request_bytes = (int64_t)session->up_bytes,
		.origin_bytes = (int64_t)session->down_bytes,
		.downstream_bytes = (int64_t)session->down_bytes,
	};
	struct texts texts;

	add(worker, session->pick.service, METRIC_STREAM_OPEN, -1);
	worker_count(&worker->counters.udp_sessions, -1);
	if (!worker->shared->rings)
		return;
	record.origin_duration_ns = record.duration_ns;
	fill_client(&record, &texts, &session->client, session->client_port);
	fill_server(&record, &session->pick);
	write_line(worker, &record);
}
