// SPDX-License-Identifier: Apache-2.0
/*
 * static_unsupported_rows_test: every static option of Traefik (data/static_options.txt) is either
 * in our tables or in this list, never in both, and our defaults are Traefik's unless a row says
 * that they differ.
 */
#include "model_help.h"

#include <stdio.h>

#include "base/num.h"
#include "model/schema_walk.h"
#include "model/static_config.h"
#include "model/static_unsupported.h"

static bool is_listed(struct str path)
{
	for (size_t i = 0; i < static_unsupported_count; i++)
		if (str_eq(str_of(static_unsupported_rows[i].path), path))
			return true;
	return false;
}

/* 60 seconds is 60s; "a, b" is a list. */
static bool same_value(const struct field *field, const char *ours, const char *theirs)
{
	int64_t a, b;
	double x, y;

	if (strcmp(ours, theirs) == 0)
		return true;
	if (num_duration_ns(str_of(ours), true, &a) == 0 &&
	    num_duration_ns(str_of(theirs), true, &b) == 0)
		return a == b;
	if (field->type == FIELD_STRS) {
		struct str rest = str_of(ours), other = str_of(theirs), p, q;

		while (str_next(&rest, ',', &p))
			if (!str_next(&other, ',', &q) || num_double(str_trim(p), &x) ||
			    num_double(str_trim(q), &y) || x != y)
				return false;
		return other.at == NULL;
	}
	return false;
}

static void check_default(const char *path, const struct field *field, const char *theirs)
{
	const char *ours = field->preset;

	if (field->sub || field->support == DIFFERS)
		return;
	if (!ours)
		ours = field->type == FIELD_BOOL ? "false" : field->type == FIELD_INT ? "0" : "";
	if (!theirs[0] || same_value(field, ours, theirs))
		return;
	fail_msg("%s: our default is %s, Traefik's is %s", path, ours, theirs);
}

static void every_option_of_traefik_is_known_once(void **state)
{
	FILE *file = fopen("tests/unit/model/data/static_options.txt", "r");
	char line[1024];
	size_t n = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *preset = line, *path;
		const struct field *field;
		bool listed;

		if (line[0] == '#')
			continue;
		line[strcspn(line, "\n")] = '\0';
		path = strsep(&preset, "\t");
		field = schema_find(&schema_static_config, str_of(path));
		listed = is_listed(str_of(path));
		if (!field == !listed)
			fail_msg("%s is in %s", path, field ? "both lists" : "neither list");
		if (field)
			check_default(path, field, preset ? preset : "");
		n++;
	}
	fclose(file);
	assert_int_equal(n, 540);
}

static void the_rows_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < static_unsupported_count; i++)
		assert_true(strcmp(static_unsupported_rows[i - 1].path,
				   static_unsupported_rows[i].path) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_of_traefik_is_known_once),
		cmocka_unit_test(the_rows_are_sorted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
