// SPDX-License-Identifier: Apache-2.0
/* stream: see the header. */

#include "proxy/stream.h"

#include <errno.h>

#include "http/h1_write.h"
#include "mw/owned_header.h"
#include "proxy/worker.h"

enum {
	TURNS_PER_EVENT = 8, /* up to 2 MiB */
	WINDOW_FIRST_BYTES = 128 << 10,
	WINDOW_SLOW_BYTES = 16 << 10, /* for a receiver that had a backlog */
	SPLICE_MIN_BYTES = 128 << 10, /* below, the system calls cost more than the copies */
};

void stream_init(struct stream *stream, enum body_kind kind, int64_t length,
		 enum body_kind out_kind, struct arena *trailers)
{
	*stream = (struct stream){.out_kind = (uint8_t)out_kind,
				  .has_trailers = trailers != NULL,
				  .window = WINDOW_FIRST_BYTES};
	h1_body_init(&stream->body, kind, length, trailers);
	stream->done = h1_body_done(&stream->body);
}

void stream_send_from(struct stream *stream, enum body_kind out_kind, struct body_store *store,
		      struct filter *filter)
{
	stream->out_kind = (uint8_t)out_kind;
	stream->store = store;
	stream->store_at = 0;
	stream->filter = filter;
	stream->is_special = store || filter;
	stream->done = !stream->is_special && h1_body_done(&stream->body);
	if (filter)
		stream->window = FILTER_SPAN_BYTES;
}

void stream_done(struct stream *stream, struct pipe_pool *pipes)
{
	pipe_give(pipes, stream->pipe);
	stream->pipe = NULL;
}

/*
 * Some servers put trailers beside the headers: what a middleware has set or removed there must not
 * come back behind the body (reference/security.md A2.4).
 */
static void drop_said(struct headers *trailers, const struct headers *head)
{
	for (uint16_t i = 0; i < trailers->n; i++)
		for (uint16_t j = 0; j < head->n && !trailers->at[i].gone; j++)
			trailers->at[i].gone =
				owned_header_is_alias(trailers->at[i].name, head->at[j].name);
}

/* Writes the end of a chunked body to `at`; there is room for trailers of any size that were
 * accepted. */
static size_t put_last_chunk(struct stream *stream, char *at)
{
	struct headers *trailers = stream->has_trailers ? &stream->body.trailers : NULL;
	ssize_t n;

	if (stream->filter)
		trailers = &stream->filter->trailers;
	if (trailers && stream->head)
		drop_said(trailers, stream->head);
	n = h1_write_last_chunk(trailers, at, WORKER_TAILROOM_BYTES - 4);

	return n > 0 ? (size_t)n : (size_t)h1_write_last_chunk(NULL, at, WORKER_TAILROOM_BYTES - 4);
}

/* Payload [at, end) becomes one chunk in place; returns where it begins. */
static char *put_chunk(char *at, char **end)
{
	char head[H1_CHUNK_HEAD_MAX];
	size_t n = h1_write_chunk_head((uint64_t)(*end - at), head);

	memcpy(at - n, head, n);
	memcpy(*end, "\r\n", 2);
	*end += 2;
	return at - n;
}

/* Decodes input; joins the spans of payload where the first one stands. */
static inline enum h1_body_result decode(struct stream *stream, struct str *input, char **ret_at,
					 char **ret_end)
{
	enum h1_body_result result;
	struct str data;
	char *at = NULL, *end = NULL;

	while ((result = h1_body_next(&stream->body, input, &data)) == H1_BODY_DATA) {
		if (!at)
			at = end = (char *)(uintptr_t)data.at;
		if (end != data.at)
			memmove(end, data.at, data.len);
		end += data.len;
	}
	*ret_at = at;
	*ret_end = end;
	return result;
}

/* Held bytes first, then the socket; into the scratch buffer. */
static ssize_t read_source(struct link *from, size_t window)
{
	char *at = worker_read_at(from->worker);
	size_t n = held_len(&from->in);

	if (!n)
		return link_read(from, at, window);
	if (n > window)
		n = window;
	memcpy(at, held_str(&from->in).at, n);
	held_take(&from->in, &from->worker->blocks, n);
	return (ssize_t)n;
}

/* Through the filters; *begin and *end then stand around what came out. */
static enum stream_result run_filter(struct stream *stream, char **begin, char **end,
				     const struct mw_span *how)
{
	struct mw_span span = *how;
	struct str out;

	span.bytes = str_n(*begin, (size_t)(*end - *begin));
	span.trailers = span.is_last && stream->has_trailers ? &stream->body.trailers : NULL;
	if (filter_push(stream->filter, &span, &out) < 0)
		return STREAM_SINK_LOST;
	if (span.is_flush)
		stream->filter->flushed_ns = stream->filter->worker->loop.now_ns;
	*begin = (char *)(uintptr_t)out.at;
	*end = *begin + out.len;
	return STREAM_READ;
}

/* Payload [begin, end), which has room around it, becomes what the receiver gets. */
static inline enum stream_result frame(struct stream *stream, char *begin, char *end, bool is_last,
				       struct str *ret_out)
{
	stream->sent_bytes += (uint64_t)(end - begin);
	if (stream->out_kind == BODY_CHUNKED) {
		if (end > begin)
			begin = put_chunk(begin, &end);
		if (is_last)
			end += put_last_chunk(stream, end);
	}
	if (is_last)
		stream->done = true;
	*ret_out = (struct str){begin, (size_t)(end - begin)};
	return stream->done ? STREAM_DONE : STREAM_READ;
}

enum stream_result stream_put(struct stream *stream, char *at, size_t n, bool is_last,
			      struct str *ret_out)
{
	char *end = at + n;

	*ret_out = (struct str){at, 0};
	if (stream->filter && run_filter(stream, &at, &end,
					 &(struct mw_span){.is_last = is_last}) == STREAM_SINK_LOST)
		return STREAM_SINK_LOST;
	return frame(stream, at, end, is_last, ret_out);
}

enum stream_result stream_convert(struct stream *stream, struct link *from, char *at, size_t n,
				  struct str *ret_out)
{
	struct str input = {at, n};
	char *begin = NULL, *end = NULL;
	enum h1_body_result result = decode(stream, &input, &begin, &end);

	*ret_out = (struct str){at, 0};
	if (result == H1_BODY_FAILED)
		return STREAM_SOURCE_BAD;
	/* Kept before framing is written behind the payload, where it may stand. */
	if (input.len && from &&
	    held_add(&from->in, &from->worker->blocks, input.at, input.len) < 0)
		return STREAM_SINK_LOST;
	if (!begin)
		begin = end = at;
	if (stream->filter)
		return stream_put(stream, begin, (size_t)(end - begin),
				  result == H1_BODY_END && !stream->done, ret_out);
	return frame(stream, begin, end, result == H1_BODY_END && !stream->done, ret_out);
}

enum stream_result stream_keep(struct stream *stream, struct link *from, char *bytes, size_t n,
			       struct body_store *store, int *ret_error)
{
	char *begin = NULL, *end = NULL;
	enum h1_body_result result;
	struct str input;

	*ret_error = 0;
	if (!bytes) {
		ssize_t got;

		if (!held_len(&from->in) && !link_can_read(from) && !from->ended)
			return STREAM_READ;
		got = from->ended && !held_len(&from->in) ? 0 : read_source(from, stream->window);
		if (got == -EAGAIN)
			return STREAM_READ;
		if (got <= 0)
			return got == 0 && h1_body_eof(&stream->body) == H1_BODY_END
				       ? STREAM_DONE
				       : STREAM_SOURCE_LOST;
		bytes = worker_read_at(from->worker);
		n = (size_t)got;
	}
	input = (struct str){bytes, n};
	result = decode(stream, &input, &begin, &end);
	if (result == H1_BODY_FAILED)
		return STREAM_SOURCE_BAD;
	if (input.len)
		*ret_error = held_add(&from->in, &from->worker->blocks, input.at, input.len);
	if (!*ret_error && end > begin)
		*ret_error = body_store_add(store, begin, (size_t)(end - begin));
	if (*ret_error)
		return STREAM_SINK_LOST;
	return result == H1_BODY_END ? STREAM_DONE : STREAM_TURN;
}

/* The source has ended: that may be how the body ends. */
static enum stream_result at_end(struct stream *stream, struct link *to)
{
	char *at = worker_read_at(to->worker);
	struct str out;

	if (h1_body_eof(&stream->body) != H1_BODY_END)
		return STREAM_SOURCE_LOST;
	if (!stream->done) {
		if (stream_put(stream, at, 0, true, &out) == STREAM_SINK_LOST ||
		    (out.len && link_write(to, out.at, out.len) < 0))
			return STREAM_SINK_LOST;
	}
	stream->done = true;
	return STREAM_DONE;
}

static bool can_splice(const struct stream *stream, const struct link *from, const struct link *to)
{
	return (from->tls || to->tls) && !from->via && !to->via && !stream->is_special &&
	       stream->out_kind != BODY_CHUNKED && !held_len(&from->in) &&
	       h1_body_run(&stream->body) >= SPLICE_MIN_BYTES &&
	       (from->tls ? tls_conn_can_splice_from(from->tls) && !tls_conn_more(from->tls)
			  : true) &&
	       (to->tls ? tls_conn_can_splice_to(to->tls) : true);
}

/* Empties the pipe into the receiver: STREAM_DONE when it is empty. */
static enum stream_result drain(struct stream *stream, struct link *to)
{
	while (stream->pipe->held_bytes) {
		ssize_t n = pipe_drain(stream->pipe, to->io.fd, h1_body_run(&stream->body) > 0);

		if (n == -EAGAIN) {
			to->io.ready &= (uint8_t)~LOOP_WRITE;
			return STREAM_WRITE;
		}
		if (n <= 0)
			return STREAM_SINK_LOST;
		worker_count(&to->worker->counters.bytes_spliced, n);
	}
	pipe_give(&to->worker->pipes, stream->pipe);
	stream->pipe = NULL;
	return STREAM_DONE;
}

/* One pipe full. STREAM_TURN: go on; STREAM_DONE: splicing is not possible here, copy instead. */
static enum stream_result splice_some(struct stream *stream, struct link *from, struct link *to)
{
	uint64_t run = h1_body_run(&stream->body);

	stream->pipe = pipe_take(&to->worker->pipes);
	if (!stream->pipe)
		return STREAM_DONE;
	ssize_t n = pipe_fill(stream->pipe, from->io.fd, run > SIZE_MAX ? SIZE_MAX : (size_t)run);

	if (n <= 0) {
		pipe_give(&to->worker->pipes, stream->pipe);
		stream->pipe = NULL;
		if (n == -EINVAL || n == -EIO)
			return STREAM_DONE;
		if (n == -EAGAIN) {
			from->io.ready &= (uint8_t)~LOOP_READ;
			return STREAM_READ;
		}
		from->ended = true;
		return n == 0 ? at_end(stream, to) : STREAM_SOURCE_LOST;
	}
	h1_body_skip(&stream->body, (uint64_t)n);
	stream->sent_bytes += (uint64_t)n;
	stream->done = h1_body_done(&stream->body);
	enum stream_result result = drain(stream, to);

	return result == STREAM_DONE ? STREAM_TURN : result;
}

static enum stream_result copy_some(struct stream *stream, struct link *from, struct link *to)
{
	ssize_t n = read_source(from, stream->window);
	enum stream_result result;
	struct str out;

	if (n == -EAGAIN)
		return STREAM_READ;
	if (n <= 0)
		return n == 0 ? at_end(stream, to) : STREAM_SOURCE_LOST;
	result = stream_convert(stream, from, worker_read_at(from->worker), (size_t)n, &out);
	if (result == STREAM_SOURCE_BAD || result == STREAM_SINK_LOST)
		return result;
	if (out.len && link_write(to, out.at, out.len) < 0)
		return STREAM_SINK_LOST;
	if (link_backlog(to))
		stream->window = WINDOW_SLOW_BYTES;
	else if ((size_t)n == stream->window && stream->window < WORKER_READ_BYTES &&
		 !stream->filter)
		stream->window *= 2;
	return STREAM_TURN;
}

/* What a filter keeps goes out when nothing more is there for now; but not at every gap of a body
 * whose length is known. */
static enum stream_result flush_filter(struct stream *stream, struct link *to)
{
	struct filter *filter = stream->filter;
	char *begin = worker_read_at(to->worker), *end = begin;
	struct str out;

	if (!filter || !filter->holds ||
	    to->worker->loop.now_ns - filter->flushed_ns < filter->flush_after_ns)
		return STREAM_READ;
	if (run_filter(stream, &begin, &end, &(struct mw_span){.is_flush = true}) ==
	    STREAM_SINK_LOST)
		return STREAM_SINK_LOST;
	frame(stream, begin, end, false, &out);
	return out.len && link_write(to, out.at, out.len) < 0 ? STREAM_SINK_LOST : STREAM_READ;
}

/* Nothing is left of the store: the end of a body that was read to its end. */
enum stream_result stream_next_stored(struct stream *stream, struct worker *worker,
				      struct str *ret_out)
{
	char *at = worker_read_at(worker);
	uint64_t len = stream->store ? body_store_len(stream->store) : 0;
	ssize_t n = 0;

	if (stream->store_at < len) {
		n = body_store_read(stream->store, stream->store_at, at, FILTER_SPAN_BYTES);
		if (n <= 0) {
			stream->body.fail = FAIL_BODY_NOT_KEPT;
			return STREAM_SOURCE_BAD;
		}
		stream->store_at += (uint64_t)n;
	}
	return stream_put(stream, at, (size_t)n,
			  stream->store_at == len && h1_body_done(&stream->body), ret_out);
}

static enum stream_result send_stored(struct stream *stream, struct link *to)
{
	struct str out;
	enum stream_result result = stream_next_stored(stream, to->worker, &out);

	if (result == STREAM_SOURCE_BAD || result == STREAM_SINK_LOST)
		return result;
	return out.len && link_write(to, out.at, out.len) < 0 ? STREAM_SINK_LOST : STREAM_TURN;
}

static bool has_stored(const struct stream *stream)
{
	return stream->is_special &&
	       ((stream->store && stream->store_at < body_store_len(stream->store)) ||
		h1_body_done(&stream->body));
}

static enum stream_result pump_some(struct stream *stream, struct link *from, struct link *to)
{
	enum stream_result result = STREAM_DONE;

	if (has_stored(stream))
		return send_stored(stream, to);
	if (!held_len(&from->in) && !link_can_read(from)) {
		if (from->ended)
			return at_end(stream, to);
		return stream->filter ? flush_filter(stream, to) : STREAM_READ;
	}
	if (can_splice(stream, from, to))
		result = splice_some(stream, from, to);
	if (result == STREAM_DONE && !stream->done)
		result = copy_some(stream, from, to);
	return result;
}

enum stream_result stream_pump(struct stream *stream, struct link *from, struct link *to)
{
	enum stream_result result;

	for (int turn = 0; turn < TURNS_PER_EVENT; turn++) {
		if (link_backlog(to)) {
			int error = to->io.ready & LOOP_WRITE ? link_flush(to) : -EAGAIN;

			/* Even at the end: then the backlog is the owner's business. */
			if (error)
				return error != -EAGAIN ? STREAM_SINK_LOST
				       : stream->done	? STREAM_DONE
							: STREAM_WRITE;
		}
		if (stream->pipe) {
			result = to->io.ready & LOOP_WRITE ? drain(stream, to) : STREAM_WRITE;
			if (result != STREAM_DONE)
				return result;
		}
		if (stream->done)
			return STREAM_DONE;
		result = pump_some(stream, from, to);
		if (result != STREAM_TURN)
			return result;
	}
	return STREAM_TURN;
}
