// SPDX-License-Identifier: Apache-2.0
/* effect_test: a change counts from its first event until the last worker has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/effect.h"
#include "obs/prometheus.h"

static void a_change_counts_until_the_last_worker_has_it(void **state)
{
	struct effect effect;

	(void)state;
	effect_init(&effect);
	assert_false(effect_served(&effect, 5, 1));
	effect_published(&effect, 2, 10 * NS_PER_MS);
	assert_true(effect_served(&effect, 1, 11 * NS_PER_MS));
	/* The next one waits beside it: each counts from its own event. */
	effect_published(&effect, 3, 12 * NS_PER_MS);
	assert_true(effect_served(&effect, 2, 13 * NS_PER_MS));
	assert_int_equal(atomic_load(&effect.last_ns), 3 * NS_PER_MS);
	assert_false(effect_served(&effect, 3, 14 * NS_PER_MS));
	assert_int_equal(atomic_load(&effect.last_ns), 2 * NS_PER_MS);
	assert_int_equal(atomic_load(&effect.all.bucket[3]), 1);
	assert_int_equal(atomic_load(&effect.all.bucket[2]), 1);
	assert_false(effect_served(&effect, 3, 15 * NS_PER_MS));
	assert_int_equal(atomic_load(&effect.all.bucket[3]), 1);
}

static void a_worker_that_hangs_makes_no_change_look_quick(void **state)
{
	struct effect effect;
	uint64_t n = EFFECT_WAITING_MAX + 3;

	(void)state;
	effect_init(&effect);
	for (uint64_t i = 1; i <= n; i++)
		effect_published(&effect, i, i * NS_PER_MS);
	assert_true(effect_served(&effect, EFFECT_WAITING_MAX - 1, 600 * NS_PER_MS));
	assert_true(effect_served(&effect, n - 1, 700 * NS_PER_MS));
	assert_false(effect_served(&effect, n, 800 * NS_PER_MS));
	assert_int_equal(atomic_load(&effect.last_ns), (800 - EFFECT_WAITING_MAX) * NS_PER_MS);
}

static void histograms_are_exposed(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct effect effect;
	struct buf out;

	(void)state;
	effect_init(&effect);
	effect_compiled(&effect, true, NS_PER_MS * 3 / 2);
	effect_compiled(&effect, true, 5 * (uint64_t)NS_PER_SEC);
	effect_compiled(&effect, false, 40 * NS_PER_MS);
	effect_kernel(&effect, 3 * NS_PER_MS);
	assert_int_equal(metric_registry_add_source(registry, effect_collect, &effect), 0);
	buf_init(&out, 1 << 20);
	prometheus_print(registry, &out);
	buf_add_char(&out, '\0');
	const char *text = buf_str(&out).at;

	assert_non_null(strstr(text, "# TYPE tidegate_config_compile_seconds histogram\n"));
	assert_non_null(strstr(
		text, "tidegate_config_compile_seconds_bucket{kind=\"changes\",le=\"0.002\"} 1\n"));
	assert_non_null(strstr(
		text, "tidegate_config_compile_seconds_bucket{kind=\"changes\",le=\"+Inf\"} 2\n"));
	assert_non_null(
		strstr(text, "tidegate_config_compile_seconds_sum{kind=\"changes\"} 5.0015\n"));
	assert_non_null(strstr(text, "tidegate_config_compile_seconds_count{kind=\"full\"} 1\n"));
	assert_non_null(strstr(text, "tidegate_config_event_to_effect_seconds_count 0\n"));
	assert_non_null(
		strstr(text, "tidegate_kernel_event_to_effect_seconds_bucket{le=\"0.005\"} 1\n"));
	buf_done(&out);
	metric_registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_counts_until_the_last_worker_has_it),
		cmocka_unit_test(a_worker_that_hangs_makes_no_change_look_quick),
		cmocka_unit_test(histograms_are_exposed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
