// SPDX-License-Identifier: Apache-2.0
/* stream_dial_test: what a server hears first, and which server hears it. */

#include "proxy/stream_dial.h"

#include <signal.h>

#include "stream_fixture_proxy.h"

static struct stream_bench bench;

static void with_header(struct stream_bench *b)
{
	b->transport.proxy_protocol = 1;
}

static void the_proxy_header_comes_before_all_else(void **state)
{
	int server, client;
	const char *got;

	(void)state;
	stream_bench_start(&bench, 1, with_header);
	client = stream_bench_open(&bench, &server);
	assert_int_equal(send(client, "first", 5, 0), 5);
	got = fixture_talk(server, NULL, "first");
	assert_begins(got, "PROXY TCP4 127.0.0.1 127.0.0.1 ");
	assert_has(got, "\r\nfirst");
	close(client);
	close(server);
	stream_bench_end(&bench);
}

static void the_first_refuses(struct stream_bench *b)
{
	/* Nobody listens there any more. */
	close(b->listeners[0]);
	b->listeners[0] = dup(b->listeners[1]);
}

static void a_server_that_refuses_is_passed_over_unheard(void **state)
{
	(void)state;
	stream_bench_start(&bench, 2, the_first_refuses);
	for (int i = 0; i < 3; i++) {
		int server, client = stream_bench_open(&bench, &server);

		assert_int_equal(send(client, "hello", 5, 0), 5);
		assert_has(fixture_talk(server, NULL, "hello"), "hello");
		close(client);
		close(server);
	}
	assert_int_equal(loopback_settled(&bench.loopback).upstream_dial_failed, 1);
	stream_bench_end(&bench);
}

static void nobody_listens(struct stream_bench *b)
{
	close(b->listeners[0]);
	b->n = 0;
}

static void without_any_server_the_connection_is_closed(void **state)
{
	int client;

	(void)state;
	stream_bench_start(&bench, 1, nobody_listens);
	client = loopback_connect(bench.loopback.port);
	assert_string_equal(fixture_talk(client, NULL, "\1"), "");
	close(client);
	stream_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_proxy_header_comes_before_all_else),
		cmocka_unit_test(a_server_that_refuses_is_passed_over_unheard),
		cmocka_unit_test(without_any_server_the_connection_is_closed),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
