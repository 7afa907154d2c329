// SPDX-License-Identifier: Apache-2.0
/* kube_json_test: what an API server takes is never called nonsense. */
#include "source/kube_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

static void what_jansson_refuses_is_said_otherwise(void **state)
{
	static const struct {
		const char *name, *text, *expected;
	} rows[] = {
		{"plain", "{\"a\":[1,-2,\"x\"]}", "{\"a\":[1,-2,\"x\"]}"},
		{"NUL", "{\"a\":\"x\\u0000y\"}", "{\"a\":\"x\\uFFFDy\"}"},
		{"NUL in a key", "{\"a\\u0000\":1}", "{\"a\\uFFFD\":1}"},
		{"an escaped backslash before it", "{\"a\":\"\\\\u0000\\u0000\"}",
		 "{\"a\":\"\\\\u0000\\uFFFD\"}"},
		{"a quote before it", "{\"a\":\"\\\"\\u0000\"}", "{\"a\":\"\\\"\\uFFFD\"}"},
		{"a big integer", "{\"a\":[123456789012345678901,-9223372036854775809,7]}",
		 "{\"a\":[1.2345678901234568e20,-9.2233720368547758e18,7]}"},
		{"big ones in strings", "{\"a\":\"123456789012345678901\",\"b\":\"\\u0000\"}",
		 "{\"a\":\"123456789012345678901\",\"b\":\"\\uFFFD\"}"},
		{"the greatest", "{\"a\":9223372036854775807,\"b\":\"\\u0000\"}",
		 "{\"a\":9223372036854775807,\"b\":\"\\uFFFD\"}"},
		{"reals", "{\"a\":[1.5,1e3,-0.25],\"b\":\"\\u0000\"}",
		 "{\"a\":[1.5,1000.0,-0.25],\"b\":\"\\uFFFD\"}"},
		{"no JSON", "{\"a\":\"\\u0000\",}", NULL},
		{"cut off", "{\"a\":\"\\u0000", NULL},
		{"cut off in an escape", "{\"a\":\"\\u0000\\", NULL},
		{"a raw control character", "{\"a\":\"\n\"}", NULL},
		{"nothing", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* Of its own memory, so that reading past its end is seen. */
		size_t len = strlen(rows[i].text);
		char *copy = malloc(len + 1);
		json_t *expected = rows[i].expected ? json_loads(rows[i].expected, 0, NULL) : NULL;

		memcpy(copy, rows[i].text, len);
		json_t *json = kube_json_load(str_n(copy, len));

		if (json_equal(json, expected) != (expected != NULL) || !json != !expected)
			fail_msg("%s", rows[i].name);
		json_decref(json);
		json_decref(expected);
		free(copy);
	}
}

static void what_is_nested_too_deep_becomes_null(void **state)
{
	struct buf text;
	json_t *json;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_add(&text, STR("{\"a\":1,\"deep\":"));
	for (int i = 0; i < 5000; i++)
		buf_add(&text, i % 2 ? STR("[\"]\",") : STR("{\"}\":"));
	buf_add(&text, STR("7"));
	for (int i = 4999; i >= 0; i--)
		buf_add_char(&text, i % 2 ? ']' : '}');
	buf_add(&text, STR(",\"b\":2}"));
	json = kube_json_load(buf_str(&text));
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "a")), 1);
	assert_int_equal(json_integer_value(json_object_get(json, "b")), 2);
	assert_true(json_is_object(json_object_get(json, "deep")));
	json_decref(json);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_jansson_refuses_is_said_otherwise),
		cmocka_unit_test(what_is_nested_too_deep_becomes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
