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
#include "proxy/loopback.h"

static struct bare_worker *bare;
static struct worker *worker;
static struct server server;
static int listener;
/* Never looked into: the events of the real exchange are not called in these tests' states. */
static struct exchange *const nobody = NULL;

static int set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	worker = &bare->worker;
	server = (struct server){.id = 5};
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

	assert_int_equal(upstream_dial(worker, &server, nobody, &upstream), 0);
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
	assert_null(upstream_reuse(worker, &server, nobody));
	struct upstream *a = dial(&peers[0]), *b = dial(&peers[1]);

	upstream_release(a, true);
	upstream_release(b, true);
	assert_int_equal(upstream_pool(worker, server.id)->n_idle, 2);
	assert_ptr_equal(upstream_reuse(worker, &server, nobody), b);
	assert_int_equal(b->n_exchanges, 1);
	assert_ptr_equal(upstream_reuse(worker, &server, nobody), a);
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
		assert_null(upstream_reuse(worker, &server, nobody));
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
	assert_int_equal(upstream_dial(worker, &server, nobody, &one_more), -EAGAIN);
	bare->shared.upstream_idle_ns = 100ULL * NS_PER_SEC;
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
	bare->shared.upstream_idle_ns = 30 * NS_PER_MS;
	bare->shared.dial_ns = 30 * NS_PER_MS;
	upstream_release(dial(&peer), true);
	for (int i = 0; i < 100 && upstream_pool(worker, server.id)->n_idle; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	assert_int_equal(upstream_pool(worker, server.id)->n_open, 0);
	close(peer);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
