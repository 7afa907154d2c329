// SPDX-License-Identifier: Apache-2.0
/* file_entry_test: names in any case, references, lines of files. */
#include "model_help.h"

#include "model/file_entry.h"

static void names_are_found_in_any_case_and_taken_out(void **state)
{
	json_t *conf = json_of("{'EntryPoints':1,'rule':2}"), *value;

	(void)state;
	assert_non_null(file_entry_find(conf, "entryPoints"));
	assert_null(file_entry_find(conf, "entry"));
	assert_null(file_entry_find(NULL, "rule"));
	value = file_entry_take(conf, "ENTRYPOINTS");
	assert_int_equal(json_integer_value(value), 1);
	assert_null(file_entry_find(conf, "entryPoints"));
	assert_null(file_entry_take(conf, "entryPoints"));
	json_decref(value);
	json_decref(conf);
}

static void lists_of_names_become_lists_of_references(void **state)
{
	json_t *refs = file_entry_refs(json_of("['a','b@file']"), "X");
	json_t *wrong = file_entry_refs(json_of("'a'"), "X");

	(void)state;
	assert_int_equal(json_array_size(refs), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(refs, 1), "name")),
			    "b@file");
	assert_string_equal(json_string_value(json_object_get(json_array_get(refs, 1), "kind")),
			    "X");
	/* What is no list stays, for the field table to complain about. */
	assert_true(json_is_string(wrong));
	json_decref(refs);
	json_decref(wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_in_any_case_and_taken_out),
		cmocka_unit_test(lists_of_names_become_lists_of_references),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
