// SPDX-License-Identifier: Apache-2.0
/* kube_status_text_test: what an API server answers instead of objects. */
#include "source/kube_status_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void a_status_is_understood_and_anything_else_is_its_own_message(void **state)
{
	struct kube_status status;

	(void)state;
	kube_status_text_parse(
		STR("{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"Timeout: Too large "
		    "resource version: 9, current: "
		    "2\",\"reason\":\"Timeout\",\"details\":{\"causes\":"
		    "[{\"reason\":\"ResourceVersionTooLarge\",\"message\":\"x\"}],"
		    "\"retryAfterSeconds\":1},\"code\":504}"),
		&status);
	assert_int_equal(status.code, 504);
	assert_string_equal(status.reason, "Timeout");
	assert_true(status.is_version_ahead);
	kube_status_text_parse(STR("404 page not found\n"), &status);
	assert_int_equal(status.code, 0);
	assert_string_equal(status.message, "404 page not found");
	kube_status_text_parse(STR("a\x01\r\nb\x7f"), &status);
	assert_string_equal(status.message, "a   b");
	kube_status_text_parse((struct str){0}, &status);
	assert_string_equal(status.message, "");
	kube_status_text_parse(STR("{\"code\":\"x\",\"message\":7,\"details\":[]}"), &status);
	assert_int_equal(status.code, 0);
}

static void a_namespace_that_ends_is_told_from_a_missing_rule(void **state)
{
	struct kube_status status;

	(void)state;
	kube_status_text_parse(
		STR("{\"reason\":\"Forbidden\",\"details\":{\"causes\":[{\"reason\":"
		    "\"NamespaceTerminating\",\"message\":\"namespace a is being terminated\","
		    "\"field\":\"metadata.namespace\"}]},\"code\":403}"),
		&status);
	assert_true(status.is_namespace_ending);
	kube_status_text_parse(STR("{\"reason\":\"Forbidden\",\"code\":403}"), &status);
	assert_false(status.is_namespace_ending);
}

static void a_text_is_cut_between_characters_and_always_json(void **state)
{
	const struct {
		const char *text;
		size_t max;
		const char *expected;
	} rows[] = {
		{"plain", 100, "plain"},	{"plain", 3, "pla"},	   {"a\xc3\xa9z", 2, "a"},
		{"a\xc3\xa9z", 3, "a\xc3\xa9"}, {"a\xff\xfez", 9, "a??z"}, {"", 9, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *json = kube_status_text_json(str_of(rows[i].text), rows[i].max);

		assert_string_equal(json_string_value(json), rows[i].expected);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_is_understood_and_anything_else_is_its_own_message),
		cmocka_unit_test(a_namespace_that_ends_is_told_from_a_missing_rule),
		cmocka_unit_test(a_text_is_cut_between_characters_and_always_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
