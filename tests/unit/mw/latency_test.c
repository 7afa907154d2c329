// SPDX-License-Identifier: Apache-2.0
/* latency_test: quantiles to two significant digits. */

#include "mw_lab.h"

#include "mw/latency.h"

static uint64_t at(const struct latency *latency, double quantile)
{
	static uint64_t sums[LATENCY_CELLS];

	memset(sums, 0, sizeof(sums));
	latency_sum(latency, sums);
	return latency_at(sums, quantile);
}

static void quantiles_are_near(void **state)
{
	static struct latency latency;

	(void)state;
	assert_int_equal(at(&latency, 50), 0);
	for (uint64_t us = 1; us <= 1000; us++)
		latency_add(&latency, us);
	assert_int_equal(at(&latency, 0), 1);
	assert_int_equal(at(&latency, 10), 100);
	assert_in_range(at(&latency, 50), 500, 505);
	assert_in_range(at(&latency, 99), 990, 1000);
	assert_in_range(at(&latency, 100), 1000, 1007);
	assert_in_range(at(&latency, 1e9), 1000, 1007);
	latency_reset(&latency);
	assert_int_equal(at(&latency, 50), 0);
}

static void every_value_lands_within_a_hundredth(void **state)
{
	static struct latency latency;

	(void)state;
	for (uint64_t us = 1; us < 3600000000ULL; us = us * 5 / 4 + 1) {
		latency_reset(&latency);
		latency_add(&latency, us);
		assert_in_range(at(&latency, 50), us, us + us / 100);
	}
	latency_reset(&latency);
	latency_add(&latency, UINT64_MAX);
	assert_true(at(&latency, 50) >= 3600000000ULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_near),
		cmocka_unit_test(every_value_lands_within_a_hundredth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
