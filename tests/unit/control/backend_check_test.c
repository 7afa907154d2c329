// SPDX-License-Identifier: Apache-2.0
/* backend_check_test: thresholds, and when the next check is due. (Sockets: checker_test.) */

#include "control/backend_check.h"

#include "check.h"

static void results_count_in_a_row(void **state)
{
	static const struct {
		bool is_good;
		enum backend_check_news news;
		uint64_t wait;
	} rows[] = {
		{false, CHECK_SAME, 100}, {false, CHECK_SAME, 100}, {true, CHECK_SAME, 100},
		{false, CHECK_SAME, 100}, {false, CHECK_SAME, 100}, {false, CHECK_DOWN, 30},
		{true, CHECK_SAME, 30},	  {false, CHECK_SAME, 30},  {true, CHECK_SAME, 30},
		{true, CHECK_UP, 100},	  {true, CHECK_SAME, 100},
	};
	struct live_member member = {0};
	struct backend_check_of of = {.member = &member,
				      .interval_ns = 100,
				      .unhealthy_interval_ns = 30,
				      .healthy_threshold = 2,
				      .unhealthy_threshold = 3};
	struct backend_check *check = backend_check_new(&of, 1000);

	(void)state;
	CHECK_INT("the first", check->due_ns, 1100);
	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t now_ns = 2000 + i * 1000;

		check->is_good = rows[i].is_good;
		check->is_done = true;
		CHECK_INT("news", backend_check_end(check, now_ns), rows[i].news);
		CHECK_INT("due", check->due_ns - now_ns, rows[i].wait);
		assert_false(check->is_done);
	}
	backend_check_free(check);
	of.at_once = true;
	check = backend_check_new(&of, 1000);
	CHECK_INT("at once", check->due_ns, 1000);
	backend_check_free(check);
	backend_check_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_count_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
