// SPDX-License-Identifier: Apache-2.0
/* access_line: from an exchange to a record; the format is obs/access_log's. */

#include "proxy/access_line.h"

#include "http/header.h"
#include "http/uri.h"
#include "obs/access_log.h"
#include "proxy/conn.h"
#include "proxy/hidden.h"
#include "proxy/log_ring.h"
#include "proxy/worker.h"

enum { PORT_TEXT_MAX = 6 };

struct texts {
	char client_addr[ADDR_TEXT_MAX], client_host[ADDR_TEXT_MAX];
	char client_port[PORT_TEXT_MAX];
};

static size_t print_port(uint16_t port, char text[PORT_TEXT_MAX])
{
	char digits[PORT_TEXT_MAX];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + port % 10);
		port /= 10;
	} while (port);
	for (size_t i = 0; i < n; i++)
		text[i] = digits[n - 1 - i];
	return n;
}

static void fill_client(struct access_record *record, const struct exchange *exchange,
			struct texts *texts)
{
	const struct request *request = &exchange->request;
	struct str forwarded = header_value(&request->headers, HEADER_X_FORWARDED_FOR);

	record->client_addr =
		str_n(texts->client_addr,
		      addr_print_port(&request->peer, request->peer_port, texts->client_addr));
	record->client_host =
		str_n(texts->client_host, addr_print(&request->peer, texts->client_host));
	/* Reference h.2: what an earlier proxy said of the client, when that proxy is believed. */
	if (forwarded.len && request->peer_trusted)
		record->client_host = forwarded;
	record->client_port =
		str_n(texts->client_port, print_port(request->peer_port, texts->client_port));
	record->client_user = exchange->pipeline.user;
}

static void fill_request(struct access_record *record, const struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	const struct hidden *hidden = exchange->worker->use ? exchange->worker->use->hidden : NULL;

	record->request_addr = request->authority;
	record->request_host = request->host;
	record->request_method = request->method;
	record->request_path = hidden_told(hidden, request->target, request->arena);
	record->request_id = request->id;
	record->request_protocol = request->version_minor ? STR("HTTP/1.1") : STR("HTTP/1.0");
	record->request_scheme = request->is_tls ? STR("https") : STR("http");
	record->request_bytes = (int64_t)exchange->up.body.payload;
	record->referer = hidden_told(hidden, header_value(&request->headers, HEADER_REFERER),
				      request->arena);
	record->user_agent = header_value(&request->headers, HEADER_USER_AGENT);
}

static void fill_outcome(struct access_record *record, const struct exchange *exchange)
{
	uint64_t now_ns = exchange->worker->loop.now_ns;

	record->start_wall_ns = exchange->begin_wall_ns;
	record->duration_ns = (int64_t)(now_ns - exchange->begin_ns);
	record->downstream_status = exchange->status;
	record->downstream_bytes = (int64_t)(exchange->replied_bytes + exchange->down.sent_bytes);
	record->retry_attempts = exchange->n_retries;
	if (exchange->route)
		record->router_name = exchange->route->name;
	if (exchange->pick.service) {
		record->service_name = exchange->pick.service->name;
		if (exchange->pick.server) {
			record->service_url = exchange->pick.server->url;
			record->service_addr = server_host(exchange->pick.server);
		}
	}
	if (exchange->origin_status) {
		uint64_t end_ns = exchange->origin_end_ns ? exchange->origin_end_ns : now_ns;

		record->origin_status = exchange->origin_status;
		record->origin_bytes = (int64_t)exchange->down.body.payload;
		record->origin_duration_ns = (int64_t)(end_ns - exchange->origin_begin_ns);
	}
}

void access_line_write(const struct exchange *exchange)
{
	struct worker *worker = exchange->worker;
	struct worker_shared *shared = worker->shared;
	struct access_record record = {
		.entry_point = exchange->conn->entry->name,
		.request_count = (int64_t)atomic_fetch_add_explicit(&shared->request_count, 1,
								    memory_order_relaxed) +
				 1,
	};
	char line[ACCESS_LINE_MAX];
	struct texts texts;

	fill_client(&record, exchange, &texts);
	fill_request(&record, exchange);
	fill_outcome(&record, exchange);
	if (exchange->conn->link.tls) {
		struct tls_facts facts = tls_conn_facts(exchange->conn->link.tls);

		record.tls_version = facts.version == 0x0304 ? STR("1.3") : STR("1.2");
		record.tls_cipher = facts.cipher;
	}
	if (!access_log_wanted(shared->access, &record))
		return;
	size_t n = access_log_format(shared->access, &record, line);

	if (!log_ring_put(&shared->rings[worker->index], line, n) && worker->metrics)
		metric_add(worker->metrics, shared->program_series, METRIC_ACCESS_LOG_DROPPED, 1);
}
