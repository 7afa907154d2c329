// SPDX-License-Identifier: Apache-2.0
/* metric_table: what Prometheus and our own code expect of every row. */

#include "obs/metric_table.h"

#include "check.h"

static void names_are_well_formed_and_sorted(void **state)
{
	(void)state;
	for (size_t i = 0; i < metric_row_count; i++) {
		const char *name = metric_rows[i].name;

		assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
		if (i)
			assert_true(strcmp(metric_rows[i - 1].name, name) < 0);
		assert_true(strlen(metric_rows[i].help) > 4);
		assert_null(strpbrk(metric_rows[i].help, "\\\n"));
	}
}

static void counters_end_in_total_and_nothing_else_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < metric_row_count; i++) {
		struct str name = str_of(metric_rows[i].name);

		CHECK_INT(metric_rows[i].name, str_ends(name, STR("_total")),
			  metric_rows[i].type == METRIC_COUNTER);
	}
}

static void traefik_s_metrics_are_all_there(void **state)
{
	/* reference/traefik.md h.1, with our prefix. */
	static const char *const names[] = {
		"tidegate_config_reloads_total",
		"tidegate_config_last_reload_success",
		"tidegate_open_connections",
		"tidegate_tls_certs_not_after",
		"tidegate_entrypoint_requests_total",
		"tidegate_entrypoint_requests_tls_total",
		"tidegate_entrypoint_request_duration_seconds",
		"tidegate_entrypoint_requests_bytes_total",
		"tidegate_entrypoint_responses_bytes_total",
		"tidegate_router_requests_total",
		"tidegate_router_requests_tls_total",
		"tidegate_router_request_duration_seconds",
		"tidegate_router_requests_bytes_total",
		"tidegate_router_responses_bytes_total",
		"tidegate_service_requests_total",
		"tidegate_service_requests_tls_total",
		"tidegate_service_request_duration_seconds",
		"tidegate_service_requests_bytes_total",
		"tidegate_service_responses_bytes_total",
		"tidegate_service_retries_total",
		"tidegate_service_server_up",
	};

	(void)state;
	for (size_t i = 0; i < ROWS(names); i++) {
		size_t k = 0;

		while (k < metric_row_count && strcmp(metric_rows[k].name, names[i]))
			k++;
		if (k == metric_row_count)
			fail_msg("%s is missing", names[i]);
	}
}

static void every_source_metric_has_one_row(void **state)
{
	int rows[METRIC_ID__COUNT] = {0};

	(void)state;
	for (size_t i = 0; i < metric_row_count; i++) {
		assert_int_equal(metric_rows[i].kind == METRIC_OF_SOURCE,
				 metric_rows[i].id != METRIC_ID_NONE);
		if (metric_rows[i].id != METRIC_ID_NONE)
			rows[metric_rows[i].id]++;
	}
	for (int i = 0; i < METRIC_ID__COUNT; i++)
		assert_int_equal(rows[i], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_well_formed_and_sorted),
		cmocka_unit_test(counters_end_in_total_and_nothing_else_does),
		cmocka_unit_test(traefik_s_metrics_are_all_there),
		cmocka_unit_test(every_source_metric_has_one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
