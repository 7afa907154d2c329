// SPDX-License-Identifier: Apache-2.0
/* dataplane_grace: waits end, in their order, also those that nobody waits for. */
#include "dataplane/dataplane_grace.h"

#include "dataplane_lab.h"

static void a_wait_ends_by_itself(void **state)
{
	struct dataplane_grace *grace = dataplane_grace_new();
	uint64_t first, second;

	(void)state;
	assert_non_null(grace);
	first = dataplane_grace_begin(grace);
	second = dataplane_grace_begin(grace);
	assert_true(second > first);
	dataplane_grace_wait(grace, second);
	assert_true(dataplane_grace_is_over(grace, first));
	assert_true(dataplane_grace_is_over(grace, second));
	dataplane_grace_wait(grace, first);
	dataplane_grace_free(grace);
}

static void nothing_is_left_when_it_goes(void **state)
{
	struct dataplane_grace *grace = dataplane_grace_new();

	(void)state;
	assert_non_null(grace);
	dataplane_grace_begin(grace);
	dataplane_grace_free(grace);
	dataplane_grace_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_ends_by_itself),
		cmocka_unit_test(nothing_is_left_when_it_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
