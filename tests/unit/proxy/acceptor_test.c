// SPDX-License-Identifier: Apache-2.0
/* acceptor_test: everybody at the door is let in, a few at a time, also at the end. */

#include "proxy/acceptor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "bare_worker.h"
#include "proxy/loopback.h"
#include "net/sock.h"

enum { CROWD = 200 };

static uint64_t n_open(const struct worker *worker)
{
	return atomic_load(&worker->counters.connections_open);
}

static void a_crowd_is_let_in_a_few_at_a_time(void **state)
{
	struct bare_worker *bare = bare_worker_new();
	struct sock_listen_options options = {0};
	struct acceptor acceptor;
	struct addr local;
	int fd, crowd[CROWD];
	uint16_t port;

	(void)state;
	bare->entry.handshake_ns = bare->entry.idle_ns = 10ULL * NS_PER_SEC;
	addr_parse(STR("127.0.0.1"), &options.addr);
	assert_int_equal(sock_listen(&options, &fd), 0);
	assert_int_equal(sock_local(fd, &local, &port), 0);
	assert_int_equal(acceptor_open(&acceptor, &bare->worker, &bare->entry, fd), 0);
	for (int i = 0; i < CROWD; i++)
		crowd[i] = loopback_connect(port);
	loop_round(&bare->worker.loop, 0);
	uint64_t first = n_open(&bare->worker);

	assert_true(first > 0 && first < CROWD);
	for (int i = 0; i < 10; i++)
		loop_round(&bare->worker.loop, 0);
	assert_int_equal(n_open(&bare->worker), CROWD);
	/* Who waits when the door closes is still let in. */
	int last = loopback_connect(port);

	acceptor_close(&acceptor, true);
	acceptor_close(&acceptor, true);
	assert_int_equal(n_open(&bare->worker), CROWD + 1);
	assert_int_equal(loopback_connect(port), -1);
	for (int i = 0; i < CROWD; i++)
		close(crowd[i]);
	close(last);
	bare_worker_free(bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_is_let_in_a_few_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
