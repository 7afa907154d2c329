// SPDX-License-Identifier: Apache-2.0
/* h2_stream: see the header. */

#include "proxy/h2_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/num.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/h2_map.h"
#include "http/method.h"
#include "proxy/worker.h"

enum {
	ARENA_CAP_BYTES = 4 << 20,
	ARENA_BLOCK_BYTES = 2048,
	STATUS_SWITCHING = 101,
	STATUS_NO_CONTENT = 204,
	STATUS_NOT_MODIFIED = 304,
};

/* Of what an exchange has written itself. */
static const struct h1_limits own_limits = {.max_head_bytes = 4 << 20, .max_headers = 8192};

static struct block_pool *blocks_of(const struct h2_stream *stream)
{
	return &stream->h2->link.worker->blocks;
}

void h2_stream_touch(struct h2_stream *stream)
{
	if (stream->upstream && list_empty(&stream->touched))
		list_add_back(&stream->h2->touched, &stream->touched);
}

static void wake_reader(struct h2_stream *stream)
{
	if (stream->upstream)
		stream->upstream->link.io.ready |= LOOP_READ;
	h2_stream_touch(stream);
}

void h2_stream_fail(struct h2_stream *stream, int error, bool unprocessed)
{
	if (!stream->has_end && !stream->failed) {
		stream->failed = error;
		if (stream->upstream)
			stream->upstream->unprocessed = unprocessed || !stream->was_sent;
	}
	wake_reader(stream);
}

void h2_stream_drop(struct h2_stream *stream)
{
	struct block_pool *blocks = blocks_of(stream);

	if (stream->upstream || (stream->id && !stream->closed))
		return;
	list_del(&stream->node);
	list_del(&stream->touched);
	held_drop(&stream->head, blocks);
	held_drop(&stream->send, blocks);
	held_drop(&stream->block, blocks);
	held_drop(&stream->trailer, blocks);
	held_drop(&stream->in, blocks);
	arena_done(&stream->arena);
	h2_upstream_stream_ended(stream->h2);
	free(stream);
}

/* -------------------------------------------------------- from the server ---- */

void h2_stream_begin_block(struct h2_stream *stream)
{
	stream->status = 0;
	stream->length = -1;
	held_drop(&stream->block, blocks_of(stream));
}

static void note_field(struct h2_stream *stream, struct str name, struct str value)
{
	if (str_eq(name, STR("trailer")) ||
	    (str_eq(name, STR("content-type")) && str_starts(value, STR("application/grpc"))))
		stream->wants_trailers = true;
}

bool h2_stream_field(struct h2_stream *stream, struct str name, struct str value)
{
	struct held *to = stream->has_final ? &stream->trailer : &stream->block;
	uint64_t number;
	size_t room;
	ssize_t n;
	char *at;

	if (str_eq(name, STR(":status"))) {
		if (num_uint64(value, &number) < 0 || number > 999)
			return false;
		stream->status = (uint16_t)number;
		return true;
	}
	if (str_eq(name, STR("content-length"))) {
		if (num_uint64(value, &number) < 0 || number > INT64_MAX)
			return false;
		stream->length = (int64_t)number;
		return true;
	}
	note_field(stream, name, value);
	if (held_len(to) + name.len + value.len + 4 > H2_UPSTREAM_HEAD_MAX)
		return false;
	at = held_room(to, blocks_of(stream), name.len + value.len + 4, &room);
	n = at ? h2_map_field(name, value, at, room) : -ENOMEM;
	if (n > 0)
		held_added(to, (size_t)n);
	return n >= 0;
}

static bool put(struct h2_stream *stream, struct str text)
{
	return held_add(&stream->in, blocks_of(stream), text.at, text.len) == 0;
}

/* How the body that follows is framed for the reader; its header line. */
static struct str frame_body(struct h2_stream *stream, bool is_end, char out[static 64])
{
	bool is_bare = stream->is_head_request || stream->status == STATUS_NO_CONTENT ||
		       stream->status == STATUS_NOT_MODIFIED;
	bool has_length = stream->length >= 0;

	stream->has_body = !is_bare && !is_end;
	/* A length leaves no place for trailers. */
	if (stream->has_body && (!has_length || stream->wants_trailers)) {
		stream->is_chunked = true;
		return STR("Transfer-Encoding: chunked\r\n\r\n");
	}
	if (!has_length && (is_bare || stream->has_body))
		return STR("\r\n");
	return str_n(out, (size_t)snprintf(out, 64, "Content-Length: %lld\r\n\r\n",
					   (long long)(has_length ? stream->length : 0)));
}

static bool put_head(struct h2_stream *stream, struct str last)
{
	char line[64];
	bool ok =
		put(stream, str_n(line, h2_map_status_line(stream->status, line, sizeof(line)))) &&
		put(stream, held_str(&stream->block)) && put(stream, last);

	held_drop(&stream->block, blocks_of(stream));
	wake_reader(stream);
	return ok;
}

bool h2_stream_end_block(struct h2_stream *stream, bool is_end)
{
	char line[64];

	if (stream->has_final)
		return !is_end || h2_stream_end(stream);
	if (stream->status == STATUS_SWITCHING)
		return false;
	if (stream->status < 200)
		return put_head(stream, STR("\r\n"));
	stream->has_final = true;
	if (!put_head(stream, frame_body(stream, is_end, line)))
		return false;
	return !is_end || h2_stream_end(stream);
}

bool h2_stream_data(struct h2_stream *stream, struct str data)
{
	char head[H1_CHUNK_HEAD_MAX];
	bool ok = true;

	if (stream->is_chunked)
		ok = put(stream, str_n(head, h1_write_chunk_head(data.len, head)));
	ok = ok && put(stream, data);
	if (stream->is_chunked)
		ok = ok && put(stream, STR("\r\n"));
	stream->unread += (uint32_t)data.len;
	wake_reader(stream);
	return ok;
}

bool h2_stream_end(struct h2_stream *stream)
{
	bool ok = true;

	if (stream->is_chunked)
		ok = put(stream, STR("0\r\n")) && put(stream, held_str(&stream->trailer)) &&
		     put(stream, STR("\r\n"));
	stream->has_end = ok;
	wake_reader(stream);
	return ok;
}

static void consume(struct h2_stream *stream, size_t n)
{
	struct h2_upstream *h2 = stream->h2;

	stream->unread -= (uint32_t)n;
	if (!n || h2->is_dead)
		return;
	if (stream->closed)
		nghttp2_session_consume_connection(h2->session, n);
	else
		nghttp2_session_consume(h2->session, stream->id, n);
	h2_upstream_send_later(h2);
}

static ssize_t via_read(struct link *link, char *buf, size_t cap)
{
	struct h2_stream *stream = link->via_state;
	size_t n = held_len(&stream->in);

	if (n > cap)
		n = cap;
	if (n) {
		memcpy(buf, held_str(&stream->in).at, n);
		held_take(&stream->in, blocks_of(stream), n);
		consume(stream, !held_len(&stream->in) || n > stream->unread ? stream->unread : n);
	}
	if (!held_len(&stream->in) && !(n && stream->failed))
		link->io.ready &= (uint8_t)~LOOP_READ;
	return n ? (ssize_t)n : stream->failed ? stream->failed : -EAGAIN;
}

/* ---------------------------------------------------------- to the server ---- */

static ssize_t on_payload(nghttp2_session *session, int32_t id, uint8_t *buf, size_t cap,
			  uint32_t *flags, nghttp2_data_source *source, void *context);

/* nghttp2 copies names and values. */
static int submit_fields(const struct h2_field *fields, size_t n, struct h2_stream *stream,
			 bool is_request)
{
	nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_payload};
	nghttp2_nv *nv = ARENA_ARRAY(&stream->arena, nghttp2_nv, n + 1);

	if (!nv)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		nv[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[i].name.at,
				     (uint8_t *)(uintptr_t)fields[i].value.at, fields[i].name.len,
				     fields[i].value.len, NGHTTP2_NV_FLAG_NONE};
	if (!is_request)
		return nghttp2_submit_trailer(stream->h2->session, stream->id, nv, n) ? -EIO : 0;
	stream->id = nghttp2_submit_request(stream->h2->session, NULL, nv, n,
					    stream->has_all ? NULL : &provider, stream);
	if (stream->id > 0)
		return 0;
	stream->id = 0;
	return -EIO;
}

/* Tells nghttp2 that no payload follows, and what does. */
static void end_payload(struct h2_stream *stream, uint32_t *flags)
{
	const struct headers *trailers = &stream->up.trailers;
	struct h2_field *fields;
	ssize_t n;

	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!trailers->n)
		return;
	fields = ARENA_ARRAY(&stream->arena, struct h2_field, trailers->n);
	n = fields ? h2_map_trailers(trailers, &stream->arena, fields) : 0;
	if (n > 0 && submit_fields(fields, (size_t)n, stream, false) == 0)
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
}

static ssize_t on_payload(nghttp2_session *session, int32_t id, uint8_t *buf, size_t cap,
			  uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct h2_stream *stream = source->ptr;
	size_t n = held_len(&stream->send);

	(void)session, (void)id, (void)context;
	if (!n && !stream->has_all) {
		stream->is_deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (n > cap)
		n = cap;
	if (n) {
		memcpy(buf, held_str(&stream->send).at, n);
		held_take(&stream->send, blocks_of(stream), n);
	}
	if (stream->is_full && held_len(&stream->send) < H2_STREAM_SEND_MAX / 2 &&
	    stream->upstream) {
		stream->is_full = false;
		stream->upstream->link.io.ready |= LOOP_WRITE;
		loop_again(&stream->h2->link.worker->loop, &stream->upstream->link.io);
	}
	if (!held_len(&stream->send) && stream->has_all)
		end_payload(stream, flags);
	return (ssize_t)n;
}

static int take_body(struct h2_stream *stream, struct str input)
{
	enum h1_body_result result;
	struct str data;

	while ((result = h1_body_next(&stream->up, &input, &data)) == H1_BODY_DATA)
		if (held_add(&stream->send, blocks_of(stream), data.at, data.len) < 0)
			return -ENOMEM;
	if (result == H1_BODY_FAILED)
		return -EPROTO;
	stream->has_all = result == H1_BODY_END;
	return 0;
}

static int submit(struct h2_stream *stream, const struct request *request)
{
	struct str scheme = stream->h2->is_tls ? STR("https") : STR("http");
	struct h2_field *fields = ARENA_ARRAY(&stream->arena, struct h2_field,
					      request->headers.n + H2_MAP_FIELDS_EXTRA);
	ssize_t n = fields ? h2_map_request(request, scheme, fields) : -ENOMEM;

	return n < 0 ? (int)n : submit_fields(fields, (size_t)n, stream, true);
}

/* A whole head: the request begins. */
static int take_head(struct h2_stream *stream, struct str bytes)
{
	struct request request = {.arena = &stream->arena, .headers.arena = &stream->arena};
	struct block_pool *blocks = blocks_of(stream);
	enum fail fail;
	bool is_held = held_len(&stream->head) > 0;
	ssize_t n;
	int error;

	if (is_held && held_add(&stream->head, blocks, bytes.at, bytes.len) < 0)
		return -ENOMEM;
	if (is_held)
		bytes = held_str(&stream->head);
	n = h1_parse_request(bytes, &own_limits, &request, &fail);
	if (n == -EAGAIN)
		return is_held ? 0 : held_add(&stream->head, blocks, bytes.at, bytes.len);
	if (n < 0)
		return -EPROTO;
	stream->has_head = true;
	stream->is_head_request = request.method_id == METHOD_HEAD;
	h1_body_init(&stream->up, request.body, request.content_length, &stream->arena);
	stream->has_all = h1_body_done(&stream->up);
	error = submit(stream, &request);
	if (!error)
		error = take_body(stream, str_from(bytes, (size_t)n));
	held_drop(&stream->head, blocks);
	return error;
}

static int take(struct h2_stream *stream, struct str bytes)
{
	int error;

	if (!bytes.len)
		return 0;
	error = stream->has_head ? take_body(stream, bytes) : take_head(stream, bytes);
	if (!error && stream->is_deferred && (stream->has_all || held_len(&stream->send))) {
		stream->is_deferred = false;
		nghttp2_session_resume_data(stream->h2->session, stream->id);
	}
	return error;
}

static ssize_t via_write(struct link *link, const struct iovec *parts, int n)
{
	struct h2_stream *stream = link->via_state;
	size_t taken = 0;

	if (stream->failed || stream->closed || stream->h2->is_dead)
		return -EPIPE;
	if (held_len(&stream->send) >= H2_STREAM_SEND_MAX) {
		stream->is_full = true;
		return -EAGAIN;
	}
	for (int i = 0; i < n; i++) {
		int error = take(stream, str_n(parts[i].iov_base, parts[i].iov_len));

		if (error)
			return error;
		taken += parts[i].iov_len;
	}
	h2_upstream_send_later(stream->h2);
	return (ssize_t)taken;
}

/* -------------------------------------------------------------- both ends ---- */

static void via_close(struct link *link)
{
	struct h2_stream *stream = link->via_state;
	struct h2_upstream *h2 = stream->h2;

	stream->upstream = NULL;
	list_del(&stream->touched);
	consume(stream, stream->unread);
	if (stream->id && !stream->closed && !h2->is_dead) {
		nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id,
					  NGHTTP2_CANCEL);
		h2_upstream_send_later(h2);
	}
	if (h2->is_dead)
		stream->closed = true;
	h2_stream_drop(stream);
}

static const struct link_via via = {
	.read = via_read,
	.write = via_write,
	.close = via_close,
};

struct h2_stream *h2_stream_new(struct h2_upstream *h2, struct upstream *upstream)
{
	struct h2_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	arena_init(&stream->arena, ARENA_CAP_BYTES, ARENA_BLOCK_BYTES);
	list_init(&stream->touched);
	list_add_back(&h2->streams, &stream->node);
	h2->n_streams++;
	stream->h2 = h2;
	stream->upstream = upstream;
	stream->length = -1;
	upstream->n_exchanges = h2->n_exchanges++;
	upstream->link.via = &via;
	upstream->link.via_state = stream;
	upstream->link.io.ready = LOOP_WRITE;
	return stream;
}
