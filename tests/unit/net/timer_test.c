// SPDX-License-Identifier: Apache-2.0
/* timer_test: deadlines against a plain list of them. */

#include "net/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

enum { N_TIMERS = 300 };

struct probe {
	struct timer timer;
	uint64_t want_ns; /* 0: must not fire */
	unsigned int n_fired;
};

static struct timer_wheel wheel;
static uint64_t now_ns;

static void on_fire(struct timer *timer)
{
	struct probe *probe = (struct probe *)timer;

	assert_true(probe->want_ns != 0);
	assert_true(now_ns >= probe->want_ns);
	/* At most one tick late, when the wheel is run in time. */
	assert_true(now_ns - probe->want_ns <= 2 * NS_PER_MS);
	probe->want_ns = 0;
	probe->n_fired++;
}

static void start(uint64_t at_ns)
{
	now_ns = at_ns;
	timer_wheel_init(&wheel, at_ns);
}

static void advance_to(uint64_t at_ns)
{
	while (now_ns < at_ns) {
		uint64_t wait_ns = timer_wait_ns(&wheel, now_ns);

		if (wait_ns > at_ns - now_ns)
			wait_ns = at_ns - now_ns;
		now_ns += wait_ns ? wait_ns : 1;
		timer_run(&wheel, now_ns);
	}
}

static void a_timer_fires_at_its_time_in_every_level(void **state)
{
	static const uint64_t delays_ms[] = {0,	   1,	 63,	 64,	 65,	   4095,
					     4096, 4097, 262143, 262144, 17000000, 100000000};

	(void)state;
	for (size_t i = 0; i < sizeof(delays_ms) / sizeof(*delays_ms); i++) {
		struct probe probe = {0};

		start(123456789 * NS_PER_MS + 7);
		timer_init(&probe.timer, on_fire);
		probe.want_ns = now_ns + delays_ms[i] * NS_PER_MS;
		timer_set(&wheel, &probe.timer, probe.want_ns);
		advance_to(now_ns + (delays_ms[i] + 2) * NS_PER_MS);
		assert_int_equal(probe.n_fired, 1);
	}
}

static void a_deadline_moved_on_fires_only_at_the_later_time(void **state)
{
	struct probe probe = {0};

	(void)state;
	start(1000 * NS_PER_MS);
	timer_init(&probe.timer, on_fire);
	for (int i = 0; i < 100; i++) {
		probe.want_ns = now_ns + 50 * NS_PER_MS;
		timer_set(&wheel, &probe.timer, probe.want_ns);
		advance_to(now_ns + 20 * NS_PER_MS);
		assert_int_equal(probe.n_fired, 0);
	}
	advance_to(now_ns + 60 * NS_PER_MS);
	assert_int_equal(probe.n_fired, 1);
}

static void a_cancelled_timer_never_fires(void **state)
{
	struct probe probe = {0};

	(void)state;
	start(0);
	timer_init(&probe.timer, on_fire);
	timer_set(&wheel, &probe.timer, 10 * NS_PER_MS);
	timer_cancel(&wheel, &probe.timer);
	timer_cancel(&wheel, &probe.timer);
	assert_true(timer_wait_ns(&wheel, now_ns) == UINT64_MAX);
	advance_to(100 * NS_PER_MS);
	assert_int_equal(probe.n_fired, 0);
}

static struct probe other;

static void cancel_other(struct timer *timer)
{
	(void)timer;
	timer_cancel(&wheel, &other.timer);
}

static void a_handler_may_cancel_one_that_is_due_too(void **state)
{
	struct probe probe = {0};

	(void)state;
	start(0);
	timer_init(&probe.timer, cancel_other);
	timer_init(&other.timer, on_fire);
	timer_set(&wheel, &probe.timer, 10 * NS_PER_MS);
	timer_set(&wheel, &other.timer, 10 * NS_PER_MS);
	advance_to(50 * NS_PER_MS);
	assert_int_equal(other.n_fired, 0);
}

static void set_again(struct timer *timer)
{
	struct probe *probe = (struct probe *)timer;

	if (++probe->n_fired < 5)
		timer_set(&wheel, timer, now_ns + 64 * NS_PER_MS);
}

static void a_handler_may_set_its_own_timer_again(void **state)
{
	struct probe probe = {0};

	(void)state;
	start(63 * NS_PER_MS);
	timer_init(&probe.timer, set_again);
	timer_set(&wheel, &probe.timer, now_ns + 1);
	advance_to(now_ns + 1000 * NS_PER_MS);
	assert_int_equal(probe.n_fired, 5);
}

static void many_timers_agree_with_their_deadlines(void **state)
{
	struct probe *probes = calloc(N_TIMERS, sizeof(*probes));

	(void)state;
	srand(1);
	start(77777 * NS_PER_MS);
	for (int i = 0; i < N_TIMERS; i++)
		timer_init(&probes[i].timer, on_fire);
	for (int round = 0; round < 4000; round++) {
		struct probe *probe = &probes[rand() % N_TIMERS];

		if (rand() % 4) {
			uint64_t span = 1ULL << (rand() % 36);

			probe->want_ns = now_ns + (uint64_t)rand() % span + 1;
			timer_set(&wheel, &probe->timer, probe->want_ns);
		} else {
			probe->want_ns = 0;
			timer_cancel(&wheel, &probe->timer);
		}
		advance_to(now_ns + (uint64_t)rand() % (30 * NS_PER_MS));
		for (int i = 0; i < N_TIMERS; i++)
			assert_true(!probes[i].want_ns ||
				    now_ns <= probes[i].want_ns + 2 * NS_PER_MS);
	}
	advance_to(now_ns + (1ULL << 37));
	for (int i = 0; i < N_TIMERS; i++)
		assert_true(!probes[i].want_ns);
	free(probes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_fires_at_its_time_in_every_level),
		cmocka_unit_test(a_deadline_moved_on_fires_only_at_the_later_time),
		cmocka_unit_test(a_cancelled_timer_never_fires),
		cmocka_unit_test(a_handler_may_cancel_one_that_is_due_too),
		cmocka_unit_test(a_handler_may_set_its_own_timer_again),
		cmocka_unit_test(many_timers_agree_with_their_deadlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
