// SPDX-License-Identifier: Apache-2.0
/* h2_upstream: see the header. */

#include "proxy/h2_upstream.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/sock.h"
#include "proxy/h2_stream.h"
#include "proxy/worker.h"

enum {
	READS_PER_EVENT = 8,
	/* No more frames are made while so much waits for the socket. */
	BACKLOG_MAX_BYTES = 64 << 10,
	SEND_HEAD_MAX_BYTES = 4 << 20, /* more than any request's memory */
	PEER_STREAMS_FIRST = 100,      /* until the server's settings have come (RFC 9113 6.5.2) */
};

static struct h2_upstream *of_io(struct loop_io *io)
{
	return (struct h2_upstream *)io;
}

/* ------------------------------------------------------------ its end -------- */

static void free_later(struct loop_task *task)
{
	struct h2_upstream *h2 = LIST_OF(task, struct h2_upstream, freeing);

	nghttp2_session_del(h2->session);
	free(h2->client);
	free(h2);
}

static void keep_session(struct h2_upstream *h2)
{
	struct ssl_session_st *session = h2->link.tls ? tls_conn_take_session(h2->link.tls) : NULL;

	if (!session)
		return;
	SSL_SESSION_free(h2->pool->session);
	h2->pool->session = session;
}

static void tell_touched(struct h2_upstream *h2);

/* No stream is left that knows it. */
static void close_now(struct h2_upstream *h2)
{
	if (h2->freeing.run)
		return;
	h2->freeing.run = free_later;
	keep_session(h2);
	h2->is_dead = true;
	list_del(&h2->node);
	if (h2->is_counted)
		h2->pool->n_open--;
	if (h2->link.tls)
		(void)tls_conn_shutdown(h2->link.tls);
	link_close(&h2->link, false);
	if (!h2->will_send)
		loop_defer(&h2->link.worker->loop, &h2->freeing);
}

/* The connection is lost: so are its streams. */
static void lost(struct h2_upstream *h2, int error)
{
	if (h2->is_dead)
		return;
	h2->is_dead = true;
	list_del(&h2->node);
	LIST_EACH (&h2->streams, node) {
		struct h2_stream *stream = LIST_OF(node, struct h2_stream, node);

		h2_stream_fail(stream, error, false);
		stream->closed = true;
		h2_stream_drop(stream);
	}
	tell_touched(h2);
	if (!h2->n_streams)
		close_now(h2);
}

void h2_upstream_retire(struct h2_upstream *h2)
{
	list_del(&h2->node);
	if (!h2->n_streams && !h2->is_dead) {
		nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR);
		h2_upstream_send_later(h2);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void set_timer(struct h2_upstream *h2)
{
	uint64_t at_ns = UINT64_MAX;

	if (!h2->n_streams)
		at_ns = h2->quiet_since_ns + h2->idle_ns;
	if (h2->pinged_at_ns)
		at_ns = earlier(at_ns, h2->pinged_at_ns + h2->ping_ns);
	else if (h2->read_idle_ns)
		at_ns = earlier(at_ns, h2->read_at_ns + h2->read_idle_ns);
	if (at_ns != UINT64_MAX && !h2->is_dead)
		timer_set(&h2->link.worker->loop.timers, &h2->link.timer, at_ns);
}

void h2_upstream_stream_ended(struct h2_upstream *h2)
{
	if (--h2->n_streams)
		return;
	h2->quiet_since_ns = h2->link.worker->loop.now_ns;
	if (h2->is_dead)
		close_now(h2);
	else if (list_empty(&h2->node) || !h2->pool->max_idle || h2->link.worker->draining)
		h2_upstream_retire(h2);
	else
		set_timer(h2);
}

static void on_timer(struct timer *timer)
{
	struct h2_upstream *h2 = LIST_OF(timer, struct h2_upstream, link.timer);
	uint64_t now_ns = h2->link.worker->loop.now_ns;

	if (h2->is_dead)
		return;
	if (h2->pinged_at_ns && now_ns >= h2->pinged_at_ns + h2->ping_ns) {
		lost(h2, -ETIMEDOUT);
		return;
	}
	if (!h2->n_streams && now_ns >= h2->quiet_since_ns + h2->idle_ns) {
		h2_upstream_retire(h2);
		return;
	}
	if (h2->read_idle_ns && !h2->pinged_at_ns && now_ns >= h2->read_at_ns + h2->read_idle_ns) {
		h2->pinged_at_ns = now_ns;
		nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);
		h2_upstream_send_later(h2);
	}
	set_timer(h2);
}

/* ------------------------------------------------------------- sending ------- */

/* Frames of all streams, as many as fit, leave in one call. */
static int send_some(struct h2_upstream *h2)
{
	struct worker *worker = h2->link.worker;
	const uint8_t *frame;
	size_t len = 0;
	ssize_t n;
	int error;

	while ((n = nghttp2_session_mem_send(h2->session, &frame)) > 0) {
		if (len + (size_t)n > WORKER_OUT_BYTES) {
			error = link_write(&h2->link, worker->out, len);
			len = 0;
			if (error)
				return error;
		}
		if ((size_t)n > WORKER_OUT_BYTES) {
			error = link_write(&h2->link, (const char *)frame, (size_t)n);
			if (error)
				return error;
			continue;
		}
		memcpy(worker->out + len, frame, (size_t)n);
		len += (size_t)n;
		if (link_backlog(&h2->link) + len > BACKLOG_MAX_BYTES)
			break;
	}
	if (n < 0)
		return n == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EPROTO;
	return len ? link_write(&h2->link, worker->out, len) : 0;
}

static void send_all(struct h2_upstream *h2)
{
	int error = 0;

	if (link_backlog(&h2->link) && h2->link.io.ready & LOOP_WRITE)
		error = link_flush(&h2->link);
	while (!error && !link_backlog(&h2->link) && nghttp2_session_want_write(h2->session))
		error = send_some(h2);
	if (error && error != -EAGAIN)
		lost(h2, error);
	else if (!nghttp2_session_want_read(h2->session) &&
		 !nghttp2_session_want_write(h2->session) && !link_backlog(&h2->link))
		lost(h2, -ECONNRESET);
}

static void send_task(struct loop_task *task)
{
	struct h2_upstream *h2 = LIST_OF(task, struct h2_upstream, sending);

	h2->will_send = false;
	if (h2->freeing.run)
		loop_defer(&h2->link.worker->loop, &h2->freeing);
	else if (!h2->is_dead)
		send_all(h2);
}

void h2_upstream_send_later(struct h2_upstream *h2)
{
	if (h2->will_send || h2->is_dead)
		return;
	h2->will_send = true;
	loop_defer(&h2->link.worker->loop, &h2->sending);
}

/* ----------------------------------------------------------- receiving ------- */

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return id ? nghttp2_session_get_stream_user_data(session, id) : NULL;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

	(void)context;
	if (stream)
		h2_stream_begin_block(stream);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *context)
{
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

	(void)flags, (void)context;
	if (!stream || h2_stream_field(stream, str_n((const char *)name, name_len),
				       str_n((const char *)value, value_len)))
		return 0;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
		   size_t n, void *context)
{
	struct h2_stream *stream = stream_of(session, id);

	(void)flags, (void)context;
	if (!stream || !stream->upstream || !stream->has_body || stream->failed) {
		nghttp2_session_consume(session, id, n);
		return 0;
	}
	if (!h2_stream_data(stream, str_n((const char *)data, n))) {
		h2_stream_fail(stream, -ENOMEM, false);
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
	}
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2_upstream *h2 = context;
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
	bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM, ok = true;

	if (frame->hd.type == NGHTTP2_PING && frame->hd.flags & NGHTTP2_FLAG_ACK)
		h2->pinged_at_ns = 0;
	/* RFC 9113 6.8: no new streams; nghttp2 ends those beyond the last one that counts. */
	if (frame->hd.type == NGHTTP2_GOAWAY)
		list_del(&h2->node);
	if (!stream)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS)
		ok = h2_stream_end_block(stream, is_end);
	else if (frame->hd.type == NGHTTP2_DATA && is_end)
		ok = h2_stream_end(stream);
	if (!ok) {
		h2_stream_fail(stream, -EPROTO, false);
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
					  NGHTTP2_PROTOCOL_ERROR);
	}
	return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2_stream *stream =
		frame->hd.type == NGHTTP2_HEADERS ? stream_of(session, frame->hd.stream_id) : NULL;

	(void)context;
	if (stream)
		stream->was_sent = true;
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *context)
{
	struct h2_stream *stream = stream_of(session, id);

	(void)context;
	if (!stream)
		return 0;
	stream->closed = true;
	h2_stream_fail(stream, -ECONNRESET, error == NGHTTP2_REFUSED_STREAM);
	h2_stream_drop(stream);
	return 0;
}

static void tell_touched(struct h2_upstream *h2)
{
	while (!list_empty(&h2->touched)) {
		struct h2_stream *stream = LIST_OF(h2->touched.next, struct h2_stream, touched);

		list_del(&stream->touched);
		if (stream->upstream)
			stream->upstream->link.io.on_ready(&stream->upstream->link.io);
	}
}

/* Bytes read, 0: no more for now, or an error. */
static ssize_t read_some(struct h2_upstream *h2)
{
	struct worker *worker = h2->link.worker;
	char *at = worker_read_at(worker);
	ssize_t n = link_read(&h2->link, at, WORKER_READ_BYTES), used;

	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return n < 0 ? n : -ECONNRESET;
	h2->read_at_ns = worker->loop.now_ns;
	used = nghttp2_session_mem_recv(h2->session, (const uint8_t *)at, (size_t)n);
	if (used < 0) {
		LOG(LOG_WARN, "server broke HTTP/2", LOG_C("error", nghttp2_strerror((int)used)));
		return -EPROTO;
	}
	return n;
}

static void on_ready(struct loop_io *io)
{
	struct h2_upstream *h2 = of_io(io);
	int turns = 0;
	ssize_t n = 1;

	if (h2->is_dead)
		return;
	while (n > 0 && io->ready & LOOP_READ && turns++ < READS_PER_EVENT) {
		n = read_some(h2);
		tell_touched(h2);
		if (h2->is_dead)
			return;
	}
	if (n < 0) {
		/* What the protocol wants to say of it. */
		if (n == -EPROTO)
			send_all(h2);
		lost(h2, (int)n);
		return;
	}
	if (io->ready & LOOP_READ)
		loop_again(&h2->link.worker->loop, io);
	if (!h2->will_send)
		send_all(h2);
	if (!h2->is_dead)
		set_timer(h2);
}

/* --------------------------------------------------------- its beginning ----- */

static int make_session(struct h2_upstream *h2)
{
	nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_UPSTREAM_STREAM_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_UPSTREAM_HEAD_MAX},
	};
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int error;

	if (nghttp2_session_callbacks_new(&callbacks))
		return -ENOMEM;
	if (nghttp2_option_new(&option)) {
		nghttp2_session_callbacks_del(callbacks);
		return -ENOMEM;
	}
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_peer_max_concurrent_streams(option, PEER_STREAMS_FIRST);
	nghttp2_option_set_max_send_header_block_length(option, SEND_HEAD_MAX_BYTES);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	error = nghttp2_session_client_new2(&h2->session, callbacks, h2, option);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	if (error)
		return -ENOMEM;
	if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
				    sizeof(settings) / sizeof(*settings)) ||
	    nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
						  H2_UPSTREAM_WINDOW))
		return -ENOMEM;
	return 0;
}

bool h2_upstream_join(struct h2_upstream *h2, struct upstream *upstream)
{
	return h2_stream_new(h2, upstream) != NULL;
}

/* The socket changes hands: from the upstream's link to the connection's. */
static void take_socket(struct h2_upstream *h2, struct upstream *upstream)
{
	struct link *from = &upstream->link;
	struct worker *worker = from->worker;

	link_init(&h2->link, worker, -1);
	h2->link.io.on_ready = on_ready;
	h2->link.timer.on_fire = on_timer;
	h2->link.tls = from->tls;
	from->tls = NULL;
	loop_move(&worker->loop, &from->io, &h2->link.io);
	timer_cancel(&worker->loop.timers, &from->timer);
	h2->client = upstream->client;
	upstream->client = NULL;
	h2->private_to = upstream->private_to;
}

bool h2_upstream_begin(struct upstream *upstream, const struct server *server)
{
	const struct transport *transport = upstream_transport(server);
	struct h2_upstream *h2 = calloc(1, sizeof(*h2));
	uint64_t now_ns = upstream->link.worker->loop.now_ns;

	if (!h2 || make_session(h2) < 0) {
		if (h2)
			nghttp2_session_del(h2->session);
		free(h2);
		return false;
	}
	list_init(&h2->streams);
	list_init(&h2->touched);
	h2->pool = upstream->pool;
	h2->sending.run = send_task;
	h2->is_tls = upstream->link.tls != NULL;
	h2->idle_ns = transport->idle_ns;
	h2->read_idle_ns = transport->read_idle_ns;
	h2->ping_ns = transport->ping_ns;
	h2->read_at_ns = h2->quiet_since_ns = now_ns;
	take_socket(h2, upstream);
	list_add_front(&h2->pool->h2, &h2->node);
	h2_upstream_send_later(h2);
	set_timer(h2);
	if (!h2_upstream_join(h2, upstream)) {
		h2_upstream_retire(h2);
		return false;
	}
	/* The upstream was counted as a connection: that is what this one is now. */
	h2->is_counted = true;
	return true;
}

struct h2_upstream *h2_upstream_find(struct server_pool *pool, const struct upstream_owner *owner)
{
	LIST_EACH (&pool->h2, node) {
		struct h2_upstream *h2 = LIST_OF(node, struct h2_upstream, node);
		uint32_t max = nghttp2_session_get_remote_settings(
			h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

		if (max > H2_UPSTREAM_STREAMS_MAX)
			max = H2_UPSTREAM_STREAMS_MAX;
		if (h2->n_streams < max && upstream_is_for(h2->client, h2->private_to, owner) &&
		    nghttp2_session_check_request_allowed(h2->session))
			return h2;
	}
	return NULL;
}

void h2_upstream_retire_all(struct server_pool *pool)
{
	LIST_EACH (&pool->h2, node)
		h2_upstream_retire(LIST_OF(node, struct h2_upstream, node));
}
