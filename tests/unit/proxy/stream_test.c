// SPDX-License-Identifier: Apache-2.0
/* stream_test: bodies between two socket pairs, in every framing, in pieces of any size. */

#include "proxy/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bare_worker.h"

static struct bare_worker *bare;
static struct link from, to;
static int source, sink;

static void ignore(struct loop_io *io)
{
	(void)io;
}

static int open_link(struct link *link)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	link_init(link, &bare->worker, fds[0]);
	link->io.on_ready = ignore;
	assert_int_equal(loop_add(&bare->worker.loop, &link->io), 0);
	return fds[1];
}

static int set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	source = open_link(&from);
	sink = open_link(&to);
	loop_round(&bare->worker.loop, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	link_close(&from, false);
	link_close(&to, false);
	close(source);
	close(sink);
	bare_worker_free(bare);
	return 0;
}

struct row {
	const char *name;
	enum body_kind kind, out_kind;
	int64_t length;
	const char *in;
	bool ends; /* the source closes after it */
	enum stream_result want;
	const char *out; /* when it comes in one piece */
	const char *surplus;
};

static const struct row rows[] = {
	{"a length", BODY_LENGTH, BODY_LENGTH, 5, "helloGET", false, STREAM_DONE, "hello", "GET"},
	{"nothing", BODY_NONE, BODY_NONE, 0, "GET", false, STREAM_DONE, "", ""},
	{"chunks", BODY_CHUNKED, BODY_CHUNKED, 0, "5;x=y\r\nhello\r\n0\r\n\r\nGET", false,
	 STREAM_DONE, "5\r\nhello\r\n0\r\n\r\n", "GET"},
	{"chunks are joined", BODY_CHUNKED, BODY_CHUNKED, 0, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	 false, STREAM_DONE, "5\r\nhello\r\n0\r\n\r\n", ""},
	{"trailers", BODY_CHUNKED, BODY_CHUNKED, 0, "1\r\na\r\n0\r\nX-T: 1\r\n\r\n", false,
	 STREAM_DONE, "1\r\na\r\n0\r\nX-T: 1\r\n\r\n", ""},
	{"chunks to an old client", BODY_CHUNKED, BODY_UNTIL_CLOSE, 0, "5\r\nhello\r\n0\r\n\r\n",
	 false, STREAM_DONE, "hello", ""},
	{"until close, chunked", BODY_UNTIL_CLOSE, BODY_CHUNKED, 0, "hello", true, STREAM_DONE,
	 "5\r\nhello\r\n0\r\n\r\n", ""},
	{"until close", BODY_UNTIL_CLOSE, BODY_UNTIL_CLOSE, 0, "hello", true, STREAM_DONE, "hello",
	 ""},
	{"a length cut", BODY_LENGTH, BODY_LENGTH, 9, "hello", true, STREAM_SOURCE_LOST, "hello",
	 ""},
	{"chunks cut", BODY_CHUNKED, BODY_CHUNKED, 0, "5\r\nhello\r\n", true, STREAM_SOURCE_LOST,
	 "5\r\nhello\r\n", ""},
	{"bad chunks", BODY_CHUNKED, BODY_CHUNKED, 0, "5\r\nhelloX", false, STREAM_SOURCE_BAD, "",
	 ""},
	{"more to come", BODY_LENGTH, BODY_LENGTH, 9, "hello", false, STREAM_READ, "hello", ""},
};

static enum stream_result pump(struct stream *stream)
{
	enum stream_result result;

	do {
		loop_round(&bare->worker.loop, 0);
		result = stream_pump(stream, &from, &to);
	} while (result == STREAM_TURN);
	return result;
}

static void every_row_comes_out_as_it_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct stream stream;
		struct arena arena;
		char out[256] = "";
		enum stream_result result;

		set_up(NULL);
		arena_init(&arena, 65536, 0);
		stream_init(&stream, row->kind, row->length, row->out_kind, &arena);
		assert_int_equal(write(source, row->in, strlen(row->in)), strlen(row->in));
		if (row->ends)
			shutdown(source, SHUT_WR);
		result = pump(&stream);
		if (read(sink, out, sizeof(out) - 1) < 0)
			out[0] = 0;
		if (result != row->want || strcmp(out, row->out) != 0)
			print_error("%s: result %d, \"%s\"\n", row->name, result, out);
		assert_int_equal(result, row->want);
		assert_string_equal(out, row->out);
		assert_int_equal(held_len(&from.in), strlen(row->surplus));
		if (row->surplus[0])
			assert_memory_equal(held_str(&from.in).at, row->surplus,
					    strlen(row->surplus));
		arena_done(&arena);
		tear_down(NULL);
	}
	set_up(NULL);
}

static void pieces_make_no_difference_to_the_payload(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct stream stream;
		struct arena arena;
		enum stream_result result = STREAM_READ;

		set_up(NULL);
		arena_init(&arena, 65536, 0);
		stream_init(&stream, row->kind, row->length, row->out_kind, &arena);
		for (size_t at = 0; row->in[at] && result == STREAM_READ; at++) {
			assert_int_equal(write(source, row->in + at, 1), 1);
			result = pump(&stream);
		}
		if (row->ends) {
			shutdown(source, SHUT_WR);
			result = pump(&stream);
		}
		assert_int_equal(result, row->want);
		if (row->want == STREAM_DONE)
			assert_int_equal(stream.sent_bytes, row->kind == BODY_NONE	    ? 0
							    : strstr(row->name, "trailers") ? 1
											    : 5);
		arena_done(&arena);
		tear_down(NULL);
	}
	set_up(NULL);
}

static void a_receiver_that_stands_still_stops_the_source(void **state)
{
	static char block[65536];
	struct stream stream;
	size_t sent = 0, got = 0;
	const size_t length = 8 << 20;
	enum stream_result result = STREAM_READ;

	(void)state;
	stream_init(&stream, BODY_LENGTH, (int64_t)length, BODY_LENGTH, NULL);
	for (int i = 0; i < 1000 && result != STREAM_WRITE; i++) {
		ssize_t n = write(source, block, sizeof(block));

		sent += n > 0 ? (size_t)n : 0;
		result = pump(&stream);
	}
	assert_int_equal(result, STREAM_WRITE);
	assert_true(link_backlog(&to) <= WORKER_READ_BYTES);
	/* Nothing more is read while the backlog is there. */
	uint64_t before = stream.sent_bytes;

	assert_int_equal(pump(&stream), STREAM_WRITE);
	assert_true(stream.sent_bytes == before);
	while (result != STREAM_DONE || link_backlog(&to)) {
		size_t want = length - sent < sizeof(block) ? length - sent : sizeof(block);
		ssize_t n = want ? write(source, block, want) : 0;

		sent += n > 0 ? (size_t)n : 0;
		n = read(sink, block, sizeof(block));
		got += n > 0 ? (size_t)n : 0;
		result = pump(&stream);
		assert_true(result == STREAM_READ || result == STREAM_WRITE ||
			    result == STREAM_DONE);
		/* For a slow receiver less is read at a time. */
		assert_true(link_backlog(&to) <= 256 << 10);
	}
	for (ssize_t n; (n = read(sink, block, sizeof(block))) > 0;)
		got += (size_t)n;
	assert_int_equal(got, length);
}

static void a_receiver_that_is_gone_is_told_apart(void **state)
{
	struct stream stream;

	(void)state;
	stream_init(&stream, BODY_LENGTH, 10, BODY_LENGTH, NULL);
	close(sink);
	assert_int_equal(write(source, "hello", 5), 5);
	assert_int_equal(pump(&stream), STREAM_SINK_LOST);
	sink = dup(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_row_comes_out_as_it_should, tear_down),
		cmocka_unit_test_teardown(pieces_make_no_difference_to_the_payload, tear_down),
		TEST(a_receiver_that_stands_still_stops_the_source),
		TEST(a_receiver_that_is_gone_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
