// SPDX-License-Identifier: Apache-2.0
/* metric_worker: methods, classes, limits; and two threads that count while a third reads. */

#include "obs/metric.h"

#include <errno.h>
#include <pthread.h>

#include "check.h"
#include "obs/metric_read.h"

enum { WORKERS = 2, REQUESTS = 20000 };

struct total {
	const char *name;
	double value;
	size_t n;
};

static void add_up(void *context, const struct metric_point *point)
{
	struct total *total = context;

	if (strcmp(point->row->name, total->name) == 0) {
		total->value += point->value;
		total->n++;
	}
}

static struct total total_of(struct metric_registry *registry, const char *name)
{
	struct total total = {.name = name};

	metric_read(registry, add_up, &total);
	return total;
}

static void methods_are_named_or_extensions(void **state)
{
	static const struct {
		const char *text;
		enum metric_method method;
	} rows[] = {
		{"GET", METRIC_GET},
		{"PRI", METRIC_PRI},
		{"get", METRIC_EXTENSION_METHOD},
		{"", METRIC_EXTENSION_METHOD},
		{"PURGE", METRIC_EXTENSION_METHOD},
		{"G\xff", METRIC_NON_UTF8_METHOD},
		{"PATCH", METRIC_PATCH},
		{"EXTENSION_METHOD", METRIC_EXTENSION_METHOD},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		CHECK_INT(rows[i].text, metric_method_of(str_of(rows[i].text)), rows[i].method);
}

static void classes_are_the_same_for_all_workers(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct metric_worker *a = metric_worker_new(registry), *b = metric_worker_new(registry);

	(void)state;
	uint16_t ok = metric_class(a, 200, METRIC_GET, METRIC_HTTP);

	assert_int_equal(metric_class(a, 200, METRIC_GET, METRIC_HTTP), ok);
	assert_int_not_equal(metric_class(b, 404, METRIC_GET, METRIC_HTTP), ok);
	assert_int_equal(metric_class(b, 200, METRIC_GET, METRIC_HTTP), ok);
	assert_int_not_equal(metric_class(b, 0, METRIC_POST, METRIC_GRPC), ok);
	/* A code that is none is counted with what found no room. */
	assert_int_equal(metric_class(a, 600, METRIC_GET, METRIC_HTTP),
			 metric_class(a, 99999, METRIC_PUT, METRIC_SSE));
	metric_registry_free(registry);
}

static void more_classes_than_there_is_room_share_one(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct metric_worker *worker = metric_worker_new(registry);
	const struct str name = STR("web");
	uint32_t series = metric_series(registry, METRIC_OF_ENTRY_POINT, &name);

	(void)state;
	assert_int_equal(metric_worker_reserve(worker, metric_series_limit(registry)), 0);
	for (unsigned code = 100; code < 600; code++) {
		uint16_t class_ = metric_class(worker, code, METRIC_GET, METRIC_HTTP);

		assert_true(class_ < METRIC_CLASSES_MAX);
		metric_request(worker, series, class_, 1, 0, 0);
	}
	struct total total = total_of(registry, "tidegate_entrypoint_requests_total");

	assert_true(total.value == 500);
	assert_int_equal(total.n, METRIC_CLASSES_MAX - 1);
	metric_registry_free(registry);
}

static void tls_connections_are_counted_by_version_and_cipher(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct metric_worker *worker = metric_worker_new(registry);
	const struct str name = STR("web");
	uint32_t series = metric_series(registry, METRIC_OF_ENTRY_POINT, &name);

	(void)state;
	assert_int_equal(metric_worker_reserve(worker, metric_series_limit(registry)), 0);
	uint16_t a = metric_tls_class(worker, STR("1.3"), STR("TLS_AES_128_GCM_SHA256"));

	assert_int_equal(metric_tls_class(worker, STR("1.3"), STR("TLS_AES_128_GCM_SHA256")), a);
	metric_tls(worker, series, a);
	metric_tls(worker, series, metric_tls_class(worker, STR("1.2"), STR("X")));
	assert_true(total_of(registry, "tidegate_entrypoint_requests_tls_total").value == 2);
	for (int i = 0; i < METRIC_TLS_CLASSES_MAX + 5; i++) {
		char cipher = (char)('!' + i);

		metric_tls(worker, series, metric_tls_class(worker, STR("1.2"), str_n(&cipher, 1)));
	}
	assert_true(total_of(registry, "tidegate_entrypoint_requests_tls_total").value ==
		    METRIC_TLS_CLASSES_MAX + 7);
	metric_registry_free(registry);
}

static void pages_are_reserved_up_to_the_limit(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct metric_worker *worker = metric_worker_new(registry);

	(void)state;
	assert_int_equal(metric_worker_reserve(worker, 1000), 0);
	metric_add(worker, 999, METRIC_SLOT_0, 1);
	metric_add(worker, METRIC_SERIES_NONE, METRIC_SLOT_0, 1);
	assert_int_equal(metric_worker_reserve(worker, METRIC_SERIES_MAX + 1), -E2BIG);
	metric_registry_free(registry);
}

struct job {
	struct metric_worker *worker;
	uint32_t series;
};

static void *count_requests(void *arg)
{
	const struct job *job = arg;

	for (unsigned i = 0; i < REQUESTS; i++) {
		uint16_t class_ = metric_class(job->worker, 200 + i % 20, METRIC_GET, METRIC_HTTP);

		metric_request(job->worker, job->series, class_, i, 1, 2);
	}
	return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	const struct str name = STR("web");
	uint32_t series = metric_series(registry, METRIC_OF_ENTRY_POINT, &name);
	struct job jobs[WORKERS];
	pthread_t threads[WORKERS];
	double before = 0;

	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		jobs[i] = (struct job){metric_worker_new(registry), series};
		assert_int_equal(metric_worker_reserve(jobs[i].worker, series + 1), 0);
		assert_int_equal(pthread_create(&threads[i], NULL, count_requests, &jobs[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		double now = total_of(registry, "tidegate_entrypoint_requests_total").value;

		/* A counter never goes back, whenever it is read. */
		assert_true(now >= before);
		before = now;
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	assert_true(total_of(registry, "tidegate_entrypoint_requests_total").value ==
		    WORKERS * REQUESTS);
	assert_true(total_of(registry, "tidegate_entrypoint_responses_bytes_total").value ==
		    2.0 * WORKERS * REQUESTS);
	metric_registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_are_named_or_extensions),
		cmocka_unit_test(classes_are_the_same_for_all_workers),
		cmocka_unit_test(more_classes_than_there_is_room_share_one),
		cmocka_unit_test(tls_connections_are_counted_by_version_and_cipher),
		cmocka_unit_test(pages_are_reserved_up_to_the_limit),
		cmocka_unit_test(nothing_is_lost_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
