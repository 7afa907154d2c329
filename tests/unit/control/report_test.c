// SPDX-License-Identifier: Apache-2.0
/* report_test: a fault is said when it appears, once, and its end is said too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "capture.h"
#include "control/report.h"

struct world {
	struct report report;
	struct store store;
	struct snapshot snapshot;
	struct arena arena;
	struct diag_sink files;
};

static int set_up(void **state)
{
	static struct world world;

	world = (struct world){0};
	log_init(LOG_DEBUG, LOG_LOGFMT);
	report_init(&world.report);
	store_init(&world.store);
	arena_init(&world.arena, 1 << 20, 0);
	diag_init(&world.files, &world.arena);
	diag_init(&world.snapshot.diags, &world.arena);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	report_done(&world->report);
	store_done(&world->store);
	arena_done(&world->arena);
	return 0;
}

static const char *revision(struct world *world)
{
	capture_begin(2);
	report_revision(&world->report, &world->store, &world->snapshot, &world->files);
	return capture_end();
}

static void a_fault_is_said_once_and_so_is_its_end(void **state)
{
	struct world *world = *state;

	diag_about(&world->snapshot.diags, STR("IngressRoute/shop/web"), STR("10.yaml"), 3);
	diag_suggest(&world->snapshot.diags,
		     diag_error(&world->snapshot.diags, DIAG_FIELD(NULL, "match"),
				"unknown matcher Hots"),
		     "did you mean Host?");

	const char *said = revision(world);

	assert_non_null(strstr(said, "object=IngressRoute/shop/web"));
	assert_non_null(strstr(said, "field=match"));
	assert_non_null(strstr(said, "did you mean Host?"));
	assert_string_equal(revision(world), "");
	diag_init(&world->snapshot.diags, &world->arena);
	said = revision(world);
	assert_non_null(strstr(said, "manifest fault is gone"));
	assert_non_null(strstr(said, "IngressRoute/shop/web"));
	assert_string_equal(revision(world), "");
}

static void faults_of_files_count_too(void **state)
{
	struct world *world = *state;

	diag_about(&world->files, STR("half.yaml"), STR("half.yaml"), 7);
	diag_error(&world->files, NULL, "not YAML");
	assert_non_null(strstr(revision(world), "not YAML"));
}

static void unsupported_fields_are_counted_by_kind(void **state)
{
	struct world *world = *state;

	diag_about(&world->files, STR("Gateway/shop/db"), STR("db.yaml"), 1);
	diag_warning(&world->files, NULL, "kind Gateway is not supported")->unsupported = true;
	diag_about(&world->snapshot.diags, STR("IngressRoute/shop/web"), STR("10.yaml"), 3);
	diag_warning(&world->snapshot.diags, DIAG_FIELD(NULL, "a"), "has no effect")->unsupported =
		true;
	diag_warning(&world->snapshot.diags, DIAG_FIELD(NULL, "b"), "has no effect")->unsupported =
		true;
	diag_warning(&world->snapshot.diags, DIAG_FIELD(NULL, "c"), "odd, but works");
	revision(world);
	assert_int_equal(world->report.unsupported[KIND_INGRESS_ROUTE], 2);
	assert_int_equal(world->report.unsupported[REPORT_OTHER_KINDS], 1);
	diag_init(&world->snapshot.diags, &world->arena);
	revision(world);
	assert_int_equal(world->report.unsupported[KIND_INGRESS_ROUTE], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_fault_is_said_once_and_so_is_its_end, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(faults_of_files_count_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unsupported_fields_are_counted_by_kind, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
