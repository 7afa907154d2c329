// SPDX-License-Identifier: Apache-2.0
/* stream_record_test: what metrics say while a session lasts, and afterwards. */

#include "proxy/stream_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bare_worker.h"

static uint64_t cell(struct worker *worker, uint32_t series, unsigned int slot)
{
	return metric_block(worker->metrics, series)->plain[slot];
}

static void bytes_are_counted_once_and_while_it_lasts(void **state)
{
	struct bare_worker *bare = bare_worker_new();
	struct worker *worker = &bare->worker;
	struct metric_registry *registry = metric_registry_new();
	const struct str labels[] = {STR("s"), STR("tcp")};
	struct stream_service service = {.series =
						 metric_series(registry, METRIC_OF_STREAM, labels)};
	struct stream_session session = {.pick.service = &service};

	(void)state;
	worker->metrics = metric_worker_new(registry);
	assert_int_equal(metric_worker_reserve(worker->metrics, metric_series_limit(registry)), 0);
	link_init(&session.server, worker, -1);
	stream_record_begin(&session);
	session.connected_ns = 1;
	session.up.bytes = 10;
	stream_record_bytes(&session);
	assert_int_equal(cell(worker, service.series, METRIC_STREAM_RECEIVED), 10);
	assert_int_equal(cell(worker, service.series, METRIC_STREAM_OPEN), 1);
	session.up.bytes = 15;
	session.down.bytes = 7;
	stream_record_retry(&session);
	stream_record_end(&session);
	assert_int_equal(cell(worker, service.series, METRIC_STREAM_RECEIVED), 15);
	assert_int_equal(cell(worker, service.series, METRIC_STREAM_SENT), 7);
	assert_int_equal(cell(worker, service.series, METRIC_STREAM_OPEN), 0);
	assert_int_equal(cell(worker, service.series, METRIC_STREAM_SESSIONS), 1);
	assert_int_equal(cell(worker, service.series, METRIC_RETRIES), 1);
	worker->metrics = NULL;
	metric_registry_free(registry);
	bare_worker_free(bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_counted_once_and_while_it_lasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
