// SPDX-License-Identifier: Apache-2.0
/* given_test: files and folders named on a command line. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/given.h"
#include "capture.h"

static const char two[] = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n---\n"
			  "apiVersion: v1\nkind: Service\nmetadata: {name: b}\nspec: {}\n";

struct seen {
	char ids[256];
};

static void see(void *context, struct object *object, bool is_deleted)
{
	struct seen *seen = context;
	size_t at = strlen(seen->ids);

	snprintf(seen->ids + at, sizeof(seen->ids) - at, "%s" STR_FMT " ", is_deleted ? "-" : "+",
		 STR_ARG(object->id));
}

static int read_given(const char *path, bool is_deleted, struct seen *ret_seen, size_t *ret_faults)
{
	struct arena arena;
	struct diag_sink sink;
	struct given given = {ret_seen, is_deleted, see};

	*ret_seen = (struct seen){0};
	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	int rc = given_read(str_of(path), &given, &sink);

	*ret_faults = sink.n;
	arena_done(&arena);
	return rc;
}

static void files_and_folders_are_read(void **state)
{
	const char *folder = capture_folder("a.yaml", two);
	struct seen seen;
	char path[256];
	size_t faults;

	(void)state;
	snprintf(path, sizeof(path), "%s/a.yaml", folder);
	assert_int_equal(read_given(path, false, &seen, &faults), 0);
	assert_string_equal(seen.ids, "+Service/default/a +Service/default/b ");
	assert_int_equal(read_given(folder, true, &seen, &faults), 0);
	assert_string_equal(seen.ids, "-Service/default/a -Service/default/b ");
	assert_int_equal(faults, 0);
}

static void what_cannot_be_read_is_said(void **state)
{
	const char *folder = capture_folder("a.yaml", "kind: [");
	struct seen seen;
	size_t faults;

	(void)state;
	assert_int_equal(read_given("/nonexistent.yaml", false, &seen, &faults), -ENOENT);
	assert_int_equal(read_given(folder, false, &seen, &faults), 0);
	assert_int_equal(faults, 1);
	assert_string_equal(seen.ids, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_folders_are_read),
		cmocka_unit_test(what_cannot_be_read_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
