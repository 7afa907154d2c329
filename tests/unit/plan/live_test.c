// SPDX-License-Identifier: Apache-2.0
/* live_test: what is known at run time: addresses, dials that fail, health, speed. */

#include "plan/live.h"

#include "base/clock.h"
#include "check.h"

#define S NS_PER_SEC

static void addresses_are_read_as_written(void **state)
{
	struct live_addrs addrs = {0};
	struct addr two[2], got[LIVE_ADDRS_MAX];

	(void)state;
	assert_int_equal(live_addrs_read(&addrs, got), 0);
	addr_parse(STR("10.0.0.1"), &two[0]);
	addr_parse(STR("fd00::2"), &two[1]);
	assert_true(live_addrs_claim(&addrs, 5 * S, S));
	assert_false(live_addrs_claim(&addrs, 5 * S, S));
	live_addrs_write(&addrs, two, 2, 9 * S);
	assert_int_equal(live_addrs_read(&addrs, got), 2);
	assert_true(addr_eq(&got[0], &two[0]) && addr_eq(&got[1], &two[1]));
	assert_true(addrs.until_ns == 9 * S);
	assert_true(live_addrs_claim(&addrs, 10 * S, S));
	/* Who asked has vanished. */
	assert_true(live_addrs_claim(&addrs, 11 * S, S));
	/* No answer: the old ones stay. */
	live_addrs_write(&addrs, NULL, 0, 12 * S);
	assert_int_equal(live_addrs_read(&addrs, got), 2);
}

static void a_server_that_refuses_is_set_aside_longer_each_time(void **state)
{
	static const uint64_t seconds[] = {1, 2, 4, 8, 10, 10};
	struct live_server server = {0};
	uint64_t now = 100 * S;

	(void)state;
	assert_false(live_server_is_set_aside(NULL, now));
	for (size_t i = 0; i < ROWS(seconds); i++) {
		live_server_dial_failed(&server, now);
		/* The other workers find out, too. */
		live_server_dial_failed(&server, now + 1);
		assert_true(live_server_is_set_aside(&server, now + seconds[i] * S - 1));
		assert_false(live_server_is_set_aside(&server, now + seconds[i] * S));
		now += seconds[i] * S;
	}
	live_server_dial_failed(&server, now);
	live_server_dialled(&server);
	assert_false(live_server_is_set_aside(&server, now));
	live_server_dial_failed(&server, now);
	assert_false(live_server_is_set_aside(&server, now + S));
}

static void failures_in_the_window_take_a_member_down(void **state)
{
	struct live_member member = {0};
	struct live_passive passive = {.window_ns = 10 * S, .max_failures = 3};

	(void)state;
	assert_true(live_member_is_up(NULL, 0));
	assert_false(live_member_failed(&member, &passive, 1 * S));
	assert_false(live_member_failed(&member, &passive, 2 * S));
	live_member_succeeded(&member);
	assert_false(live_member_failed(&member, &passive, 3 * S));
	assert_false(live_member_failed(&member, &passive, 4 * S));
	/* The first of three is too old. */
	assert_false(live_member_failed(&member, &passive, 14 * S));
	assert_true(live_member_is_up(&member, 14 * S));
	assert_true(live_member_failed(&member, &passive, 14 * S));
	assert_false(live_member_is_up(&member, 24 * S - 1));
	assert_true(live_member_is_up(&member, 24 * S));
}

static void one_failure_is_enough_when_one_is_asked_for(void **state)
{
	struct live_member member = {0};
	struct live_passive passive = {.window_ns = 10 * S, .max_failures = 1};

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		uint64_t now = (1 + i * 20) * S;

		assert_true(live_member_is_up(&member, now));
		assert_true(live_member_failed(&member, &passive, now));
		assert_false(live_member_failed(&member, &passive, now));
		assert_false(live_member_is_up(&member, now));
		live_member_succeeded(&member);
	}
}

static void only_a_probe_brings_back_who_is_probed(void **state)
{
	struct live_member member = {0};
	struct live_passive passive = {.window_ns = S, .max_failures = 1, .is_probed = true};
	struct live_passive timed = {.window_ns = S, .max_failures = 1};

	(void)state;
	assert_true(live_member_failed(&member, &passive, 1 * S));
	assert_false(live_member_is_up(&member, 1000 * S));
	assert_false(live_member_probed(&member, false, 2 * S));
	assert_true(live_member_probed(&member, true, 3 * S));
	assert_false(live_member_probed(&member, true, 3 * S));
	assert_true(live_member_is_up(&member, 3 * S));
	assert_true(live_member_probed(&member, false, 4 * S));
	/* Requests that were on their way. */
	live_member_failed(&member, &timed, 4 * S);
	assert_false(live_member_is_up(&member, 1000 * S));
}

static void the_average_is_of_the_last_hundred(void **state)
{
	struct live_member member = {0};

	(void)state;
	assert_true(live_member_average_us(&member) == 0);
	live_member_ttfb(&member, 10 * NS_PER_MS);
	live_member_ttfb(&member, 20 * NS_PER_MS);
	assert_true(live_member_average_us(&member) == 15000);
	for (int i = 0; i < LIVE_TTFB_SAMPLES; i++)
		live_member_ttfb(&member, 7 * NS_PER_MS);
	assert_true(live_member_average_us(&member) == 7000);
	for (int i = 0; i < LIVE_TTFB_SAMPLES; i++)
		live_member_ttfb(&member, i < 50 ? NS_PER_MS : 3 * NS_PER_MS);
	assert_true(live_member_average_us(&member) == 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_as_written),
		cmocka_unit_test(a_server_that_refuses_is_set_aside_longer_each_time),
		cmocka_unit_test(failures_in_the_window_take_a_member_down),
		cmocka_unit_test(one_failure_is_enough_when_one_is_asked_for),
		cmocka_unit_test(only_a_probe_brings_back_who_is_probed),
		cmocka_unit_test(the_average_is_of_the_last_hundred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
