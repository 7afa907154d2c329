// SPDX-License-Identifier: Apache-2.0
/* loop_test: readiness, turns, tasks and timers on socket pairs. */

#include "net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

struct probe {
	struct loop_io io;
	struct loop *loop;
	unsigned int n_calls;
	int victim_fd;
	struct probe *victim;
};

static void count_call(struct loop_io *io)
{
	((struct probe *)io)->n_calls++;
}

static int open_pair(struct loop *loop, struct probe *probe, void (*on_ready)(struct loop_io *))
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*probe = (struct probe){.io = {.fd = fds[0], .on_ready = on_ready}, .loop = loop};
	assert_int_equal(loop_add(loop, &probe->io), 0);
	return fds[1];
}

static void an_edge_is_told_once_and_remembered(void **state)
{
	struct loop loop;
	struct probe probe;
	char byte;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	int peer = open_pair(&loop, &probe, count_call);

	assert_int_equal(loop_round(&loop, 0), 0);
	assert_int_equal(probe.io.ready, LOOP_WRITE);
	assert_int_equal(write(peer, "a", 1), 1);
	loop_round(&loop, 0);
	assert_int_equal(probe.n_calls, 2);
	assert_true(probe.io.ready & LOOP_READ);
	loop_round(&loop, 0);
	assert_int_equal(probe.n_calls, 2);
	assert_int_equal(read(probe.io.fd, &byte, 1), 1);
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	loop_round(&loop, 0);
	assert_true(probe.io.ready & LOOP_EOF);
	close(peer);
	loop_round(&loop, 0);
	assert_true(probe.io.ready & LOOP_ERROR);
	close(probe.io.fd);
	loop_done(&loop);
}

static void forget_victim(struct loop_io *io)
{
	struct probe *probe = (struct probe *)io;

	probe->n_calls++;
	if (probe->victim && probe->victim->io.fd >= 0) {
		int fd = probe->victim->io.fd;

		loop_forget(probe->loop, &probe->victim->io);
		close(fd);
	}
}

static void a_forgotten_io_gets_no_event_that_was_fetched_before(void **state)
{
	struct loop loop;
	struct probe a, b;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	int peer_a = open_pair(&loop, &a, forget_victim),
	    peer_b = open_pair(&loop, &b, forget_victim);

	a.victim = &b;
	b.victim = &a;
	loop_round(&loop, 0);
	assert_int_equal(a.n_calls + b.n_calls, 1);
	close(peer_a);
	close(peer_b);
	close(a.io.fd >= 0 ? a.io.fd : b.io.fd);
	loop_done(&loop);
}

static void ask_again(struct loop_io *io)
{
	struct probe *probe = (struct probe *)io;

	if (++probe->n_calls < 5)
		loop_again(probe->loop, io);
}

static void who_asks_for_a_turn_gets_one_per_round(void **state)
{
	struct loop loop;
	struct probe probe;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	int peer = open_pair(&loop, &probe, ask_again);

	for (unsigned int i = 1; i <= 7; i++) {
		loop_round(&loop, 0);
		assert_int_equal(probe.n_calls, i < 5 ? i : 5);
	}
	close(peer);
	close(probe.io.fd);
	loop_done(&loop);
}

static unsigned int n_run;
static struct loop *task_loop;

static void run_task(struct loop_task *task)
{
	if (++n_run == 1)
		loop_defer(task_loop, task);
}

static void a_task_runs_at_the_end_of_its_round(void **state)
{
	struct loop loop;
	struct loop_task task = {.run = run_task};

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	task_loop = &loop;
	loop_defer(&loop, &task);
	loop_round(&loop, UINT64_MAX);
	assert_int_equal(n_run, 1);
	loop_round(&loop, UINT64_MAX);
	assert_int_equal(n_run, 2);
	loop_done(&loop);
}

static void stop(struct timer *timer)
{
	(void)timer;
	loop_stop(task_loop);
}

static void a_timer_ends_the_wait(void **state)
{
	struct loop loop;
	struct timer timer;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	task_loop = &loop;
	timer_init(&timer, stop);
	uint64_t at_ns = loop.now_ns + 20 * NS_PER_MS;

	timer_set(&loop.timers, &timer, at_ns);
	assert_int_equal(loop_run(&loop), 0);
	assert_true(loop.now_ns >= at_ns);
	assert_true(loop.rounds < 10);
	loop_done(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edge_is_told_once_and_remembered),
		cmocka_unit_test(a_forgotten_io_gets_no_event_that_was_fetched_before),
		cmocka_unit_test(who_asks_for_a_turn_gets_one_per_round),
		cmocka_unit_test(a_task_runs_at_the_end_of_its_round),
		cmocka_unit_test(a_timer_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
