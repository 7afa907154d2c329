// SPDX-License-Identifier: Apache-2.0
/* toml_json_test: TOML and the JSON that it means; what is wrong where. */
#include "model_help.h"

#include "model/toml_json.h"

static void texts_become_json(void **state)
{
	static const struct {
		const char *toml, *json;
	} rows[] = {
		{"", "{}"},
		{"a = 1", "{'a':1}"},
		{"a.b = \"x\"", "{'a':{'b':'x'}}"},
		{"[t]\nx = true\n[t.u]\ny = 1.5", "{'t':{'x':true,'u':{'y':1.5}}}"},
		{"[[l]]\na = 1\n[[l]]\na = 2", "{'l':[{'a':1},{'a':2}]}"},
		{"a = [\"x\", 'y']", "{'a':['x','y']}"},
		{"a = 2020-01-02", "{'a':'2020-01-02'}"},
		{"a = 07:30:00", "{'a':'07:30:00'}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *want = json_of(rows[i].json);
		struct toml_json toml;

		assert_int_equal(toml_json_load(&toml, str_of(rows[i].toml)), 0);
		if (!json_equal(toml.json, want))
			fail_msg("%s", rows[i].toml);
		json_decref(toml.json);
		json_decref(want);
	}
}

static void faults_have_a_line(void **state)
{
	struct toml_json toml;

	(void)state;
	assert_true(toml_json_load(&toml, STR("a = 1\nb = [\n")) < 0);
	assert_null(toml.json);
	assert_true(toml.message[0] && toml.line >= 2);
	assert_true(toml_json_load(&toml, STR("a = 1\na = 2\n")) < 0);
}

static void depth_is_bounded(void **state)
{
	static char text[20000] = "a = ";
	struct toml_json toml;

	(void)state;
	memset(text + 4, '[', sizeof(text) - 5);
	assert_true(toml_json_load(&toml, str_of(text)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_json),
		cmocka_unit_test(faults_have_a_line),
		cmocka_unit_test(depth_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
