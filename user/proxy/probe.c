// SPDX-License-Identifier: Apache-2.0
/* probe: see the header. */

#include "proxy/probe.h"

#include <errno.h>

#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/header.h"
#include "http/method.h"
#include "http/uri.h"
#include "proxy/worker.h"

enum {
	REDIRECTS_MAX = 10, /* as Go's client */
	ARENA_MAX_BYTES = 256 << 10,
	ARENA_BLOCK_BYTES = 4096,
	ANSWER_HEADERS = 32,
	GRPC_MESSAGE_BYTES = 5,
};

static struct probe *of_owner(struct upstream_owner *owner)
{
	return (struct probe *)owner;
}

static void release(struct probe *probe)
{
	if (probe->upstream)
		upstream_release(probe->upstream, false);
	probe->upstream = NULL;
}

void probe_cancel(struct probe *probe)
{
	if (!probe->runs)
		return;
	probe->runs = false;
	timer_cancel(&probe->worker->loop.timers, &probe->timer);
	release(probe);
	arena_done(&probe->arena);
}

static void finish(struct probe *probe, enum probe_result result, struct str why)
{
	probe_cancel(probe);
	probe->on_done(probe, result, why);
}

static void done(struct probe *probe, bool is_up, struct str why)
{
	finish(probe, is_up ? PROBE_UP : PROBE_DOWN, why);
}

/* From the loop, as all else is told. */
static void tell_soon(struct probe *probe, enum probe_result result, struct str why)
{
	probe->why_not = why;
	probe->result_then = result;
	timer_set(&probe->worker->loop.timers, &probe->timer, probe->worker->loop.now_ns);
}

/* Want of our own, which says nothing of the server. */
static bool is_ours(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -EAGAIN ||
	       error == -ENOBUFS || error == -EADDRNOTAVAIL;
}

static void connect_to_target(struct probe *probe)
{
	probe->was_sent = false;

	int error = upstream_dial(probe->worker, probe->target, &probe->owner, &probe->upstream);

	if (!error)
		return;
	probe->upstream = NULL;
	tell_soon(probe, is_ours(error) ? PROBE_UNKNOWN : PROBE_DOWN,
		  STR("no connection could be made"));
}

/* ------------------------------------------------------------------ answer -- */

static bool is_redirect(uint16_t status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Whether a URL leads to the same scheme, host and port. */
static bool is_same_server(const struct probe *probe, const struct uri *uri)
{
	struct str scheme = probe->target->scheme == TRANSPORT_HTTPS ? STR("https") : STR("http");

	return str_eq_nocase(uri->scheme, scheme) &&
	       (str_eq_nocase(uri->authority, probe->request.authority) ||
		str_eq_nocase(uri->authority, server_host(probe->target)));
}

/* Asks again when the answer says so and it may. */
static bool follows(struct probe *probe, const struct response *response)
{
	struct str location = header_value(&response->headers, HEADER_LOCATION);
	struct request *request = &probe->request;
	ptrdiff_t fragment = str_find(location, '#');
	struct uri uri;

	if (!probe->conf->follow_redirects || !is_redirect(response->status) || !location.len)
		return false;
	if (fragment >= 0)
		location = str_take(location, (size_t)fragment);
	location = arena_str(&probe->arena, location);
	if (!location.at || uri_parse(location, METHOD_GET, &uri) ||
	    (uri.form == URI_ABSOLUTE && !is_same_server(probe, &uri)))
		return false;
	if (probe->n_redirects++ == REDIRECTS_MAX) {
		done(probe, false, STR("too many redirections"));
		return true;
	}
	request->raw_path = uri.path;
	request->query = uri.query;
	request->has_query = uri.has_query;
	if (response->status < 307 && request->method_id != METHOD_HEAD) {
		request->method_id = METHOD_GET;
		request->method = STR("GET");
	}
	release(probe);
	connect_to_target(probe);
	return true;
}

static void judge(struct probe *probe, const struct response *response)
{
	uint16_t status = response->status, want = probe->conf->status;
	bool is_up = want ? status == want : status >= 200 && status < 400;
	char text[48];

	if (follows(probe, response))
		return;
	snprintf(text, sizeof(text), "status %u", status);
	done(probe, is_up, str_of(text));
}

/* -------------------------------------------------------------------- gRPC -- */

/* HealthCheckResponse.status of the message, or -1. The rest of the fields is passed over. */
static int serving_status(const struct probe *probe)
{
	enum { PREFIX_BYTES = 5, STATUS_KEY = 1 << 3 };
	const unsigned char *at = (const unsigned char *)probe->message;

	/* Not compressed, one message; proto3 leaves out a 0 (UNKNOWN). */
	if (probe->n_message < PREFIX_BYTES || at[0])
		return -1;
	for (size_t i = PREFIX_BYTES; i + 1 < probe->n_message; i += 2) {
		if (at[i] == STATUS_KEY)
			return at[i + 1];
		if (at[i] & 7 || at[i + 1] & 0x80)
			break;
	}
	return 0;
}

static void judge_grpc(struct probe *probe)
{
	enum { SERVING = 1 };
	const struct header *trailer = header_find_name(&probe->body.trailers, STR("grpc-status"));
	struct str status = trailer ? trailer->value : probe->grpc_status;
	char text[64];

	if (!str_eq(status, STR("0"))) {
		snprintf(text, sizeof(text), "gRPC status %.*s", status.len ? (int)status.len : 4,
			 status.len ? status.at : "none");
		done(probe, false, str_of(text));
		return;
	}
	int serving = serving_status(probe);

	done(probe, serving == SERVING, serving == SERVING ? STR("SERVING") : STR("not SERVING"));
}

/* True: nothing more is to be done. */
static bool read_message(struct probe *probe)
{
	struct link *link = &probe->upstream->link;
	struct str input = held_str(&link->in), data;
	enum h1_body_result result;

	while ((result = h1_body_next(&probe->body, &input, &data)) == H1_BODY_DATA) {
		size_t room = sizeof(probe->message) - probe->n_message;
		size_t n = data.len < room ? data.len : room;

		memcpy(probe->message + probe->n_message, data.at, n);
		probe->n_message += n;
	}
	held_drop(&link->in, &link->worker->blocks);
	if (result == H1_BODY_MORE)
		return false;
	if (result == H1_BODY_END)
		judge_grpc(probe);
	else
		done(probe, false, STR("the answer is not gRPC"));
	return true;
}

/* The head of a gRPC answer. True: nothing more is to be done. */
static bool begin_message(struct probe *probe, const struct response *response)
{
	const struct header *status =
		header_find_name(&((struct response *)response)->headers, STR("grpc-status"));

	if (response->status != 200) {
		char text[48];

		snprintf(text, sizeof(text), "status %u", response->status);
		done(probe, false, str_of(text));
		return true;
	}
	probe->has_head = true;
	probe->grpc_status = status ? arena_str(&probe->arena, status->value) : (struct str){0};
	h1_body_init(&probe->body, (enum body_kind)response->body, response->content_length,
		     &probe->arena);
	return false;
}

/* ------------------------------------------------------------------ reading -- */

/* True: nothing more is to be done. */
static bool parse(struct probe *probe)
{
	struct link *link = &probe->upstream->link;
	const struct h1_limits limits = {H1_MAX_HEAD_BYTES, H1_MAX_HEADERS};
	const struct h1_asked asked = {.head = probe->request.method_id == METHOD_HEAD};

	while (!probe->has_head) {
		struct header slots[ANSWER_HEADERS];
		struct response response = {
			.arena = &probe->arena,
			.headers = {.at = slots, .cap = ANSWER_HEADERS, .arena = &probe->arena},
		};
		enum fail fail;
		ssize_t n =
			h1_parse_response(held_str(&link->in), &limits, &asked, &response, &fail);

		if (n == -EAGAIN)
			return false;
		if (n < 0) {
			done(probe, false, STR("the answer is not HTTP"));
			return true;
		}
		if (response.status >= 200 && !probe->conf->is_grpc) {
			judge(probe, &response);
			return true;
		}
		if (response.status >= 200 && begin_message(probe, &response))
			return true;
		held_take(&link->in, &link->worker->blocks, (size_t)n);
	}
	return read_message(probe);
}

static void read_answer(struct probe *probe)
{
	enum { READ_BYTES = 2048 };
	struct link *link = &probe->upstream->link;

	while (link_can_read(link)) {
		size_t room;
		char *at = held_room(&link->in, &link->worker->blocks, READ_BYTES, &room);
		ssize_t n = at ? link_read(link, at, room) : -ENOMEM;

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			done(probe, false, STR("the connection ended without an answer"));
			return;
		}
		held_added(&link->in, (size_t)n);
		if (parse(probe))
			return;
	}
}

/* ------------------------------------------------------------------ events -- */

static void send_request(struct probe *probe)
{
	/* gRPC: no compression, a message of no bytes, which asks for the server as a whole. */
	static const char empty[GRPC_MESSAGE_BYTES];
	struct h1_request_options options = {0};
	char *head = probe->worker->out;
	ssize_t n = h1_write_request(&probe->request, &options, head,
				     WORKER_OUT_BYTES - GRPC_MESSAGE_BYTES);

	if (n >= 0 && probe->conf->is_grpc) {
		memcpy(head + n, empty, sizeof(empty));
		n += GRPC_MESSAGE_BYTES;
	}
	if (n < 0 || link_write(&probe->upstream->link, head, (size_t)n) < 0)
		done(probe, false, STR("the request could not be sent"));
}

static void on_ready(struct upstream_owner *owner)
{
	struct probe *probe = of_owner(owner);
	struct link *link = &probe->upstream->link;

	/* The first event of a connection is that it stands. */
	if (!probe->was_sent) {
		probe->was_sent = true;
		send_request(probe);
		if (!probe->runs)
			return;
	}
	if (link_backlog(link) && link_flush(link) < 0 && link_backlog(link) &&
	    link->io.ready & LOOP_ERROR) {
		done(probe, false, STR("the request could not be sent"));
		return;
	}
	read_answer(probe);
}

static void on_dial_failed(struct upstream_owner *owner, enum fail fail)
{
	struct probe *probe = of_owner(owner);

	probe->upstream = NULL;
	done(probe, false,
	     fail == FAIL_DIAL_TIMEOUT	? STR("connecting took too long")
	     : fail == FAIL_DIAL_FAILED ? STR("no connection could be made")
					: STR("the TLS handshake failed"));
}

static void on_upstream_timeout(struct upstream_owner *owner)
{
	done(of_owner(owner), false, STR("no answer in time"));
}

static void on_time(struct timer *timer)
{
	struct probe *probe = LIST_OF(timer, struct probe, timer);

	if (probe->why_not.len)
		finish(probe, probe->result_then, probe->why_not);
	else
		done(probe, false, STR("no answer in time"));
}

static const struct upstream_events events = {on_ready, on_dial_failed, on_upstream_timeout};

/* reference d.3: what headers say, but Host, which comes from hostname alone */
static void add_headers(struct probe *probe)
{
	const struct str_map *map = &probe->conf->headers;
	struct headers *headers = &probe->request.headers;

	for (size_t i = 0; i < map->n; i++)
		if (!str_eq_nocase(map->at[i].key, STR("Host")) &&
		    header_name_valid(map->at[i].key) && header_value_valid(map->at[i].value))
			header_add(headers, map->at[i].key, map->at[i].value);
	if (!header_find(headers, HEADER_USER_AGENT))
		header_add_id(headers, HEADER_USER_AGENT, STR("tidegate-health"));
}

static bool make_request(struct probe *probe)
{
	const struct health_probe *conf = probe->conf;
	struct request *request = &probe->request;
	struct uri uri;

	*request = (struct request){
		.arena = &probe->arena,
		.version_minor = 1,
		.method = conf->is_grpc ? STR("POST") : conf->method,
		.authority = conf->host.len ? conf->host : server_host(probe->target),
		.headers.arena = &probe->arena,
	};
	request->method_id = (uint8_t)method_of(request->method);
	if (uri_parse(conf->is_grpc ? STR("/grpc.health.v1.Health/Check") : conf->path, METHOD_GET,
		      &uri))
		return false;
	request->raw_path = uri.path;
	request->query = uri.query;
	request->has_query = uri.has_query;
	add_headers(probe);
	if (conf->is_grpc) {
		request->body = BODY_LENGTH;
		request->content_length = GRPC_MESSAGE_BYTES;
		header_set_id(&request->headers, HEADER_CONTENT_TYPE, STR("application/grpc"));
		header_set_id(&request->headers, HEADER_TE, STR("trailers"));
	}
	return !probe->arena.failed;
}

void probe_begin(struct probe *probe)
{
	probe->owner.events = &events;
	probe->upstream = NULL;
	probe->n_redirects = 0;
	probe->n_message = 0;
	probe->has_head = false;
	probe->why_not = (struct str){0};
	probe->runs = true;
	arena_init(&probe->arena, ARENA_MAX_BYTES, ARENA_BLOCK_BYTES);
	timer_init(&probe->timer, on_time);
	timer_set(&probe->worker->loop.timers, &probe->timer,
		  probe->worker->loop.now_ns + probe->conf->timeout_ns);
	if (make_request(probe)) {
		connect_to_target(probe);
		return;
	}
	tell_soon(probe, PROBE_UNKNOWN, STR("the request cannot be made"));
}
