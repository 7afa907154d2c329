// SPDX-License-Identifier: Apache-2.0
/* stream_session_test: raw connections from the route to the end of both sides. */

#include "proxy/stream_session.h"

#include <signal.h>

#include "stream_fixture_proxy.h"

static struct stream_bench bench;

static void bytes_pass_both_ways_and_each_end_is_passed_on(void **state)
{
	int server, client;

	(void)state;
	stream_bench_start(&bench, 1, NULL);
	client = stream_bench_open(&bench, &server);
	assert_int_equal(send(client, "question", 8, 0), 8);
	assert_has(fixture_talk(server, NULL, "question"), "question");
	assert_int_equal(send(server, "answer", 6, 0), 6);
	assert_has(fixture_talk(client, NULL, "answer"), "answer");
	shutdown(client, SHUT_WR);
	assert_string_equal(fixture_talk(server, NULL, "\1"), "");
	assert_int_equal(send(server, "late", 4, 0), 4);
	shutdown(server, SHUT_WR);
	assert_string_equal(fixture_talk(client, NULL, "\1"), "late");
	close(client);
	close(server);
	stream_bench_end(&bench);
}

static void a_server_may_speak_first(void **state)
{
	int server, client;

	(void)state;
	stream_bench_start(&bench, 1, NULL);
	client = stream_bench_open(&bench, &server);
	assert_int_equal(send(server, "220 ready", 9, 0), 9);
	assert_has(fixture_talk(client, NULL, "ready"), "220 ready");
	close(server);
	close(client);
	stream_bench_end(&bench);
}

static void a_reset_of_either_side_reaches_the_other(void **state)
{
	struct linger hard = {1, 0};

	(void)state;
	stream_bench_start(&bench, 1, NULL);
	for (int side = 0; side < 2; side++) {
		int server, client = stream_bench_open(&bench, &server);
		int who = side ? client : server, other = side ? server : client;
		char got[8];

		/* Connected for the proxy, too, not only for the kernel. */
		assert_int_equal(send(client, "x", 1, 0), 1);
		assert_int_equal(recv(server, got, 1, 0), 1);
		setsockopt(who, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(who);
		assert_int_equal(recv(other, got, sizeof(got), 0), -1);
		close(other);
	}
	stream_bench_end(&bench);
}

static void no_delay(struct stream_bench *b)
{
	b->transport.termination_delay_ns = 0;
}

static void the_other_side_has_its_delay_and_no_more(void **state)
{
	int server, client;

	(void)state;
	stream_bench_start(&bench, 1, no_delay);
	client = stream_bench_open(&bench, &server);
	shutdown(server, SHUT_WR);
	assert_string_equal(fixture_talk(client, NULL, "\1"), "");
	/* Both are closed, though the client never said anything. */
	assert_string_equal(fixture_talk(server, NULL, "\1"), "");
	close(client);
	close(server);
	stream_bench_end(&bench);
}

static struct cidr_set nobody;
static struct stream_guard refuses = {.kind = STREAM_GUARD_ALLOW, .allow = &nobody};

static void refuse_all(struct stream_bench *b)
{
	b->route->guards = &refuses;
	b->route->n_guards = 1;
}

static void a_guard_closes_before_a_server_is_asked(void **state)
{
	int client;

	(void)state;
	stream_bench_start(&bench, 1, refuse_all);
	client = loopback_connect(bench.loopback.port);
	assert_string_equal(fixture_talk(client, NULL, "\1"), "");
	close(client);
	assert_int_equal(loopback_settled(&bench.loopback).upstream_dialled, 0);
	stream_bench_end(&bench);
}

static void drop_service(struct stream_bench *b)
{
	b->route->service = NULL;
}

static void a_route_without_a_service_closes(void **state)
{
	int client;

	(void)state;
	stream_bench_start(&bench, 1, drop_service);
	client = loopback_connect(bench.loopback.port);
	assert_string_equal(fixture_talk(client, NULL, "\1"), "");
	close(client);
	stream_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_both_ways_and_each_end_is_passed_on),
		cmocka_unit_test(a_server_may_speak_first),
		cmocka_unit_test(a_reset_of_either_side_reaches_the_other),
		cmocka_unit_test(the_other_side_has_its_delay_and_no_more),
		cmocka_unit_test(a_guard_closes_before_a_server_is_asked),
		cmocka_unit_test(a_route_without_a_service_closes),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
