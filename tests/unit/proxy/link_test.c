// SPDX-License-Identifier: Apache-2.0
/* link_test: readiness stays honest, and what the peer does not take is held. */

#include "proxy/link.h"

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
static struct link link_;
static int peer;

static void ignore(struct loop_io *io)
{
	(void)io;
}

static int set_up(void **state)
{
	int fds[2], size = 4096;

	(void)state;
	bare = bare_worker_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	peer = fds[1];
	link_init(&link_, &bare->worker, fds[0]);
	link_.io.on_ready = ignore;
	assert_int_equal(loop_add(&bare->worker.loop, &link_.io), 0);
	loop_round(&bare->worker.loop, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	link_close(&link_, false);
	close(peer);
	bare_worker_free(bare);
	return 0;
}

static void a_short_read_means_empty(void **state)
{
	char buf[16];

	(void)state;
	assert_false(link_can_read(&link_));
	assert_int_equal(write(peer, "abc", 3), 3);
	loop_round(&bare->worker.loop, 0);
	assert_true(link_can_read(&link_));
	assert_int_equal(link_read(&link_, buf, 2), 2);
	assert_true(link_can_read(&link_));
	assert_int_equal(link_read(&link_, buf, sizeof(buf)), 1);
	assert_false(link_can_read(&link_));
	assert_int_equal(link_read(&link_, buf, sizeof(buf)), -EAGAIN);
}

static void the_end_behind_the_last_bytes_is_seen(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(write(peer, "abc", 3), 3);
	shutdown(peer, SHUT_WR);
	loop_round(&bare->worker.loop, 0);
	assert_int_equal(link_read(&link_, buf, sizeof(buf)), 3);
	assert_true(link_can_read(&link_));
	assert_false(link_.ended);
	assert_int_equal(link_read(&link_, buf, sizeof(buf)), 0);
	assert_true(link_.ended);
	assert_false(link_can_read(&link_));
}

static void what_is_not_taken_is_held_and_leaves_in_order(void **state)
{
	static char bytes[300000], got[sizeof(bytes)];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31 >> 3);
	assert_int_equal(link_write2(&link_, str_n(bytes, 5), str_n(bytes + 5, 99995)), 0);
	assert_int_equal(link_write(&link_, bytes + 100000, 200000), 0);
	assert_true(link_backlog(&link_) > 0);
	assert_false(link_.io.ready & LOOP_WRITE);
	while (n < sizeof(bytes)) {
		ssize_t some = read(peer, got + n, sizeof(got) - n);

		if (some > 0)
			n += (size_t)some;
		loop_round(&bare->worker.loop, 0);
		int error = link_flush(&link_);

		assert_true(error == 0 || error == -EAGAIN);
	}
	assert_memory_equal(got, bytes, sizeof(bytes));
	assert_int_equal(link_backlog(&link_), 0);
	assert_null(link_.out.block);
}

static void a_peer_that_is_gone_is_an_error(void **state)
{
	(void)state;
	close(peer);
	assert_true(link_write(&link_, "a", 1) < 0);
	assert_true(link_write2(&link_, STR("a"), STR("b")) < 0);
	peer = dup(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_short_read_means_empty),
		TEST(the_end_behind_the_last_bytes_is_seen),
		TEST(what_is_not_taken_is_held_and_leaves_in_order),
		TEST(a_peer_that_is_gone_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
