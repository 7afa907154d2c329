// SPDX-License-Identifier: Apache-2.0
/* path_edit_test: what the path middlewares share (reference/traefik.md c.1). */

#include "mw_lab.h"

#include "mw/path_edit.h"

static void bad_escapes_are_named_as_go_does(void **state)
{
	static const struct {
		const char *path, *escape;
	} rows[] = {
		{"/a", ""},	 {"/%41", ""},	    {"/%4", "%4"},	 {"/%", "%"},
		{"/%zz", "%zz"}, {"/%4z/x", "%4z"}, {"/%41%g0x", "%g0"}, {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		lab_assert_str(path_edit_bad_escape(str_of(rows[i].path)), rows[i].escape);
}

static void decoded_bytes_are_skipped_in_the_escaped_path(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_assert_str(path_edit_behind(STR("/a%20b/c"), 4, &lab.arena), "/c");
	lab_assert_str(path_edit_behind(STR("/a%20b"), 2, &lab.arena), "/%20b");
	lab_assert_str(path_edit_behind(STR("/a"), 9, &lab.arena), "/");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_escapes_are_named_as_go_does),
		cmocka_unit_test(decoded_bytes_are_skipped_in_the_escaped_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
