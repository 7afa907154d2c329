// SPDX-License-Identifier: Apache-2.0
/* snapshot_diff_test: what differs between two snapshots, and nothing else. */

#include "plan/snapshot_diff.h"

#include "compile_fixture.h"

static const json_t *row_of(const json_t *diff, const char *what, const char *change)
{
	size_t i;
	json_t *row;

	json_array_foreach(
		diff, i, row) if (!strcmp(json_string_value(json_object_get(row, "what")), what) &&
				  !strcmp(json_string_value(json_object_get(row, "change")),
					  change)) return row;
	return NULL;
}

static void the_same_objects_differ_in_nothing(void **state)
{
	struct fixture *f = *state;

	fixture_route(f, "r", "Host(`a`)", "");
	fixture_compile(f);
	json_t *diff = snapshot_diff(f->snapshot, f->snapshot);

	assert_int_equal(json_array_size(diff), 0);
	json_decref(diff);
}

static void what_came_went_and_changed_is_told(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "Middleware", "m", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	fixture_route(f, "r", "Host(`a`)", "");
	fixture_compile(f);
	struct snapshot *before = snapshot_ref(f->snapshot);

	fixture_add(f, "Middleware", "m", "'spec':{'stripPrefix':{'prefixes':['/y']}}");
	fixture_route(f, "r", "Host(`b`)", "");
	fixture_compile(f);
	json_t *diff = snapshot_diff(before, f->snapshot);
	const json_t *row = row_of(diff, "middleware", "changed");
	const json_t *field = json_array_get(json_object_get(row, "fields"), 0);

	assert_string_equal(json_string_value(json_object_get(field, "field")),
			    "stripPrefix.prefixes");
	assert_string_equal(json_string_value(json_array_get(json_object_get(field, "before"), 0)),
			    "/x");
	row = row_of(diff, "router", "added");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(row, "item"), "rule")),
		"Host(`b`)");
	assert_non_null(row_of(diff, "router", "removed"));

	struct buf text;

	buf_init(&text, 1 << 20);
	snapshot_diff_print(diff, &text);
	buf_add_char(&text, '\0');
	assert_non_null(strstr(text.at, "~ middleware shop-m@kubernetescrd\n"
					"    stripPrefix.prefixes: [\"/x\"] -> [\"/y\"]\n"));
	assert_non_null(strstr(text.at, "    Host(`b`)\n"));
	buf_done(&text);
	json_decref(diff);
	snapshot_unref(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(the_same_objects_differ_in_nothing),
		FIXTURE_TEST(what_came_went_and_changed_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
