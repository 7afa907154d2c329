// SPDX-License-Identifier: Apache-2.0
/* yaml_scalar_test: plain scalars mean what they mean to Kubernetes' tools. */
#include "model_help.h"

#include "model/yaml_json.h"

static void scalars_mean_what_they_mean_to_kubernetes(void **state)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{"", "null"},
		{"~", "null"},
		{"null", "null"},
		{"nULL", "\"nULL\""},
		{"true", "true"},
		{"Yes", "true"},
		{"on", "true"},
		{"y", "\"y\""},
		{"off", "false"},
		{"No", "false"},
		{"n", "\"n\""},
		{"yES", "\"yES\""},
		{"0", "0"},
		{"-1", "-1"},
		{"+12", "12"},
		{"1_000", "1000"},
		{"0x1F", "31"},
		{"0b101", "5"},
		{"0o17", "15"},
		{"0644", "420"},
		{"08", "8"},
		{"1.5", "1.5"},
		{"1.", "1"},
		{".5", "0.5"},
		{"1e3", "1000"},
		{"1e", "\"1e\""},
		{"-", "\"-\""},
		{".", "\".\""},
		{"+", "\"+\""},
		{"0x", "\"0x\""},
		{"1 2", "\"1 2\""},
		{"10s", "\"10s\""},
		{"1.2.3", "\"1.2.3\""},
		{"10.0.0.1", "\"10.0.0.1\""},
		{"2024-05-01", "\"2024-05-01\""},
		{"2024-05-01T10:00:00Z", "\"2024-05-01T10:00:00Z\""},
		{"9223372036854775807", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"9223372036854775808", "9.2233720368547758e18"},
		{".inf", "\".inf\""}, /* JSON has no such number */
		{"<<", "\"<<\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *json = yaml_json_scalar(str_of(rows[i].text));
		char *text = json_dumps(json, JSON_ENCODE_ANY);

		if (!text || strcmp(text, rows[i].json) != 0)
			fail_msg("%s is %s, not %s", rows[i].text, text, rows[i].json);
		free(text);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_mean_what_they_mean_to_kubernetes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
