// SPDX-License-Identifier: Apache-2.0
/* record_test: a finished exchange in the figures. */

#include "proxy/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/header.h"
#include "bare_worker.h"
#include "proxy/conn.h"

static uint64_t plain_requests(struct metric_worker *metrics, uint32_t series)
{
	struct metric_block *block = metric_block(metrics, series);
	struct metric_chunks *chunks = atomic_load(&block->chunks);
	uint64_t n = 0;

	for (int k = 0; k < METRIC_BUCKETS_MAX; k++)
		n += atomic_load(&block->first.bucket[k]);
	for (int i = 0; chunks && i < METRIC_CHUNKS; i++) {
		struct metric_cell *chunk = atomic_load(&chunks->at[i]);

		for (int j = 0; chunk && j < METRIC_CHUNK; j++)
			for (int k = 0; k < METRIC_BUCKETS_MAX; k++)
				n += atomic_load(&chunk[j].bucket[k]);
	}
	return n;
}

static void an_exchange_counts_for_entry_point_router_and_service(void **state)
{
	struct bare_worker *bare = bare_worker_new();
	struct metric_registry *registry = metric_registry_new();
	struct conn conn = {.entry = &bare->entry};
	struct exchange *exchange;
	struct str point_labels[] = {STR("web")}, service_labels[] = {STR("s")};
	struct entry_point point = {
		.series = metric_series(registry, METRIC_OF_ENTRY_POINT, point_labels)};
	struct service service = {
		.series = metric_series(registry, METRIC_OF_SERVICE, service_labels)};
	struct route route = {.series = METRIC_SERIES_NONE};

	(void)state;
	link_init(&conn.link, &bare->worker, -1);
	bare->worker.metrics = metric_worker_new(registry);
	assert_int_equal(metric_worker_reserve(bare->worker.metrics, metric_series_limit(registry)),
			 0);
	exchange = exchange_new(&conn);
	exchange->entry_point = &point;
	exchange->route = &route;
	exchange->pick.service = &service;
	exchange->status = 200;
	exchange->request.method_id = METHOD_GET;
	record_exchange(exchange);
	/* The service did not answer yet. */
	assert_int_equal(plain_requests(bare->worker.metrics, point.series), 1);
	assert_int_equal(plain_requests(bare->worker.metrics, service.series), 0);
	exchange->origin_status = 200;
	exchange->request.upgrade = true;
	record_exchange(exchange);
	exchange->request.upgrade = false;
	header_add_id(&exchange->request.headers, HEADER_ACCEPT, STR("text/event-stream"));
	exchange->request.method_id = METHOD_OTHER;
	exchange->request.method = STR("PURGE");
	record_exchange(exchange);
	assert_int_equal(plain_requests(bare->worker.metrics, point.series), 3);
	assert_int_equal(plain_requests(bare->worker.metrics, service.series), 2);
	exchange_free(exchange);
	bare->worker.metrics = NULL;
	bare_worker_free(bare);
	metric_registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exchange_counts_for_entry_point_router_and_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
