// SPDX-License-Identifier: Apache-2.0
/* clock: goes forward, and agrees with the system. */

#include "base/clock.h"

#include <time.h>

#include "check.h"

static void the_monotonic_clock_never_goes_back(void **state)
{
	uint64_t before_ns = clock_mono_ns();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t now_ns = clock_mono_ns();

		assert_true(now_ns >= before_ns);
		before_ns = now_ns;
	}
}

static void the_wall_clock_is_the_system_s(void **state)
{
	time_t before = time(NULL);
	uint64_t seconds = clock_wall_ns() / NS_PER_SEC;

	(void)state;
	/* time() may lag a tick behind. */
	assert_in_range(seconds, (uint64_t)before - 1, (uint64_t)time(NULL) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_monotonic_clock_never_goes_back),
		cmocka_unit_test(the_wall_clock_is_the_system_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
