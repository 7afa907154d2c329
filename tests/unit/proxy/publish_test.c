// SPDX-License-Identifier: Apache-2.0
/* publish_test: a snapshot lives as long as somebody works by it. */

#include "proxy/publish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int n_freed;

static void on_free(void *thing)
{
	(void)thing;
	n_freed++;
}

static void the_last_user_frees_the_snapshot(void **state)
{
	struct snapshot *snapshot = snapshot_new(7);

	(void)state;
	snapshot_own(snapshot, &n_freed, on_free);
	struct snapshot_use *use = snapshot_use_new(snapshot);

	assert_ptr_equal(snapshot_use_get(use), use);
	assert_false(snapshot_use_put(use));
	assert_int_equal(n_freed, 0);
	assert_true(snapshot_use_put(use));
	assert_int_equal(n_freed, 1);
	assert_false(snapshot_use_put(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_user_frees_the_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
