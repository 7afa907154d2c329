// SPDX-License-Identifier: Apache-2.0
/* breaker_test: the state machine and its numbers (reference/traefik.md c.11). */

#include "mw_lab.h"

#include "mw/breaker.h"

enum { S = 1000000000 };

static const struct breaker_times times = {
	.check_ns = 100000000ULL, .fallback_ns = 10ULL * S, .recovery_ns = 10ULL * S};

static uint64_t second(double s)
{
	return (uint64_t)((1000 + s) * S);
}

static void counts_are_those_of_ten_seconds(void **state)
{
	struct mw_state *breaker = breaker_new();

	(void)state;
	for (int i = 0; i < 10; i++)
		breaker_record(breaker, i % 2 ? 502 : 200, 1000000, second(i));
	assert_int_equal(breaker_count(breaker, 0, 1000, second(9)), 10);
	assert_int_equal(breaker_count(breaker, 502, 503, second(9)), 5);
	assert_int_equal(breaker_count(breaker, 200, 502, second(9)), 5);
	assert_int_equal(breaker_count(breaker, 0, 1000, second(10)), 9);
	assert_int_equal(breaker_count(breaker, 0, 1000, second(18)), 1);
	assert_int_equal(breaker_count(breaker, 0, 1000, second(19)), 0);
	breaker_record(breaker, 200, 1000000, second(10));
	assert_int_equal(breaker_count(breaker, 0, 1000, second(10)), 10);
	breaker_record(breaker, 5000, 0, second(10)); /* no status: not counted */
	assert_int_equal(breaker_count(breaker, 0, 5000, second(10)), 10);
	assert_true(breaker->memory_bytes(breaker) > 0);
	breaker->free(breaker);
}

static void times_are_those_of_a_minute(void **state)
{
	struct mw_state *breaker = breaker_new();

	(void)state;
	for (int i = 0; i < 60; i++)
		breaker_record(breaker, 200, i < 30 ? 10000000 : 500000000, second(i));
	assert_in_range(breaker_latency_ms(breaker, 40, second(59)), 9, 10);
	assert_in_range(breaker_latency_ms(breaker, 99, second(59)), 495, 505);
	assert_in_range(breaker_latency_ms(breaker, 10, second(90)), 495, 505);
	assert_int_equal(breaker_latency_ms(breaker, 99, second(200)), 0);
	breaker->free(breaker);
}

static void checks_are_made_once_per_period(void **state)
{
	struct mw_state *breaker = breaker_new();

	(void)state;
	assert_true(breaker_due(breaker, &times, second(0)));
	assert_false(breaker_due(breaker, &times, second(0.05)));
	assert_true(breaker_due(breaker, &times, second(0.11)));
	breaker->free(breaker);
}

static void it_trips_recovers_and_closes(void **state)
{
	struct mw_state *breaker = breaker_new();
	int allowed = 0, half = 0;

	(void)state;
	assert_true(breaker_allows(breaker, &times, second(0)));
	breaker_record(breaker, 502, 1000, second(0));
	breaker_trip(breaker, &times, second(0));
	assert_int_equal(breaker_count(breaker, 0, 1000, second(0)), 0);
	assert_int_equal(breaker_phase(breaker, &times, second(0)), BREAKER_TRIPPED);
	assert_false(breaker_allows(breaker, &times, second(9.9)));
	assert_false(breaker_due(breaker, &times, second(5)));
	/* A hundred requests per second for ten seconds: the share grows from nothing to a half. */
	for (int i = 0; i < 1000; i++) {
		allowed += breaker_allows(breaker, &times, second(10 + i / 100.0));
		if (i == 500)
			half = allowed;
	}
	assert_int_equal(breaker_phase(breaker, &times, second(19)), BREAKER_RECOVERING);
	assert_in_range(half, 100, 135);
	assert_in_range(allowed, 470, 500);
	assert_true(breaker_allows(breaker, &times, second(20.1)));
	assert_int_equal(breaker_phase(breaker, &times, second(20.1)), BREAKER_STANDBY);
	breaker->free(breaker);
}

static void it_trips_again_while_recovering(void **state)
{
	struct mw_state *breaker = breaker_new();

	(void)state;
	breaker_trip(breaker, &times, second(0));
	breaker_allows(breaker, &times, second(10));
	assert_true(breaker_due(breaker, &times, second(12)));
	breaker_trip(breaker, &times, second(12));
	assert_false(breaker_allows(breaker, &times, second(21)));
	assert_int_equal(breaker_phase(breaker, &times, second(22)), BREAKER_RECOVERING);
	breaker->free(breaker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_those_of_ten_seconds),
		cmocka_unit_test(times_are_those_of_a_minute),
		cmocka_unit_test(checks_are_made_once_per_period),
		cmocka_unit_test(it_trips_recovers_and_closes),
		cmocka_unit_test(it_trips_again_while_recovering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
