// SPDX-License-Identifier: Apache-2.0
/* stream_relay_test: one direction between two socket pairs, seen step by step. */

#include "proxy/stream_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bare_worker.h"

struct ends {
	struct bare_worker *bare;
	struct link from, to;
	struct stream_lane lane;
	int source, sink; /* the test's ends */
};

/* splice() reads from TCP sockets, and counts as they do. */
static void tcp_pair(int ret_fds[2])
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&sa, &len);
	ret_fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ret_fds[0], (struct sockaddr *)&sa, sizeof(sa)), 0);
	ret_fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	close(listener);
}

static void nothing(struct loop_io *io)
{
	(void)io;
}

static void ends_open(struct ends *ends)
{
	int fds[2];

	memset(ends, 0, sizeof(*ends));
	ends->bare = bare_worker_new();
	tcp_pair(fds);
	ends->source = fds[0];
	link_init(&ends->from, &ends->bare->worker, fds[1]);
	tcp_pair(fds);
	ends->sink = fds[0];
	link_init(&ends->to, &ends->bare->worker, fds[1]);
	ends->from.io.on_ready = ends->to.io.on_ready = nothing;
	loop_add(&ends->bare->worker.loop, &ends->from.io);
	loop_add(&ends->bare->worker.loop, &ends->to.io);
}

static void ends_close(struct ends *ends)
{
	stream_relay_done(&ends->lane, &ends->bare->worker.pipes);
	link_close(&ends->from, false);
	link_close(&ends->to, false);
	bare_worker_free(ends->bare);
	close(ends->source);
	close(ends->sink);
}

static enum stream_relay_result turn(struct ends *ends)
{
	loop_round(&ends->bare->worker.loop, 20 * 1000000ULL);
	return stream_relay_move(&ends->lane, &ends->from, &ends->to);
}

static void bytes_are_spliced_and_nothing_is_kept(void **state)
{
	struct ends ends;
	char got[16];

	(void)state;
	ends_open(&ends);
	assert_int_equal(send(ends.source, "hello", 5, 0), 5);
	assert_int_equal(turn(&ends), STREAM_RELAY_OK);
	assert_int_equal(recv(ends.sink, got, sizeof(got), 0), 5);
	assert_int_equal(ends.lane.bytes, 5);
	assert_null(ends.lane.pipe);
	assert_int_equal(ends.bare->worker.counters.bytes_spliced, 5);
	/* Fewer bytes than a pipe has slots: the socket is known to be empty. */
	assert_false(link_can_read(&ends.from));
	ends_close(&ends);
}

static void the_end_is_passed_on_after_the_last_byte(void **state)
{
	struct ends ends;
	char got[16];

	(void)state;
	ends_open(&ends);
	assert_int_equal(send(ends.source, "last", 4, 0), 4);
	shutdown(ends.source, SHUT_WR);
	for (int i = 0; i < 4 && !ends.lane.shut; i++)
		assert_int_equal(turn(&ends), STREAM_RELAY_OK);
	assert_true(ends.lane.ended && ends.lane.shut);
	assert_int_equal(recv(ends.sink, got, sizeof(got), MSG_WAITALL), 4);
	assert_int_equal(recv(ends.sink, got, sizeof(got), 0), 0);
	ends_close(&ends);
}

static void a_receiver_that_stops_stops_the_reading(void **state)
{
	static char chunk[1 << 16];
	struct ends ends;
	size_t sent = 0, got = 0;
	ssize_t n;

	(void)state;
	ends_open(&ends);
	while ((n = send(ends.source, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0 ||
	       (turn(&ends) == STREAM_RELAY_OK && !ends.lane.pipe)) {
		sent += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			continue;
		assert_int_equal(turn(&ends), STREAM_RELAY_OK);
	}
	assert_non_null(ends.lane.pipe);
	uint64_t bytes = ends.lane.bytes;

	/* Nothing more is read meanwhile. */
	assert_int_equal(turn(&ends), STREAM_RELAY_OK);
	assert_int_equal(ends.lane.bytes, bytes);
	shutdown(ends.source, SHUT_WR);
	while (got < sent || !ends.lane.shut) {
		n = recv(ends.sink, chunk, sizeof(chunk), MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
		assert_int_equal(turn(&ends), STREAM_RELAY_OK);
	}
	assert_int_equal(got, sent);
	ends_close(&ends);
}

static void it_is_said_which_side_was_lost(void **state)
{
	struct linger hard = {1, 0};
	struct ends ends;

	(void)state;
	ends_open(&ends);
	setsockopt(ends.source, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(ends.source);
	ends.source = -1;
	assert_int_equal(turn(&ends), STREAM_RELAY_SOURCE_LOST);
	ends_close(&ends);
	ends_open(&ends);
	setsockopt(ends.sink, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(ends.sink);
	ends.sink = -1;
	assert_int_equal(send(ends.source, "x", 1, 0), 1);
	assert_int_equal(turn(&ends), STREAM_RELAY_SINK_LOST);
	ends_close(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_spliced_and_nothing_is_kept),
		cmocka_unit_test(the_end_is_passed_on_after_the_last_byte),
		cmocka_unit_test(a_receiver_that_stops_stops_the_reading),
		cmocka_unit_test(it_is_said_which_side_was_lost),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
