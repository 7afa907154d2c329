/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PEER_H
#define H2_PEER_H

/*
 * h2_peer: an HTTP/2 server that the test holds in its hand, and an owner that speaks HTTP/1.1 to
 * it through a worker's upstream. One thread turns both.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bare_worker.h"
#include "proxy/h2_upstream.h"
#include "proxy/loopback.h"

enum { PEER_STREAMS = 16 };

/* What the server saw of a stream. */
struct peer_stream {
	int32_t id;
	char fields[2048]; /* "name: value\n" */
	size_t n_body;
	bool has_end;
	uint32_t reset; /* the client's error code + 1 */
	/* The answer's body. */
	size_t to_send;
	bool with_trailers;
};

static struct peer {
	int listener, fd;
	nghttp2_session *session;
	struct peer_stream streams[PEER_STREAMS];
	int n_streams, n_pings;
	bool mute; /* reads nothing */
} peer;

struct owner {
	struct upstream_owner owner; /* first */
	struct upstream *upstream;
	int n_ready, n_failed;
	enum fail fail;
	char in[1 << 20];
	size_t n_in;
	ssize_t last; /* of link_read() */
};

static struct bare_worker *bare;
static struct worker *worker;
static struct transport peer_transport;
static struct server peer_server;

#define HELD __attribute__((unused)) static

HELD struct peer_stream *peer_stream(int32_t id)
{
	for (int i = 0; i < peer.n_streams; i++)
		if (peer.streams[i].id == id)
			return &peer.streams[i];
	assert_true(peer.n_streams < PEER_STREAMS);
	peer.streams[peer.n_streams].id = id;
	return &peer.streams[peer.n_streams++];
}

HELD int peer_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
			size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
			void *context)
{
	struct peer_stream *stream = peer_stream(frame->hd.stream_id);
	size_t n = strlen(stream->fields);

	(void)session, (void)flags, (void)context;
	snprintf(stream->fields + n, sizeof(stream->fields) - n, "%.*s: %.*s\n", (int)name_len,
		 (const char *)name, (int)value_len, (const char *)value);
	return 0;
}

HELD int peer_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	(void)session, (void)context;
	if (frame->hd.type == NGHTTP2_PING)
		peer.n_pings++;
	if (frame->hd.stream_id && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		peer_stream(frame->hd.stream_id)->has_end = true;
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		peer_stream(frame->hd.stream_id)->reset = frame->rst_stream.error_code + 1;
	return 0;
}

HELD int peer_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
		      size_t n, void *context)
{
	(void)session, (void)flags, (void)data, (void)context;
	peer_stream(id)->n_body += n;
	return 0;
}

HELD ssize_t peer_send(nghttp2_session *session, const uint8_t *data, size_t n, int flags,
		       void *context)
{
	ssize_t sent = send(peer.fd, data, n, MSG_NOSIGNAL);

	(void)session, (void)flags, (void)context;
	return sent < 0 ? NGHTTP2_ERR_WOULDBLOCK : sent;
}

HELD int peer_set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	worker = &bare->worker;
	peer = (struct peer){.fd = -1};
	peer_transport = transport_plain;
	peer_transport.id = 7;
	peer_server =
		(struct server){.id = 5, .transport = &peer_transport, .scheme = TRANSPORT_H2C};
	addr_parse(STR("127.0.0.1"), &peer_server.addr);
	peer.listener = loopback_listen(&peer_server.port);
	return 0;
}

HELD int peer_tear_down(void **state)
{
	(void)state;
	nghttp2_session_del(peer.session);
	if (peer.fd >= 0)
		close(peer.fd);
	close(peer.listener);
	bare_worker_free(bare);
	return 0;
}

HELD void peer_accept(uint32_t max_streams, uint32_t window, bool auto_window)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
	};

	peer.fd = accept(peer.listener, NULL, NULL);
	assert_true(peer.fd >= 0);
	fcntl(peer.fd, F_SETFL, O_NONBLOCK);
	setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_option_new(&option);
	nghttp2_option_set_no_auto_window_update(option, !auto_window);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, peer_on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, peer_on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, peer_on_data);
	nghttp2_session_callbacks_set_send_callback(callbacks, peer_send);
	nghttp2_session_server_new2(&peer.session, callbacks, NULL, option);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(peer.session, NGHTTP2_FLAG_NONE, settings, 2);
}

HELD void peer_go_on(void)
{
	uint8_t buf[65536];
	ssize_t n;

	if (peer.fd < 0 || !peer.session || peer.mute)
		return;
	while ((n = recv(peer.fd, buf, sizeof(buf), 0)) > 0)
		assert_true(nghttp2_session_mem_recv(peer.session, buf, (size_t)n) >= 0);
	nghttp2_session_send(peer.session);
}

/* Turns both; owners read whatever there is. */
HELD void go_on(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		loop_round(&worker->loop, 2 * NS_PER_MS);
		peer_go_on();
	}
}

HELD void owner_on_ready(struct upstream_owner *base)
{
	((struct owner *)base)->n_ready++;
}

HELD void owner_on_failed(struct upstream_owner *base, enum fail fail)
{
	struct owner *owner = (struct owner *)base;

	owner->n_failed++;
	owner->fail = fail;
	owner->upstream = NULL;
}

HELD void owner_on_timeout(struct upstream_owner *base)
{
	(void)base;
}

static const struct upstream_events owner_events = {
	.on_ready = owner_on_ready,
	.on_dial_failed = owner_on_failed,
	.on_timeout = owner_on_timeout,
};

HELD struct owner *owner_new(void)
{
	struct owner *owner = calloc(1, sizeof(*owner));

	owner->owner.events = &owner_events;
	return owner;
}

/* On a stream of the connection that is there, or of a new one. */
HELD struct owner *owner_connect(uint32_t max_streams, uint32_t window, bool auto_window)
{
	struct owner *owner = owner_new();

	owner->upstream = upstream_reuse(worker, &peer_server, &owner->owner);
	if (owner->upstream)
		return owner;
	assert_int_equal(upstream_dial(worker, &peer_server, &owner->owner, &owner->upstream), 0);
	peer_accept(max_streams, window, auto_window);
	for (int i = 0; i < 50 && owner->upstream->state == UPSTREAM_DIALLING; i++)
		go_on(1);
	assert_int_equal(owner->upstream->state, UPSTREAM_BUSY);
	go_on(3);
	return owner;
}

HELD void owner_write(struct owner *owner, const char *text)
{
	assert_int_equal(link_write(&owner->upstream->link, text, strlen(text)), 0);
}

/* Everything that can be read now. */
HELD const char *owner_read(struct owner *owner)
{
	struct link *link = &owner->upstream->link;

	go_on(5);
	while (link_can_read(link) && owner->n_in < sizeof(owner->in) - 1 &&
	       (owner->last = link_read(link, owner->in + owner->n_in,
					sizeof(owner->in) - 1 - owner->n_in)) > 0)
		owner->n_in += (size_t)owner->last;
	owner->in[owner->n_in] = 0;
	return owner->in;
}

HELD void owner_free(struct owner *owner)
{
	if (owner->upstream)
		upstream_release(owner->upstream, true);
	free(owner);
	go_on(3);
}

HELD ssize_t peer_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t cap,
		       uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct peer_stream *stream = source->ptr;
	nghttp2_nv trailer = {(uint8_t *)(uintptr_t) "x-sum", (uint8_t *)(uintptr_t) "9", 5, 1, 0};
	size_t n = stream->to_send < cap ? stream->to_send : cap;

	(void)context;
	memset(buf, 'b', n);
	stream->to_send -= n;
	if (!stream->to_send)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!stream->to_send && stream->with_trailers) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, id, &trailer, 1);
	}
	return (ssize_t)n;
}

#define NV(name, value)                                                                    \
	{                                                                                  \
		(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), \
			strlen(value), 0                                                   \
	}

/* field NULL: none. */
HELD void peer_answer(int32_t id, const char *status, const char *field, const char *value,
		      size_t n_body, bool with_trailers)
{
	struct peer_stream *stream = peer_stream(id);
	nghttp2_nv nv[] = {NV(":status", status), NV(field ? field : "x", value ? value : "")};
	nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = peer_body};

	stream->to_send = n_body;
	stream->with_trailers = with_trailers;
	assert_int_equal(nghttp2_submit_response(peer.session, id, nv, field ? 2 : 1,
						 n_body || with_trailers ? &provider : NULL),
			 0);
}

#endif
