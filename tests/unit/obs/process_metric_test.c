// SPDX-License-Identifier: Apache-2.0
/* process_metric: every row has a sensible value for this very process. */

#include "obs/process_metric.h"

#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "obs/metric_read.h"

struct seen {
	double value[METRIC_ID__COUNT];
	size_t n;
};

static void note(void *context, const struct metric_point *point)
{
	struct seen *seen = context;

	if (point->row->kind == METRIC_OF_SOURCE) {
		seen->value[point->row->id] = point->value;
		seen->n++;
	}
}

static struct seen scrape(struct metric_registry *registry)
{
	struct seen seen = {0};

	metric_read(registry, note, &seen);
	return seen;
}

static void the_process_tells_about_itself(void **state)
{
	struct process_metric process = {.start_wall_ns = 1700000000500000000ULL};
	struct metric_registry *registry = metric_registry_new();

	(void)state;
	assert_int_equal(metric_registry_add_source(registry, process_metric_collect, &process), 0);
	struct seen before = scrape(registry);
	int fd = open("/dev/null", O_RDONLY);
	struct seen after = scrape(registry);

	close(fd);
	assert_int_equal(before.n, 7);
	assert_true(before.value[METRIC_PROCESS_START_TIME] == 1700000000.5);
	assert_true(before.value[METRIC_BUILD_INFO] == 1);
	assert_true(before.value[METRIC_PROCESS_CPU_SECONDS] >= 0);
	assert_true(before.value[METRIC_PROCESS_RESIDENT_BYTES] > 4096);
	assert_true(before.value[METRIC_PROCESS_VIRTUAL_BYTES] >=
		    before.value[METRIC_PROCESS_RESIDENT_BYTES]);
	assert_true(before.value[METRIC_PROCESS_MAX_FDS] >= before.value[METRIC_PROCESS_OPEN_FDS]);
	assert_true(after.value[METRIC_PROCESS_OPEN_FDS] ==
		    before.value[METRIC_PROCESS_OPEN_FDS] + 1);
	metric_registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_tells_about_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
