// SPDX-License-Identifier: Apache-2.0
/* schema_value_test: what messages say of single values. */
#include "model_help.h"

#include "model/schema_value.h"

static void values_are_described_shortly(void **state)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{"'a'", "\"a\" (a string)"},
		{"''", "an empty string"},
		{"5", "5 (an integer)"},
		{"1.5", "1.5 (a number)"},
		{"true", "true"},
		{"null", "nothing"},
		{"[1,2]", "a list of 2"},
		{"{'a':1}", "an object of 1 fields"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *json = json_of(rows[i].json);

		assert_true(str_eq(schema_value_describe(json, &arena), str_of(rows[i].text)));
		json_decref(json);
	}
	arena_done(&arena);
}

static void what_is_expected_is_said(void **state)
{
	static const struct {
		struct field field;
		const char *text;
	} rows[] = {
		{{.type = FIELD_BOOL}, "true or false"},
		{{.type = FIELD_INT}, "an integer"},
		{{.type = FIELD_INT, .min = 1, .max = 9}, "an integer from 1 to 9"},
		{{.type = FIELD_INT, .min = 0, .max = INT64_MAX}, "an integer of at least 0"},
		{{.type = FIELD_INT, .min = INT64_MIN, .max = 5}, "an integer of at most 5"},
		{{.type = FIELD_STR}, "a string"},
		{{.type = FIELD_STR, .choices = "a|b"}, "one of a, b"},
		{{.type = FIELD_STR, .format = "token"}, "a header name"},
		{{.type = FIELD_STRS, .choices = "a|b"}, "a list of a, b"},
		{{.type = FIELD_STRS}, "a list of strings"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_true(str_eq(schema_expected(&rows[i].field, &arena), str_of(rows[i].text)));
	arena_done(&arena);
}

static void a_string_without_quotes_gets_a_hint(void **state)
{
	static const struct field fields[] = {
		{.name = "text", .type = FIELD_STR},
		{.name = "n", .type = FIELD_INT, .offset = 16},
		{.name = "s", .type = FIELD_STR, .offset = 24, .format = "regex"},
	};
	static const struct schema schema = {.name = "x", .size = 64, SCHEMA_FIELDS(fields)};
	struct decoded d;

	(void)state;
	decode(&d, &schema, "{'text':80,'n':'80','s':'('}");
	assert_str(find_diag(&d.sink, "text")->suggestion, "write it in quotes");
	assert_str(find_diag(&d.sink, "n")->suggestion, "write it without quotes");
	/* What RE2 says. */
	assert_true(str_search(find_diag(&d.sink, "s")->expected, STR("missing")) > 0);
	decoded_done(&d);
	decode(&d, &schema, "{'n':'eighty'}");
	assert_int_equal(find_diag(&d.sink, "n")->suggestion.len, 0);
	decoded_done(&d);
}

static void a_nul_byte_is_refused(void **state)
{
	static const struct field fields[] = {{.name = "text", .type = FIELD_STR}};
	static const struct schema schema = {.name = "x", .size = 64, SCHEMA_FIELDS(fields)};
	json_t *json = json_pack("{s:o}", "text", json_stringn("a\0b", 3));
	struct arena arena;
	struct diag_sink sink;
	char out[64];

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	diag_init(&sink, &arena);
	assert_int_equal(schema_decode(&schema, json, &arena, out, &sink, NULL), 1);
	json_decref(json);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_described_shortly),
		cmocka_unit_test(what_is_expected_is_said),
		cmocka_unit_test(a_string_without_quotes_gets_a_hint),
		cmocka_unit_test(a_nul_byte_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
