// SPDX-License-Identifier: Apache-2.0
/* metric_read: labels in their order, buckets that add up, classes sorted. */

#include "obs/metric_read.h"

#include "check.h"

struct seen {
	const char *name;
	size_t n;
	char text[600];
	uint64_t last_bucket;
};

static void note(void *context, const struct metric_point *point)
{
	struct seen *seen = context;

	if (strcmp(point->row->name, seen->name))
		return;
	seen->n++;
	for (size_t i = 0; i < point->n_labels; i++) {
		strncat(seen->text, point->names[i], 40);
		strcat(seen->text, "=");
		strncat(seen->text, point->values[i].at, point->values[i].len);
		strcat(seen->text, i + 1 < point->n_labels ? "," : ";");
	}
	for (size_t i = 0; i < point->n_buckets; i++) {
		assert_true(i == 0 || point->bucket[i] >= point->bucket[i - 1]);
		seen->last_bucket = point->bucket[i];
	}
}

static struct metric_worker *worker_with(struct metric_registry *registry)
{
	struct metric_worker *worker = metric_worker_new(registry);

	assert_int_equal(metric_worker_reserve(worker, metric_series_limit(registry)), 0);
	return worker;
}

static void router_series_name_their_service_too(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	uint32_t series =
		metric_series(registry, METRIC_OF_ROUTER,
			      (struct str[]){STR("r@kubernetescrd"), STR("s@kubernetescrd")});
	struct metric_worker *worker = worker_with(registry);
	struct seen seen = {.name = "tidegate_router_requests_total"};

	(void)state;
	metric_request(worker, series, metric_class(worker, 503, METRIC_PUT, METRIC_WEBSOCKET), 0,
		       0, 0);
	metric_read(registry, note, &seen);
	assert_string_equal(seen.text,
			    "code=503,method=PUT,protocol=websocket,router=r@kubernetescrd,"
			    "service=s@kubernetescrd;");
	metric_registry_free(registry);
}

static void classes_come_by_code_and_method(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	const struct str name = STR("s");
	uint32_t series = metric_series(registry, METRIC_OF_SERVICE, &name);
	struct metric_worker *worker = worker_with(registry);
	struct seen seen = {.name = "tidegate_service_requests_total"};

	(void)state;
	metric_request(worker, series, metric_class(worker, 500, METRIC_GET, METRIC_HTTP), 0, 0, 0);
	metric_request(worker, series, metric_class(worker, 200, METRIC_POST, METRIC_HTTP), 0, 0,
		       0);
	metric_request(worker, series, metric_class(worker, 200, METRIC_GET, METRIC_HTTP), 0, 0, 0);
	/* Known, but never counted here: not shown. */
	metric_class(worker, 404, METRIC_GET, METRIC_HTTP);
	metric_read(registry, note, &seen);
	assert_string_equal(seen.text, "code=200,method=GET,protocol=http,service=s;"
				       "code=200,method=POST,protocol=http,service=s;"
				       "code=500,method=GET,protocol=http,service=s;");
	metric_registry_free(registry);
}

static void a_bound_belongs_to_its_bucket(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	const struct str name = STR("s");
	uint32_t series = metric_series(registry, METRIC_OF_SERVICE, &name);
	struct metric_worker *worker = worker_with(registry);
	uint16_t class_ = metric_class(worker, 200, METRIC_GET, METRIC_HTTP);
	struct seen seen = {.name = "tidegate_service_request_duration_seconds"};

	(void)state;
	/* le means less or equal. */
	metric_request(worker, series, class_, 100000000, 0, 0);
	metric_request(worker, series, class_, 100000001, 0, 0);
	metric_request(worker, series, class_, UINT64_MAX / 2, 0, 0);
	metric_read(registry, note, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.last_bucket, 3);
	metric_registry_free(registry);
}

static void ktls_is_told_by_direction_result_and_reason(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	uint32_t series =
		metric_series(registry, METRIC_OF_KTLS,
			      (struct str[]){STR("tx"), STR("software"), STR("no-module")});
	struct metric_worker *worker = worker_with(registry);
	struct seen seen = {.name = "tidegate_ktls_connections_total"};

	(void)state;
	metric_add(worker, series, METRIC_KTLS_CONNECTIONS, 1);
	/* Not of a snapshot: stays, whatever is compiled. */
	metric_registry_begin(registry);
	metric_registry_commit(registry);
	metric_read(registry, note, &seen);
	metric_read(registry, note, &seen);
	assert_int_equal(seen.n, 2);
	assert_int_equal(strncmp(seen.text, "direction=tx,result=software,reason=no-module;", 46),
			 0);
	metric_registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(router_series_name_their_service_too),
		cmocka_unit_test(classes_come_by_code_and_method),
		cmocka_unit_test(a_bound_belongs_to_its_bucket),
		cmocka_unit_test(ktls_is_told_by_direction_result_and_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
