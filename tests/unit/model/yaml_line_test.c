// SPDX-License-Identifier: Apache-2.0
/* yaml_line_test: the line of a field, or of the nearest thing around it. */
#include "model_help.h"

#include "model/yaml_json.h"

static void a_field_is_found_or_what_is_around_it(void **state)
{
	static const char text[] = "# a comment\n"	 /* 1 */
				   "kind: A\n"		 /* 2 */
				   "spec:\n"		 /* 3 */
				   "  routes:\n"	 /* 4 */
				   "  - match: x\n"	 /* 5 */
				   "    services: [{\n"	 /* 6 */
				   "      name: a}, {\n" /* 7 */
				   "      name: b}]\n"	 /* 8 */
				   "  - match: y\n"	 /* 9 */
				   "  a.b: 1\n"		 /* 10 */
				   "---\n"		 /* 11 */
				   "kind: B\n"		 /* 12 */
				   "spec: {x: 1,\n"	 /* 13 */
				   "  y: 2}\n";		 /* 14 */
	static const struct {
		size_t document;
		const char *path;
		size_t line;
	} rows[] = {
		{2, "", 2},
		{2, "kind", 2},
		{2, "spec", 3},
		{2, "spec.routes", 4},
		{2, "spec.routes[0].match", 5},
		{2, "spec.routes[0].services[1].name", 8},
		{2, "spec.routes[1].match", 9},
		{2, "spec.routes[1].services", 9},
		{2, "spec.routes[7].match", 4},
		{2, "spec.a.b", 10},
		{2, "spec.nothing", 3},
		{2, "spec.routes[x]", 4},
		{2, "spec.routes[", 4},
		{12, "spec.y", 14},
		{12, "spec.z", 13},
		{12, "metadata", 12},
		{99, "spec", 99},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t line = yaml_json_line(str_of(text), rows[i].document, str_of(rows[i].path));

		if (line != rows[i].line)
			fail_msg("%s: %zu, not %zu", rows[i].path, line, rows[i].line);
	}
	assert_int_equal(yaml_json_line(STR("a: [\n"), 1, STR("a[3]")), 1);
	assert_int_equal(yaml_json_line(STR(""), 5, STR("a")), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_field_is_found_or_what_is_around_it)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
