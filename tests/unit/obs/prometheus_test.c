// SPDX-License-Identifier: Apache-2.0
/* prometheus: the whole text of a small program, its order, and its escapes. */

#include "obs/prometheus.h"

#include "check.h"

static void sample_one(void *context, enum metric_id id, struct metric_scrape *scrape)
{
	if (id == METRIC_KERNEL_PACKETS) {
		metric_sample(scrape, (struct str[]){STR("drop"), STR("denied")},
			      *(const double *)context);
		metric_sample(scrape, (struct str[]){STR("pass"), STR("a\\b\"c\nd\xff")}, 0.1);
	}
}

static const char wanted[] =
	"# HELP tidegate_entrypoint_connections_refused_total Connections closed before a server "
	"was asked: by a TCP middleware, or because no TCP route takes them.\n"
	"# TYPE tidegate_entrypoint_connections_refused_total counter\n"
	"tidegate_entrypoint_connections_refused_total{entrypoint=\"web\"} 0\n"
	"# HELP tidegate_entrypoint_datagrams_dropped_total Datagrams from clients that went to no "
	"server.\n"
	"# TYPE tidegate_entrypoint_datagrams_dropped_total counter\n"
	"tidegate_entrypoint_datagrams_dropped_total{entrypoint=\"web\"} 0\n"
	"# HELP tidegate_entrypoint_request_duration_seconds How long requests of an entry "
	"point took, in "
	"seconds.\n"
	"# TYPE tidegate_entrypoint_request_duration_seconds histogram\n"
	"tidegate_entrypoint_request_duration_seconds_bucket{code=\"200\",method=\"GET\","
	"protocol=\"http\","
	"entrypoint=\"web\",le=\"0.1\"} 1\n"
	"tidegate_entrypoint_request_duration_seconds_bucket{code=\"200\",method=\"GET\","
	"protocol=\"http\","
	"entrypoint=\"web\",le=\"0.3\"} 1\n"
	"tidegate_entrypoint_request_duration_seconds_bucket{code=\"200\",method=\"GET\","
	"protocol=\"http\","
	"entrypoint=\"web\",le=\"1.2\"} 1\n"
	"tidegate_entrypoint_request_duration_seconds_bucket{code=\"200\",method=\"GET\","
	"protocol=\"http\","
	"entrypoint=\"web\",le=\"5\"} 2\n"
	"tidegate_entrypoint_request_duration_seconds_bucket{code=\"200\",method=\"GET\","
	"protocol=\"http\","
	"entrypoint=\"web\",le=\"+Inf\"} 2\n"
	"tidegate_entrypoint_request_duration_seconds_sum{code=\"200\",method=\"GET\","
	"protocol=\"http\","
	"entrypoint=\"web\"} 2.05\n"
	"tidegate_entrypoint_request_duration_seconds_count{code=\"200\",method=\"GET\","
	"protocol=\"http\","
	"entrypoint=\"web\"} 2\n"
	"# HELP tidegate_entrypoint_requests_bytes_total Bytes of request bodies of an "
	"entry point.\n"
	"# TYPE tidegate_entrypoint_requests_bytes_total counter\n"
	"tidegate_entrypoint_requests_bytes_total{code=\"200\",method=\"GET\",protocol="
	"\"http\","
	"entrypoint=\"web\"} 10\n"
	"# HELP tidegate_entrypoint_requests_total Requests of an entry point, by status, "
	"method and "
	"protocol.\n"
	"# TYPE tidegate_entrypoint_requests_total counter\n"
	"tidegate_entrypoint_requests_total{code=\"200\",method=\"GET\",protocol=\"http\","
	"entrypoint=\"web\"} "
	"2\n"
	"# HELP tidegate_entrypoint_responses_bytes_total Bytes of response bodies of an "
	"entry point.\n"
	"# TYPE tidegate_entrypoint_responses_bytes_total counter\n"
	"tidegate_entrypoint_responses_bytes_total{code=\"200\",method=\"GET\",protocol="
	"\"http\","
	"entrypoint=\"web\"} 2000\n"
	"# HELP tidegate_kernel_packets_total Packets by what the kernel plane did with "
	"them and why.\n"
	"# TYPE tidegate_kernel_packets_total counter\n"
	"tidegate_kernel_packets_total{verdict=\"drop\",reason=\"denied\"} 7\n"
	"tidegate_kernel_packets_total{verdict=\"pass\",reason="
	"\"a\\\\b\\\"c\\nd\xef\xbf\xbd\"} 0.1\n"
	"# HELP tidegate_open_connections Open client connections.\n"
	"# TYPE tidegate_open_connections gauge\n"
	"tidegate_open_connections{entrypoint=\"web\",protocol=\"TCP\"} -1\n";

static void the_text_is_complete_and_in_order(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct metric_worker *worker = metric_worker_new(registry);
	const struct str web = STR("web");
	uint32_t series = metric_series(registry, METRIC_OF_ENTRY_POINT, &web);
	double packets = 7;
	struct buf first, second;

	(void)state;
	assert_int_equal(metric_worker_reserve(worker, metric_series_limit(registry)), 0);
	assert_int_equal(metric_registry_add_source(registry, sample_one, &packets), 0);
	uint16_t class_ = metric_class(worker, 200, METRIC_GET, METRIC_HTTP);

	metric_request(worker, series, class_, 50000000, 4, 1000);
	metric_request(worker, series, class_, 2000000000, 6, 1000);
	metric_add(worker, series, METRIC_OPEN_CONNECTIONS, 1);
	metric_add(worker, series, METRIC_OPEN_CONNECTIONS, -2);
	buf_init(&first, 1 << 20);
	buf_init(&second, 1 << 20);
	prometheus_print(registry, &first);
	prometheus_print(registry, &second);
	CHECK_STR("text", buf_str(&first), STR(wanted));
	CHECK_STR("again", buf_str(&second), buf_str(&first));
	buf_done(&first);
	buf_done(&second);
	metric_registry_free(registry);
}

static void series_come_in_order_of_their_labels(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	const struct str names[] = {STR("zeta"), STR("alpha"), STR("beta")};
	struct buf buf;

	(void)state;
	metric_worker_new(registry);
	for (size_t i = 0; i < ROWS(names); i++)
		metric_series(registry, METRIC_OF_ENTRY_POINT, &names[i]);
	buf_init(&buf, 1 << 20);
	prometheus_print(registry, &buf);
	ptrdiff_t alpha = str_search(buf_str(&buf), STR("alpha")),
		  beta = str_search(buf_str(&buf), STR("beta")),
		  zeta = str_search(buf_str(&buf), STR("zeta"));

	assert_true(alpha > 0 && alpha < beta && beta < zeta);
	buf_done(&buf);
	metric_registry_free(registry);
}

static void a_text_over_the_limit_is_marked(void **state)
{
	struct metric_registry *registry = metric_registry_new();
	struct buf buf;

	(void)state;
	metric_reload(registry, true, 1);
	buf_init(&buf, 30);
	prometheus_print(registry, &buf);
	assert_true(buf.failed);
	buf_done(&buf);
	metric_registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_is_complete_and_in_order),
		cmocka_unit_test(series_come_in_order_of_their_labels),
		cmocka_unit_test(a_text_over_the_limit_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
