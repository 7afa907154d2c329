// SPDX-License-Identifier: Apache-2.0
/*
 * kind_test: the tables themselves: every row is documented and consistent, and Traefik's kinds
 * have every field that Traefik's CRDs have (data/crd_paths.txt), of the same type, with the same
 * choices and ranges.
 */
#include "model_help.h"

#include <stdio.h>

#include "base/num.h"
#include "model/schema_format.h"
#include "model/schema_walk.h"
#include "model/static_config.h"

static bool check_row(void *context, const struct schema_place *place)
{
	const struct field *field = place->field;
	size_t *n = context;
	char where[512];

	snprintf(where, sizeof(where), "%s: " STR_FMT, place->owner->name, STR_ARG(place->path));
	*n += 1;
	if (!field->doc || strlen(field->doc) < 4 || field->doc[strlen(field->doc) - 1] != '.')
		fail_msg("%s: no sentence of documentation", where);
	if (strchr(field->doc, '\n'))
		fail_msg("%s: a line break in its documentation", where);
	if (field->format && !schema_format_find(field->format))
		fail_msg("%s: unknown format %s", where, field->format);
	if (field->min > field->max)
		fail_msg("%s: min is more than max", where);
	if (field->preset && field->required)
		fail_msg("%s: required, and a preset", where);
	if (field->sub && !field->sub->doc)
		fail_msg("%s: its schema has no documentation", where);
	if ((field->type >= FIELD_LIST) != (field->sub != NULL))
		fail_msg("%s: a nested type needs a schema, others have none", where);
	return true;
}

static void every_row_is_documented_and_consistent(void **state)
{
	struct arena arena;
	size_t n = 0;

	(void)state;
	arena_init(&arena, 64 << 20, 0);
	for (int i = 0; i < KIND__COUNT; i++)
		schema_walk(kind_infos[i].schema, &arena, check_row, &n);
	schema_walk(&schema_static_config, &arena, check_row, &n);
	assert_true(n > 700);
	arena_done(&arena);
}

/* A preset must be a value that the field takes when it is written. */
static bool check_preset(void *context, const struct schema_place *place)
{
	struct schema alone = {.name = "alone",
			       .size = place->owner->size,
			       .fields = place->field,
			       .n_fields = 1,
			       .flags = SCHEMA_FROM_TEXT | SCHEMA_BOOL_IS_EMPTY};
	struct arena *arena = context;
	struct diag_sink sink;
	void *preset, *decoded;
	json_t *json;

	if (!place->field->preset || place->field->type == FIELD_STRUCT)
		return true;
	preset = arena_zero(arena, 1, alone.size);
	decoded = arena_zero(arena, 1, alone.size);
	diag_init(&sink, arena);
	json = json_pack("{s:s}", place->field->name, place->field->preset);
	schema_preset(&alone, arena, preset);
	if (schema_decode(&alone, json, arena, decoded, &sink, NULL)) {
		print_diags(&sink);
		fail_msg(STR_FMT ": its preset is refused", STR_ARG(place->path));
	}
	json_decref(json);
	return true;
}

static void every_preset_is_a_valid_value(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 64 << 20, 0);
	for (int i = 0; i < KIND__COUNT; i++)
		schema_walk(kind_infos[i].schema, &arena, check_preset, &arena);
	schema_walk(&schema_static_config, &arena, check_preset, &arena);
	arena_done(&arena);
}

static const char *crd_type(const struct field *field)
{
	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
	case FIELD_OPT_BOOL:
		return "boolean";
	case FIELD_INT:
	case FIELD_OPT_INT:
		return "integer";
	case FIELD_STR:
		return "string";
	case FIELD_STRS:
	case FIELD_LIST:
		return "array";
	case FIELD_DURATION:
	case FIELD_INT_OR_STR:
		return "int-or-string";
	default:
		return "object";
	}
}

static void check_crd_line(const char *kind_name, const char *path, const char *type,
			   const char *required, const char *choices, const char *min)
{
	enum kind kind = kind_find(str_of(kind_name));
	const struct field *field;
	int64_t number;

	assert_int_not_equal(kind, KIND__COUNT);
	field = schema_find(kind_infos[kind].schema, str_of(path));
	if (!field)
		fail_msg("%s has no %s", kind_name, path);
	/* Traefik parses this one string as a duration. */
	if (strcmp(crd_type(field), type) != 0 && !strstr(path, "flushInterval"))
		fail_msg("%s %s is %s, not %s", kind_name, path, type, crd_type(field));
	if (strcmp(required, "required") == 0 && !field->required)
		fail_msg("%s %s is required", kind_name, path);
	if (strcmp(choices, "-") != 0 && (!field->choices || strcmp(choices, field->choices) != 0))
		fail_msg("%s %s has the choices %s", kind_name, path, choices);
	if (strcmp(min, "-") != 0) {
		assert_int_equal(num_int64(str_of(min), &number), 0);
		if ((!field->min && !field->max) || field->min < number)
			fail_msg("%s %s has the minimum %s", kind_name, path, min);
	}
}

static void every_field_of_traefiks_crds_is_known(void **state)
{
	FILE *file = fopen("tests/unit/model/data/crd_paths.txt", "r");
	char line[1024];
	size_t n = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *at = line, *words[7];

		if (line[0] == '#')
			continue;
		line[strcspn(line, "\n")] = '\0';
		for (int i = 0; i < 7; i++) {
			words[i] = strsep(&at, " ");
			assert_non_null(words[i]);
		}
		check_crd_line(words[0], words[1], words[2], words[3], words[4], words[5]);
		n++;
	}
	fclose(file);
	assert_true(n > 500);
}

static void kinds_are_found_by_name(void **state)
{
	(void)state;
	assert_int_equal(kind_find(STR("Secret")), KIND_SECRET);
	assert_int_equal(kind_find(STR("secret")), KIND__COUNT);
	assert_int_equal(kind_find(STR("")), KIND__COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_documented_and_consistent),
		cmocka_unit_test(every_preset_is_a_valid_value),
		cmocka_unit_test(every_field_of_traefiks_crds_is_known),
		cmocka_unit_test(kinds_are_found_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
