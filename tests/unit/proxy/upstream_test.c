// SPDX-License-Identifier: Apache-2.0
/* upstream_test: the life of a server's connection, and who gets it back. */

#include "proxy/upstream.h"

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
#include "http/header.h"
#include "proxy/loopback.h"

static struct bare_worker *bare;
static struct worker *worker;
static struct server server;
static int listener;
static struct transport transport;

static void on_ready(struct upstream_owner *owner)
{
	(void)owner;
}

static const struct upstream_events events = {.on_ready = on_ready};
static struct upstream_owner owner = {.events = &events};

static int set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	worker = &bare->worker;
	transport = transport_plain;
	transport.id = 1;
	server = (struct server){.id = 5, .transport = &transport};
	addr_parse(STR("127.0.0.1"), &server.addr);
	listener = loopback_listen(&server.port);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(listener);
	bare_worker_free(bare);
	return 0;
}

static struct upstream *dial(int *ret_peer)
{
	struct upstream *upstream;

	assert_int_equal(upstream_dial(worker, &server, &owner, &upstream), 0);
	*ret_peer = accept(listener, NULL, NULL);
	for (int i = 0; i < 100 && upstream->state == UPSTREAM_DIALLING; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	assert_int_equal(upstream->state, UPSTREAM_BUSY);
	return upstream;
}

static void the_last_used_is_used_first(void **state)
{
	int peers[2];

	(void)state;
	assert_null(upstream_reuse(worker, &server, &owner));
	struct upstream *a = dial(&peers[0]), *b = dial(&peers[1]);

	upstream_release(a, true);
	upstream_release(b, true);
	assert_int_equal(upstream_pool(worker, server.id)->n_idle, 2);
	assert_ptr_equal(upstream_reuse(worker, &server, &owner), b);
	assert_int_equal(b->n_exchanges, 1);
	assert_ptr_equal(upstream_reuse(worker, &server, &owner), a);
	upstream_release(a, false);
	upstream_release(b, false);
	assert_int_equal(upstream_pool(worker, server.id)->n_open, 0);
	close(peers[0]);
	close(peers[1]);
}

static void an_idle_one_that_speaks_or_ends_is_closed(void **state)
{
	(void)state;
	for (int speaks = 0; speaks < 2; speaks++) {
		int peer;

		upstream_release(dial(&peer), true);
		if (speaks)
			assert_int_equal(write(peer, "x", 1), 1);
		else
			shutdown(peer, SHUT_WR);
		for (int i = 0; i < 100 && upstream_pool(worker, server.id)->n_idle; i++)
			loop_round(&worker->loop, 10 * NS_PER_MS);
		assert_int_equal(upstream_pool(worker, server.id)->n_open, 0);
		assert_null(upstream_reuse(worker, &server, &owner));
		close(peer);
	}
}

static void a_dirty_one_does_not_come_back(void **state)
{
	int peer;
	struct upstream *upstream;

	(void)state;
	upstream = dial(&peer);
	assert_int_equal(held_add(&upstream->link.in, &worker->blocks, "surplus", 7), 0);
	upstream_release(upstream, true);
	assert_int_equal(upstream_pool(worker, server.id)->n_open, 0);
	close(peer);
	upstream = dial(&peer);
	upstream->link.ended = true;
	upstream_release(upstream, true);
	assert_int_equal(upstream_pool(worker, server.id)->n_open, 0);
	close(peer);
}

static void no_more_are_kept_and_opened_than_the_limits_say(void **state)
{
	struct upstream *upstreams[3], *one_more;
	int peers[3];

	(void)state;
	bare->shared.max_open_per_server = 3;
	for (int i = 0; i < 3; i++)
		upstreams[i] = dial(&peers[i]);
	assert_int_equal(upstream_dial(worker, &server, &owner, &one_more), -EAGAIN);
	transport.idle_ns = 100ULL * NS_PER_SEC;
	for (int i = 0; i < 3; i++)
		upstream_release(upstreams[i], true);
	/* The one too many goes soon, not at once. */
	assert_int_equal(upstream_pool(worker, server.id)->n_idle, 3);
	for (int i = 0; i < 300 && upstream_pool(worker, server.id)->n_idle > 2; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	assert_int_equal(upstream_pool(worker, server.id)->n_idle, 2);
	upstream_close_idle(worker);
	assert_int_equal(upstream_pool(worker, server.id)->n_open, 0);
	for (int i = 0; i < 3; i++)
		close(peers[i]);
}

static void an_idle_one_ends_after_its_time(void **state)
{
	int peer;

	(void)state;
	transport.idle_ns = 30 * NS_PER_MS;
	transport.dial_ns = 30 * NS_PER_MS;
	upstream_release(dial(&peer), true);
	for (int i = 0; i < 100 && upstream_pool(worker, server.id)->n_idle; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	assert_int_equal(upstream_pool(worker, server.id)->n_open, 0);
	close(peer);
}

static void another_transport_begins_anew(void **state)
{
	int peer;

	(void)state;
	upstream_release(dial(&peer), true);
	transport.id = 2;
	assert_null(upstream_reuse(worker, &server, &owner));
	close(peer);
	upstream_release(dial(&peer), true);
	assert_int_equal(upstream_pool(worker, server.id)->n_open, 1);
	assert_non_null(upstream_reuse(worker, &server, &owner));
	close(peer);
}

/* The registry gives a number out again: what was for the server before is not for this one. */
static void another_server_of_the_same_number_begins_anew(void **state)
{
	struct live_server first = {.serial = 1}, second = {.serial = 2};
	struct upstream *busy;
	int peers[3];

	(void)state;
	server.live = &first;
	busy = dial(&peers[0]);
	upstream_release(dial(&peers[1]), true);
	server.live = &second;
	assert_null(upstream_reuse(worker, &server, &owner));
	upstream_release(dial(&peers[2]), true);
	/* What was busy then does not get among its idle ones. */
	upstream_release(busy, true);
	assert_int_equal(upstream_pool(worker, server.id)->n_idle, 1);
	assert_non_null(upstream_reuse(worker, &server, &owner));
	assert_null(upstream_reuse(worker, &server, &owner));
	/* The first one's pool goes with the next that is left. */
	server.live = &first;
	assert_null(upstream_reuse(worker, &server, &owner));
	for (int i = 0; i < 3; i++)
		close(peers[i]);
	upstream_release(dial(&peers[0]), true);
	assert_non_null(worker->gone_pools);
	assert_null(worker->gone_pools->next_gone);
	close(peers[0]);
}

static void a_connection_serves_whom_it_was_announced_for(void **state)
{
	struct upstream_owner other = owner;
	struct upstream *upstream;
	char text[200];
	int peer;

	(void)state;
	transport.proxy_protocol = 1;
	addr_parse(STR("192.0.2.1"), &owner.client.source);
	addr_parse(STR("192.0.2.2"), &owner.client.destination);
	owner.client.has_addrs = true;
	owner.client.source_port = 1000;
	owner.client.destination_port = 80;
	other.client = owner.client;
	other.client.source_port = 1001;
	upstream = dial(&peer);
	ssize_t n = read(peer, text, sizeof(text));

	assert_true(
		str_eq(str_n(text, (size_t)n), STR("PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n")));
	upstream_release(upstream, true);
	assert_null(upstream_reuse(worker, &server, &other));
	assert_ptr_equal(upstream_reuse(worker, &server, &owner), upstream);
	upstream_release(upstream, false);
	owner.client = (struct proxy_header){0};
	close(peer);
}

static void a_private_connection_serves_nobody_else(void **state)
{
	struct upstream_owner other = owner;
	struct upstream *upstream;
	int peer;

	(void)state;
	owner.private_to = 1;
	upstream = dial(&peer);
	upstream_release(upstream, true);
	assert_null(upstream_reuse(worker, &server, &other));
	other.private_to = 2;
	assert_null(upstream_reuse(worker, &server, &other));
	assert_ptr_equal(upstream_reuse(worker, &server, &owner), upstream);
	upstream_release(upstream, false);
	owner.private_to = 0;
	close(peer);
}

static void some_challenges_are_for_the_connection(void **state)
{
	static const struct {
		uint16_t status;
		const char *first, *second;
		bool want;
	} rows[] = {
		{401, "NTLM", NULL, true},	     {401, "Negotiate abc", NULL, true},
		{401, "Basic realm=x", NULL, false}, {401, "Basic realm=x", "NTLM", true},
		{200, "NTLM", NULL, false},	     {401, NULL, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct response response = {.status = rows[i].status};
		struct arena arena;

		arena_init(&arena, 1 << 16, 0);
		response.headers.arena = &arena;
		if (rows[i].first)
			header_add_id(&response.headers, HEADER_WWW_AUTHENTICATE,
				      str_of(rows[i].first));
		if (rows[i].second)
			header_add_id(&response.headers, HEADER_WWW_AUTHENTICATE,
				      str_of(rows[i].second));
		assert_int_equal(upstream_becomes_private(&response), rows[i].want);
		arena_done(&arena);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_last_used_is_used_first),
		TEST(an_idle_one_that_speaks_or_ends_is_closed),
		TEST(a_dirty_one_does_not_come_back),
		TEST(no_more_are_kept_and_opened_than_the_limits_say),
		TEST(an_idle_one_ends_after_its_time),
		TEST(another_transport_begins_anew),
		TEST(another_server_of_the_same_number_begins_anew),
		TEST(a_connection_serves_whom_it_was_announced_for),
		TEST(a_private_connection_serves_nobody_else),
		TEST(some_challenges_are_for_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
