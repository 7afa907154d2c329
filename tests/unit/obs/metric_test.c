// SPDX-License-Identifier: Apache-2.0
/* metric: ids that stay, series that vanish, gauges whose number is used again. */

#include "obs/metric.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "obs/metric_read.h"
#include "obs/metric_state.h"

static const struct str web = STR("web"), websecure = STR("websecure");

/* What the newest scrape said about one metric and one first label value. */
struct found {
	const char *name, *value;
	size_t n;
	double sum;
};

static void find(void *context, const struct metric_point *point)
{
	struct found *found = context;

	if (strcmp(point->row->name, found->name))
		return;
	bool hit = !found->value;

	for (size_t i = 0; i < point->n_labels; i++)
		hit |= str_eq(point->values[i], str_of(found->value));
	found->n += hit;
	found->sum += hit ? point->value : 0;
}

static struct found scrape(struct metric_registry *registry, const char *name, const char *value)
{
	struct found found = {.name = name, .value = value};

	metric_read(registry, find, &found);
	return found;
}

static void the_same_labels_have_the_same_id(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	const struct str a[] = {STR("a"), STR("bc")}, b[] = {STR("ab"), STR("c")};
	uint32_t first = metric_series(registry, METRIC_OF_ENTRY_POINT, &web);

	(void)state;
	assert_int_not_equal(first, METRIC_SERIES_NONE);
	assert_int_equal(metric_series(registry, METRIC_OF_ENTRY_POINT, &web), first);
	assert_int_not_equal(metric_series(registry, METRIC_OF_SERVICE, &web), first);
	assert_int_not_equal(metric_series(registry, METRIC_OF_ROUTER, a),
			     metric_series(registry, METRIC_OF_ROUTER, b));
	assert_int_equal(metric_series_limit(registry), 5);
	metric_registry_free(registry);
	metric_registry_free(NULL);
}

static void vanished_series_are_shown_once_more(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct metric_worker *worker = metric_worker_new(registry);

	(void)state;
	metric_registry_begin(registry);
	uint32_t id = metric_series(registry, METRIC_OF_SERVICE, &web);

	metric_registry_commit(registry);
	assert_int_equal(metric_worker_reserve(worker, metric_series_limit(registry)), 0);
	metric_add(worker, id, METRIC_RETRIES, 3);
	assert_true(scrape(registry, "tidegate_service_retries_total", "web").sum == 3);
	metric_registry_begin(registry);
	/* A scrape while the next snapshot is compiled sees the old one. */
	assert_int_equal(scrape(registry, "tidegate_service_retries_total", "web").n, 1);
	metric_registry_commit(registry);
	assert_int_equal(scrape(registry, "tidegate_service_retries_total", "web").n, 1);
	assert_int_equal(scrape(registry, "tidegate_service_retries_total", "web").n, 0);
	/* It comes back under its number, and goes on counting. */
	metric_registry_begin(registry);
	assert_int_equal(metric_series(registry, METRIC_OF_SERVICE, &web), id);
	metric_registry_commit(registry);
	assert_true(scrape(registry, "tidegate_service_retries_total", "web").sum == 3);
	metric_registry_free(registry);
}

static void gauges_are_set_and_forgotten(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	const struct str a[] = {STR("svc"), STR("http://a")}, b[] = {STR("svc"), STR("http://b")};

	(void)state;
	metric_registry_begin(registry);
	uint32_t up = metric_gauge(registry, METRIC_OF_SERVER, a);

	metric_registry_commit(registry);
	/* Not set yet: not shown. */
	assert_int_equal(scrape(registry, "tidegate_service_server_up", "http://a").n, 0);
	metric_gauge_set(registry, up, 1);
	assert_true(scrape(registry, "tidegate_service_server_up", "http://a").sum == 1);
	metric_registry_begin(registry);
	metric_registry_commit(registry);
	assert_int_equal(scrape(registry, "tidegate_service_server_up", "http://a").n, 1);
	assert_int_equal(scrape(registry, "tidegate_service_server_up", "http://a").n, 0);
	uint32_t other = metric_gauge(registry, METRIC_OF_SERVER, b);

	/* The slot is used again, the old number finds nothing. */
	assert_int_not_equal(other, up);
	metric_gauge_set(registry, up, 7);
	metric_gauge_set(registry, 0, 7);
	metric_gauge_set(registry, 99999, 7);
	assert_int_equal(scrape(registry, "tidegate_service_server_up", "http://b").n, 0);
	metric_registry_free(registry);
}

/* Servers come and go, and nobody scrapes. */
static void gauges_that_nobody_holds_take_no_room(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct metric_series *held, *last = NULL;

	(void)state;
	metric_registry_begin(registry);
	metric_registry_commit(registry);
	for (int i = 0; i < 100000; i++) {
		char url[32];

		snprintf(url, sizeof(url), "http://%d", i);
		const struct str labels[] = {STR("svc"), str_of(url)};
		uint32_t id = metric_hold(registry, METRIC_OF_SERVER, labels, &held);

		assert_int_not_equal(id, 0);
		metric_gauge_set(registry, id, 1);
		metric_drop(registry, last);
		last = held;
	}
	assert_true(registry->gauges.cap <= 128);
	assert_true(registry->n_gauge_slots <= 128);
	metric_sweep(registry);
	assert_int_equal(scrape(registry, "tidegate_service_server_up", "http://99999").n, 1);
	assert_int_equal(scrape(registry, "tidegate_service_server_up", "svc").n, 1);
	metric_registry_free(registry);
}

static void many_gauges_keep_their_own_values(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	uint32_t ids[300];

	(void)state;
	for (int i = 0; i < 300; i++) {
		char url[32];

		snprintf(url, sizeof(url), "http://%d", i);
		ids[i] = metric_gauge(registry, METRIC_OF_SERVER,
				      (struct str[]){STR("svc"), str_of(url)});
		metric_gauge_set(registry, ids[i], i);
	}
	assert_true(scrape(registry, "tidegate_service_server_up", "http://299").sum == 299);
	assert_true(scrape(registry, "tidegate_service_server_up", "svc").sum == 299 * 300 / 2);
	metric_registry_free(registry);
}

static void reloads_are_counted_and_good_ones_dated(void **state)
{
	struct metric_registry *registry = metric_registry_new();

	(void)state;
	metric_reload(registry, true, 1700000000123456789ULL);
	metric_reload(registry, false, 1800000000123456789ULL);
	assert_true(scrape(registry, "tidegate_config_reloads_total", NULL).sum == 2);
	assert_true(scrape(registry, "tidegate_config_last_reload_success", NULL).sum ==
		    1700000000);
	metric_registry_free(registry);
}

static void buckets_must_increase(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	const double many[METRIC_BUCKETS_MAX] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

	(void)state;
	assert_int_equal(metric_registry_set_buckets(registry, (const double[]){1, 1}, 2), -EINVAL);
	assert_int_equal(metric_registry_set_buckets(registry, (const double[]){0}, 1), -EINVAL);
	assert_int_equal(metric_registry_set_buckets(registry, many, METRIC_BUCKETS_MAX), -E2BIG);
	assert_int_equal(metric_registry_set_buckets(registry, many, METRIC_BUCKETS_MAX - 1), 0);
	metric_registry_free(registry);
}

static void too_long_labels_count_nowhere(void **state)
{
	static char longest[70000];
	struct metric_registry *registry = metric_registry_new();
	struct metric_worker *worker = metric_worker_new(registry);
	struct str text = {longest, sizeof(longest)};

	(void)state;
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(metric_series(registry, METRIC_OF_SERVICE, &text), METRIC_SERIES_NONE);
	metric_add(worker, METRIC_SERIES_NONE, METRIC_RETRIES, 1);
	assert_int_equal(scrape(registry, "tidegate_service_retries_total", "x").n, 0);
	assert_int_equal(metric_series(registry, METRIC_OF_ENTRY_POINT, &websecure), 1);
	metric_registry_free(registry);
}

static void sources_have_a_limit(void **state)
{
	struct metric_registry *registry = metric_registry_new();

	(void)state;
	for (int i = 0; i < METRIC_SOURCES_MAX; i++)
		assert_int_equal(metric_registry_add_source(registry, NULL, NULL), 0);
	assert_int_equal(metric_registry_add_source(registry, NULL, NULL), -E2BIG);
	metric_registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_labels_have_the_same_id),
		cmocka_unit_test(vanished_series_are_shown_once_more),
		cmocka_unit_test(gauges_are_set_and_forgotten),
		cmocka_unit_test(gauges_that_nobody_holds_take_no_room),
		cmocka_unit_test(many_gauges_keep_their_own_values),
		cmocka_unit_test(reloads_are_counted_and_good_ones_dated),
		cmocka_unit_test(buckets_must_increase),
		cmocka_unit_test(too_long_labels_count_nowhere),
		cmocka_unit_test(sources_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
