// SPDX-License-Identifier: Apache-2.0
/* snapshot_test: references, and the order in which what a snapshot owns is released. */

#include "plan/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static int released[4], n_released;

static void note(void *thing)
{
	released[n_released++] = *(int *)thing;
}

static void what_a_snapshot_owns_goes_with_the_last_reference_newest_first(void **state)
{
	int things[] = {1, 2, 3};
	struct snapshot *snapshot = snapshot_new(7);

	(void)state;
	n_released = 0;
	assert_int_equal(snapshot->revision, 7);
	for (int i = 0; i < 3; i++)
		snapshot_own(snapshot, &things[i], note);
	assert_ptr_equal(snapshot_ref(snapshot), snapshot);
	snapshot_unref(snapshot);
	assert_int_equal(n_released, 0);
	snapshot_unref(snapshot);
	assert_int_equal(n_released, 3);
	assert_int_equal(released[0], 3);
	assert_int_equal(released[2], 1);
}

static void unref_accepts_null(void **state)
{
	(void)state;
	snapshot_unref(NULL);
}

static void a_thing_that_cannot_be_registered_is_released_at_once(void **state)
{
	int thing = 9;
	struct snapshot *snapshot = snapshot_new(1);

	(void)state;
	n_released = 0;
	snapshot->arena.cap_bytes = 0;
	snapshot_own(snapshot, &thing, note);
	assert_int_equal(n_released, 1);
	assert_true(snapshot->arena.failed);
	snapshot_unref(snapshot);
	assert_int_equal(n_released, 1);
}

static void a_snapshot_begins_where_the_last_one_ended(void **state)
{
	struct snapshot *last = snapshot_new(1), *next = snapshot_new(2);
	struct entry_point entry_point = {.name = STR("web")};

	(void)state;
	last->entry_points = &entry_point;
	last->n_entry_points = 1;
	last->n_tcp_routes = 3;
	snapshot_begin_from(next, last);
	assert_ptr_not_equal(next->entry_points, last->entry_points);
	assert_true(str_eq(next->entry_points[0].name, STR("web")));
	assert_int_equal(next->n_tcp_routes, 3);
	assert_int_equal(next->n_routes, 0);
	snapshot_unref(last);
	snapshot_unref(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_snapshot_owns_goes_with_the_last_reference_newest_first),
		cmocka_unit_test(unref_accepts_null),
		cmocka_unit_test(a_snapshot_begins_where_the_last_one_ended),
		cmocka_unit_test(a_thing_that_cannot_be_registered_is_released_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
