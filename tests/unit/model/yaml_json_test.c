// SPDX-License-Identifier: Apache-2.0
/* yaml_json_test: texts become documents, or one fault with its place; hostile ones cost little. */
#include "model_help.h"

#include <stdio.h>

#include "model/yaml_json.h"

static void texts_become_documents(void **state)
{
	static const struct {
		const char *name, *text, *json; /* all documents, one line each */
	} rows[] = {
		{"nothing", "", ""},
		{"comments", "# a\n---\n# b\n", ""},
		{"two", "a: 1\n---\nb: [x, 'y', \"z\\n\"]\n",
		 "{\"a\":1}\n{\"b\":[\"x\",\"y\",\"z\\n\"]}\n"},
		{"end marks", "a: 1\n...\n---\nb: 2\n...\n", "{\"a\":1}\n{\"b\":2}\n"},
		{"block scalars", "a: |\n  x\n  y\nb: >-\n  x\n  y\n",
		 "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}\n"},
		{"quoted is text", "a: '1'\nb: \"yes\"\nc: !!str 5\n",
		 "{\"a\":\"1\",\"b\":\"yes\",\"c\":\"5\"}\n"},
		{"keys become text", "80: a\nyes: b\n", "{\"80\":\"a\",\"true\":\"b\"}\n"},
		{"tags", "a: !!int '5'\nb: !!bool on\n", "{\"a\":5,\"b\":true}\n"},
		{"aliases", "a: &x {k: 1}\nb: *x\nc: &y v\nd: *y\n",
		 "{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":\"v\",\"d\":\"v\"}\n"},
		{"merge", "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n",
		 "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":1,\"l\":3}}\n"},
		{"merge of several", "b: {<<: [{k: 1}, {k: 2, l: 3}]}\n",
		 "{\"b\":{\"k\":1,\"l\":3}}\n"},
		{"json in yaml", "{\"a\": {\"b\": [1, 2.5, null]}}",
		 "{\"a\":{\"b\":[1,2.5,null]}}\n"},
		{"byte order mark",
		 "\xef\xbb\xbf"
		 "a: 1\nb: 2\n",
		 "{\"a\":1,\"b\":2}\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct yaml_json yaml;
		char all[1024] = "";

		if (yaml_json_load(&yaml, str_of(rows[i].text), false))
			fail_msg("%s: %s", rows[i].name, yaml.message);
		for (size_t k = 0; k < yaml.n; k++) {
			char *text = json_dumps(yaml.at[k].json,
						JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

			strcat(strcat(all, text), "\n");
			free(text);
		}
		if (strcmp(all, rows[i].json) != 0)
			fail_msg("%s: %s", rows[i].name, all);
		yaml_json_done(&yaml);
	}
}

static void faults_have_a_place(void **state)
{
	static const struct {
		const char *name, *text;
		bool is_json;
		size_t line;
		const char *message;
	} rows[] = {
		{"open list", "a: 1\nb: [1,\n", false, 3, "flow"},
		{"tab", "a:\n\tb: 1\n", false, 2, "token"},
		{"key twice", "a: 1\nb: 2\na: 3\n", false, 3, "the key a is there twice"},
		{"unknown alias", "a: *x\n", false, 1, "unknown alias *x"},
		{"alias of itself", "a: &x [*x]\n", false, 1, "unknown alias"},
		{"alias of another document", "a: &x 1\n---\nb: *x\n", false, 3, "unknown alias"},
		{"tag", "a: !foo 1\n", false, 1, "unknown tag"},
		{"key that is a list", "? [a]\n: b\n", false, 1, "a key must be a word"},
		{"key that is nothing", "~: b\n", false, 1, "a key must be a word"},
		{"key with a NUL", "\"a\\0b\": 1\n", false, 1, "a key must be a word"},
		{"merge of nothing", "a: {<<: 5}\n", false, 1, "<< must stand"},
		{"not UTF-8", "a: \"\xff\"\n", false, 0, "UTF-8"},
		{"json", "{\"a\": 1,}\n", true, 1, "string or '}' expected"},
		{"second json", "{}\n{\n\"a\" 1}\n", true, 3, "':' expected"},
		{"json key twice", "{\"a\":1,\"a\":2}", true, 1, "duplicate"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct yaml_json yaml;

		if (yaml_json_load(&yaml, str_of(rows[i].text), rows[i].is_json) != -22 || yaml.n ||
		    !strstr(yaml.message, rows[i].message) ||
		    (rows[i].line && yaml.line != rows[i].line))
			fail_msg("%s: line %zu: %s", rows[i].name, yaml.line, yaml.message);
		yaml_json_done(&yaml);
	}
}

static void many_laughs_are_refused(void **state)
{
	struct yaml_json yaml;
	struct buf buf;

	(void)state;
	buf_init(&buf, 1 << 16);
	buf_add(&buf, STR("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"));
	for (int i = 1; i < 12; i++) {
		buf_addf(&buf, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_addf(&buf, "%s*a%d", k ? ", " : "", i - 1);
		buf_add(&buf, STR("]\n"));
	}
	assert_int_equal(yaml_json_load(&yaml, buf_str(&buf), false), -22);
	assert_non_null(strstr(yaml.message, "too large"));
	yaml_json_done(&yaml);
	buf_done(&buf);
}

static void depth_is_bounded(void **state)
{
	struct yaml_json yaml;
	char text[3000];

	(void)state;
	memset(text, '[', sizeof(text));
	assert_int_equal(yaml_json_load(&yaml, str_n(text, sizeof(text)), false), -22);
	yaml_json_done(&yaml);
	assert_int_equal(yaml_json_load(&yaml, str_n(text, sizeof(text)), true), -22);
	yaml_json_done(&yaml);
}

static void documents_know_their_lines(void **state)
{
	struct yaml_json yaml;

	(void)state;
	assert_int_equal(yaml_json_load(&yaml, STR("# x\na: 1\n---\n\nb: 1\n---\nc: 1\n"), false),
			 0);
	assert_int_equal(yaml.n, 3);
	assert_int_equal(yaml.at[0].line, 2);
	assert_int_equal(yaml.at[1].line, 5);
	assert_int_equal(yaml.at[2].line, 7);
	yaml_json_done(&yaml);
	assert_int_equal(yaml_json_load(&yaml, STR("\n{}\n\n{\"a\":\n1}"), true), 0);
	assert_int_equal(yaml.at[0].line, 2);
	assert_int_equal(yaml.at[1].line, 4);
	yaml_json_done(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_documents),     cmocka_unit_test(faults_have_a_place),
		cmocka_unit_test(many_laughs_are_refused),    cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(documents_know_their_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
