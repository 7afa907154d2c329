// SPDX-License-Identifier: Apache-2.0
/* schema_format_test: what each format takes and refuses. */
#include "model_help.h"

#include "model/schema_format.h"

static void formats_take_and_refuse(void **state)
{
	static const struct {
		const char *format, *text;
		bool ok;
	} rows[] = {
		{"cidr", "10.0.0.0/8", true},
		{"cidr", " ::1 ", true},
		{"cidr", "10.0.0.0/33", false},
		{"cidr", "010.0.0.1", false},
		{"regex", "^a+$", true},
		{"regex", "(?=a)", false},
		{"path", "/", true},
		{"path", "a", false},
		{"path", "/a\nb", false},
		{"url", "http://a/b", true},
		{"url", "//a", false},
		{"url", "http://", false},
		{"duration", "1m30s", true},
		{"duration", "5 s", false},
		{"address", ":80", true},
		{"address", "80", false},
		{"status", "404", true},
		{"status", "500-599,404", true},
		{"status", "99", false},
		{"status", "599-500", false},
		{"status", "a", false},
		{"status", "404,", false},
		{"name", "a.b-c", true},
		{"name", "A", false},
		{"name", "-a", false},
		{"name", "a..b", false},
		{"namespace", "a-b", true},
		{"namespace", "a.b", false},
		{"reference", "a", true},
		{"reference", "api@internal", true},
		{"reference", "a@", false},
		{"reference", "@b", false},
		{"reference", "a b", false},
		{"token", "X-A_b", true},
		{"token", "X A", false},
		{"token", "X:", false},
		{"value", "a\tb \xc3\xa9", true},
		{"value", "a\r\n", false},
		{"value", "a\x7f", false},
		{"reason", "NodeFault", true},
		{"reason", "1x", false},
		{"reason", "a b", false},
		{"date-time", "2026-11-22T19:06:29Z", true},
		{"date-time", "yesterday", false},
		{"cookie", "/a", true},
		{"cookie", "/; Secure", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct schema_format *format = schema_format_find(rows[i].format);

		assert_non_null(format);
		if (format->ok(str_of(rows[i].text)) != rows[i].ok)
			fail_msg("%s: %s", rows[i].format, rows[i].text);
	}
	assert_null(schema_format_find("no such format"));
}

static void names_are_bounded(void **state)
{
	char text[260];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(schema_format_is_label(str_n(text, 63)));
	assert_false(schema_format_is_label(str_n(text, 64)));
	assert_true(schema_format_is_subdomain(str_n(text, 253)));
	assert_false(schema_format_is_subdomain(str_n(text, 254)));
	assert_false(schema_format_is_label(STR("")));
	assert_false(schema_format_is_subdomain(STR("")));
	assert_false(schema_format_is_token(STR("")));
	assert_true(schema_format_is_header_value(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_take_and_refuse),
		cmocka_unit_test(names_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
