// SPDX-License-Identifier: Apache-2.0
/* diag_test: faults are collected, bounded, escaped and printed. */
#include "model_help.h"

static void a_path_reads_as_people_write_it(void **state)
{
	struct arena arena;
	const struct diag_path *path =
		DIAG_FIELD(DIAG_INDEX(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "routes"), 3), "match");

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	assert_str(diag_path_print(path, &arena), "spec.routes[3].match");
	assert_str(diag_path_print(NULL, &arena), "");
	assert_str(diag_path_print(DIAG_INDEX(NULL, 1), &arena), "[1]");
	arena_done(&arena);
}

static void a_fault_is_printed_with_all_it_knows(void **state)
{
	struct arena arena;
	struct diag_sink sink;
	struct buf buf;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	diag_init(&sink, &arena);
	diag_about(&sink, STR("Middleware/shop/auth"), STR("a.yaml"), 7);
	struct diag *diag = diag_error(&sink, DIAG_FIELD(NULL, "spec"), "wrong %s", "type");

	diag_expected(&sink, diag, "a %s", "string");
	diag_found(&sink, diag, STR("5"));
	diag_suggest(&sink, diag, "write it in quotes");
	buf_init(&buf, 4096);
	diag_print(diag, &buf);
	assert_str(buf_str(&buf), "error: Middleware/shop/auth: spec: wrong type\n"
				  "    expected: a string\n    found: 5\n"
				  "    suggestion: write it in quotes\n    at: a.yaml:7\n");
	json_t *json = diag_to_json(diag);

	assert_string_equal(json_string_value(json_object_get(json, "object")),
			    "Middleware/shop/auth");
	assert_string_equal(json_string_value(json_object_get(json, "level")), "error");
	assert_int_equal(json_integer_value(json_object_get(json, "line")), 7);
	json_decref(json);
	buf_done(&buf);
	arena_done(&arena);
}

static void nothing_of_a_manifest_can_break_a_line(void **state)
{
	struct arena arena;
	struct diag_sink sink;
	struct buf buf;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	diag_init(&sink, &arena);
	diag_about(&sink, STR("A\nerror: forged"), STR("f\x1b[31m"), 0);
	diag_found(&sink, diag_error(&sink, DIAG_FIELD(NULL, "a\nb"), "x\r\ny"), STR("\n\xff\x7f"));
	buf_init(&buf, 4096);
	diag_print(&sink.at[0], &buf);
	struct str text = buf_str(&buf), line;
	size_t lines = 0;

	while (text.len && str_next(&text, '\n', &line))
		lines++;
	assert_int_equal(lines, 3);
	text = buf_str(&buf);
	for (size_t i = 0; i < text.len; i++)
		assert_true(text.at[i] == '\n' || (unsigned char)text.at[i] >= 0x20);
	json_t *json = diag_to_json(&sink.at[0]);

	assert_non_null(json_object_get(json, "found"));
	json_decref(json);
	buf_done(&buf);
	arena_done(&arena);
}

static void what_was_found_is_cut(void **state)
{
	struct arena arena;
	struct diag_sink sink;
	char text[500];

	(void)state;
	memset(text, 'a', sizeof(text));
	arena_init(&arena, 1 << 16, 0);
	diag_init(&sink, &arena);
	diag_found(&sink, diag_error(&sink, NULL, "x"), str_n(text, sizeof(text)));
	assert_int_equal(sink.at[0].found.len, DIAG_FOUND_MAX + 3);
	arena_done(&arena);
}

static void beyond_the_limit_they_are_counted_only(void **state)
{
	struct arena arena;
	struct diag_sink sink;

	(void)state;
	arena_init(&arena, 8 << 20, 0);
	diag_init(&sink, &arena);
	for (int i = 0; i < DIAG_MAX + 50; i++) {
		struct diag *diag = diag_warning(&sink, NULL, "again");

		diag_expected(&sink, diag, "x");
		diag_suggest(&sink, diag, "y");
	}
	assert_int_equal(sink.n, DIAG_MAX);
	assert_int_equal(sink.n_warnings, DIAG_MAX + 50);
	arena_done(&arena);
	/* No memory at all. */
	arena_init(&arena, 1, 0);
	diag_init(&sink, &arena);
	diag_found(&sink, diag_error(&sink, NULL, "x"), STR("y"));
	assert_int_equal(sink.n, 0);
	assert_int_equal(sink.n_errors, 1);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_reads_as_people_write_it),
		cmocka_unit_test(a_fault_is_printed_with_all_it_knows),
		cmocka_unit_test(nothing_of_a_manifest_can_break_a_line),
		cmocka_unit_test(what_was_found_is_cut),
		cmocka_unit_test(beyond_the_limit_they_are_counted_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
