// SPDX-License-Identifier: Apache-2.0
/* escalation_test: who was refused too often within a window. */

#include "proxy/escalation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/clock.h"

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(str_of(text), &addr), 0);
	return addr;
}

static void the_limit_is_reached_once_per_so_many_refusals(void **state)
{
	const struct escalate_rule rule = {.refusals = 5, .window_ns = 10 * NS_PER_SEC};
	struct escalation *escalation = escalation_new();
	struct addr a = addr_of("192.0.2.1"), b = addr_of("192.0.2.2");
	uint64_t now_ns = 100 * NS_PER_SEC;

	(void)state;
	for (int i = 1; i <= 20; i++) {
		assert_int_equal(escalation_add(escalation, &rule, &a, now_ns), i % 5 == 0);
		now_ns += NS_PER_SEC / 10;
	}
	assert_false(escalation_add(escalation, &rule, &b, now_ns));
	escalation_free(escalation);
}

static void refusals_outside_of_a_window_do_not_add_up(void **state)
{
	const struct escalate_rule rule = {.refusals = 3, .window_ns = NS_PER_SEC};
	struct escalation *escalation = escalation_new();
	struct addr a = addr_of("192.0.2.1");
	uint64_t now_ns = 100 * NS_PER_SEC;

	(void)state;
	for (int i = 0; i < 50; i++, now_ns += 600 * NS_PER_MS)
		assert_false(escalation_add(escalation, &rule, &a, now_ns));
	escalation_free(escalation);
}

static void neighbours_in_a_64_are_one_source(void **state)
{
	const struct escalate_rule rule = {.refusals = 2, .window_ns = NS_PER_SEC};
	struct escalation *escalation = escalation_new();
	struct addr a = addr_of("2001:db8::1"), b = addr_of("2001:db8::ffff:2"),
		    c = addr_of("2001:db8:0:1::1");

	(void)state;
	assert_false(escalation_add(escalation, &rule, &a, NS_PER_SEC));
	assert_false(escalation_add(escalation, &rule, &c, NS_PER_SEC));
	assert_true(escalation_add(escalation, &rule, &b, NS_PER_SEC));
	escalation_free(escalation);
	escalation_free(NULL);
}

static void a_rule_of_no_refusals_never_escalates(void **state)
{
	const struct escalate_rule never = {.refusals = 0, .window_ns = NS_PER_SEC};
	struct escalation *escalation = escalation_new();
	struct addr a = addr_of("192.0.2.1");

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(escalation_add(escalation, &never, &a, NS_PER_SEC));
	escalation_free(escalation);
}

static struct escalation *shared;
static const struct escalate_rule shared_rule = {.refusals = 100, .window_ns = 10 * NS_PER_SEC};
static _Atomic unsigned int n_reached;

static void *refuse_often(void *arg)
{
	struct addr a = addr_of("192.0.2.1");

	(void)arg;
	for (int i = 0; i < 10000; i++)
		if (escalation_add(shared, &shared_rule, &a, NS_PER_SEC))
			n_reached++;
	return NULL;
}

static void workers_count_together(void **state)
{
	pthread_t threads[3];

	(void)state;
	shared = escalation_new();
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, refuse_often, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(n_reached >= 299 && n_reached <= 300);
	escalation_free(shared);
}

static void a_crowd_of_sources_neither_fails_nor_counts_wrong(void **state)
{
	const struct escalate_rule rule = {.refusals = 1000, .window_ns = 10 * NS_PER_SEC};
	struct escalation *escalation = escalation_new();
	struct addr addr = addr_of("10.0.0.0");

	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		memcpy(addr.byte + 12, &i, sizeof(i));
		assert_false(escalation_add(escalation, &rule, &addr, NS_PER_SEC + i));
	}
	escalation_free(escalation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_is_reached_once_per_so_many_refusals),
		cmocka_unit_test(refusals_outside_of_a_window_do_not_add_up),
		cmocka_unit_test(neighbours_in_a_64_are_one_source),
		cmocka_unit_test(a_rule_of_no_refusals_never_escalates),
		cmocka_unit_test(workers_count_together),
		cmocka_unit_test(a_crowd_of_sources_neither_fails_nor_counts_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
