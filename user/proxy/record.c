// SPDX-License-Identifier: Apache-2.0
/* record: see the header. */

#include "proxy/record.h"

#include "http/header.h"
#include "proxy/access_line.h"
#include "proxy/conn.h"
#include "proxy/worker.h"

static const uint8_t method_class[METHOD__COUNT] = {
	[METHOD_OTHER] = METRIC_EXTENSION_METHOD,
	[METHOD_GET] = METRIC_GET,
	[METHOD_HEAD] = METRIC_HEAD,
	[METHOD_POST] = METRIC_POST,
	[METHOD_PUT] = METRIC_PUT,
	[METHOD_DELETE] = METRIC_DELETE,
	[METHOD_OPTIONS] = METRIC_OPTIONS,
	[METHOD_PATCH] = METRIC_PATCH,
	[METHOD_TRACE] = METRIC_TRACE,
	[METHOD_CONNECT] = METRIC_CONNECT,
};

static enum metric_method method_of_request(const struct request *request)
{
	if (request->method_id == METHOD_OTHER && request->method.len)
		return metric_method_of(request->method);
	return method_class[request->method_id];
}

static enum metric_protocol protocol_of(const struct request *request)
{
	struct str accept;

	if (request->upgrade)
		return METRIC_WEBSOCKET;
	accept = header_value(&request->headers, HEADER_ACCEPT);
	if (accept.len >= 17 && str_search(accept, STR("text/event-stream")) >= 0)
		return METRIC_SSE;
	return METRIC_HTTP;
}

static void count(const struct exchange *exchange, uint64_t duration_ns, uint64_t request_bytes,
		  uint64_t response_bytes)
{
	struct metric_worker *metrics = exchange->worker->metrics;
	const struct request *request = &exchange->request;
	uint16_t class_ = metric_class(metrics, exchange->status, method_of_request(request),
				       protocol_of(request));

	if (exchange->entry_point) {
		metric_request(metrics, exchange->entry_point->series, class_, duration_ns,
			       request_bytes, response_bytes);
		if (exchange->conn->tls_class)
			metric_tls(metrics, exchange->entry_point->series,
				   exchange->conn->tls_class);
	}
	if (exchange->route && exchange->route->series)
		metric_request(metrics, exchange->route->series, class_, duration_ns, request_bytes,
			       response_bytes);
	if (exchange->pick.service && exchange->origin_status)
		metric_request(metrics, exchange->pick.service->series, class_, duration_ns,
			       request_bytes, response_bytes);
}

void record_send_for_lines(const struct exchange *exchange)
{
	__builtin_prefetch(exchange->route);
	__builtin_prefetch(exchange->pick.service);
}

void record_send_for(const struct exchange *exchange)
{
	struct metric_worker *metrics = exchange->worker->metrics;

	if (metrics && exchange->pick.service)
		__builtin_prefetch(metric_block(metrics, exchange->pick.service->series), 1);
}

void record_exchange(const struct exchange *exchange)
{
	struct worker *worker = exchange->worker;

	if (worker->metrics)
		count(exchange, worker->loop.now_ns - exchange->begin_ns, exchange->up.body.payload,
		      exchange->replied_bytes + exchange->down.sent_bytes);
	if (worker->shared->rings)
		access_line_write(exchange);
}

void record_copy(struct worker *worker, const struct service *service,
		 const struct request *request, uint16_t status, uint64_t duration_ns,
		 uint64_t request_bytes)
{
	uint16_t class_;

	if (!worker->metrics)
		return;
	if (!status)
		status = fail_row(FAIL_DIAL_FAILED)->status;
	class_ = metric_class(worker->metrics, status, method_of_request(request),
			      protocol_of(request));
	metric_request(worker->metrics, service->series, class_, duration_ns, request_bytes, 0);
}
