// SPDX-License-Identifier: Apache-2.0
/* worker_test: snapshots that come and go, and the end of a worker. */

#include "proxy/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bare_worker.h"

static int n_freed;

static void on_free(void *thing)
{
	(void)thing;
	n_freed++;
}

static struct snapshot *new_snapshot(uint64_t revision)
{
	struct snapshot *snapshot = snapshot_new(revision);

	snapshot_own(snapshot, &n_freed, on_free);
	return snapshot;
}

static void
the_latest_snapshot_is_worked_by_and_the_former_is_freed_with_its_last_user(void **state)
{
	struct bare_worker *bare = bare_worker_new();
	struct worker *worker = &bare->worker;
	struct snapshot_use *use;

	(void)state;
	assert_int_equal(worker_publish(worker, new_snapshot(2)), 0);
	assert_int_equal(worker_publish(worker, new_snapshot(3)), 0);
	assert_int_equal(atomic_load(&worker->revision), 1);
	loop_round(&worker->loop, 0);
	assert_int_equal(atomic_load(&worker->revision), 3);
	assert_int_equal(n_freed, 1);
	use = snapshot_use_get(worker->use);
	assert_int_equal(worker_publish(worker, new_snapshot(4)), 0);
	loop_round(&worker->loop, 0);
	assert_int_equal(worker->use->snapshot->revision, 4);
	assert_int_equal(n_freed, 1);
	assert_int_equal(atomic_load(&worker->counters.snapshots_held), 2);
	assert_true(snapshot_use_put(use));
	assert_int_equal(n_freed, 2);
	/* What was posted and never read goes too. */
	assert_int_equal(worker_publish(worker, new_snapshot(5)), 0);
	bare_worker_free(bare);
	assert_int_equal(n_freed, 4);
}

static void a_worker_stops_when_it_is_told(void **state)
{
	struct bare_worker *bare = bare_worker_new();

	(void)state;
	assert_int_equal(worker_start(&bare->worker), 0);
	assert_int_equal(worker_drain(&bare->worker, 1000), 0);
	assert_int_equal(worker_stop(&bare->worker), 0);
	pthread_join(bare->worker.thread, NULL);
	bare_worker_free(bare);
}

static void a_worker_that_does_not_turn_gives_no_sign_of_life(void **state)
{
	struct bare_worker *bare = bare_worker_new();

	(void)state;
	assert_true(worker_beat(&bare->worker));
	assert_false(worker_beat(&bare->worker));
	loop_round(&bare->worker.loop, 0);
	assert_true(worker_beat(&bare->worker));
	bare_worker_free(bare);
}

static void the_date_is_that_of_the_round(void **state)
{
	struct bare_worker *bare = bare_worker_new();

	(void)state;
	bare->worker.loop.wall_ns = 784111777ULL * NS_PER_SEC;
	assert_true(str_eq(worker_date(&bare->worker), STR("Sun, 06 Nov 1994 08:49:37 GMT")));
	bare_worker_free(bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_latest_snapshot_is_worked_by_and_the_former_is_freed_with_its_last_user),
		cmocka_unit_test(a_worker_stops_when_it_is_told),
		cmocka_unit_test(a_worker_that_does_not_turn_gives_no_sign_of_life),
		cmocka_unit_test(the_date_is_that_of_the_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
