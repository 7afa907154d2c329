// SPDX-License-Identifier: Apache-2.0
/* route_order_test: each rule decides only where all before it are equal, and both ways round. */

#include "plan/route_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct route route(int64_t priority, int64_t created_ns, const char *name)
{
	return (struct route){.priority = priority, .created_ns = created_ns, .name = str_of(name)};
}

static void each_rule_in_its_turn(void **state)
{
	const struct route rows[] = {
		route(9, 5, "zz@file"),		 route(8, 5, "zz@kubernetescrd"),
		route(7, 1, "zz@kubernetescrd"), route(7, 2, "aa@kubernetescrd"),
		route(7, 2, "ab@kubernetescrd"), route(7, 0, "aa@kubernetes"),
		route(7, 0, "aa@file"),
	};
	const size_t n = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int order = route_order(&rows[i], &rows[j]);

			assert_true(i < j ? order < 0 : i > j ? order > 0 : order == 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_in_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
