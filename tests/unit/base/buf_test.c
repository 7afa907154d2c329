// SPDX-License-Identifier: Apache-2.0
/* buf: growth, its maximum, and JSON escapes. */

#include "base/buf.h"
#include "check.h"

static void text_grows_and_ends_with_a_nul(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 1 << 20);
	CHECK_STR("empty", buf_str(&buf), STR(""));
	for (int i = 0; i < 1000; i++)
		buf_addf(&buf, "%04d,", i);
	buf_add_char(&buf, '!');
	assert_false(buf.failed);
	assert_int_equal(buf.len, 5001);
	assert_int_equal(buf.at[5001], 0);
	CHECK_STR("start", str_take(buf_str(&buf), 10), STR("0000,0001,"));
	buf_clear(&buf);
	CHECK_STR("cleared", buf_str(&buf), STR(""));
	buf_add(&buf, (struct str){0});
	CHECK_STR("nothing added", buf_str(&buf), STR(""));
	buf_done(&buf);
	buf_done(&buf);
	buf_done(NULL);
}

static void the_maximum_is_exact_and_failure_sticks(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	buf_add(&buf, STR("0123456789"));
	assert_false(buf.failed);
	buf_add(&buf, STR("x"));
	assert_true(buf.failed);
	buf_clear(&buf);
	buf_add(&buf, STR("01234567"));
	buf_addf(&buf, "%s", "too long");
	assert_true(buf.failed);
	/* The rest is dropped, even what would fit. */
	buf_add(&buf, STR("8"));
	CHECK_STR("kept", buf_str(&buf), STR("01234567"));
	buf_done(&buf);
	buf_init(&buf, 0);
	buf_add(&buf, STR("x"));
	assert_true(buf.failed);
	CHECK_STR("none", buf_str(&buf), STR(""));
	buf_done(&buf);
}

static void json_text_cannot_leave_its_quotes(void **state)
{
	static const struct {
		const char *name;
		struct str text, escaped;
	} rows[] = {
		{"plain", STR("abc"), STR("abc")},
		{"quote", STR("a\"b"), STR("a\\\"b")},
		{"backslash", STR("a\\"), STR("a\\\\")},
		{"line end", STR("a\r\n\t"), STR("a\\r\\n\\t")},
		{"control", STR("\x01\x7f"), STR("\\u0001\\u007f")},
		{"nul", STR("a\0b"), STR("a\\u0000b")},
		{"utf-8", STR("\xe2\x82\xac"), STR("\xe2\x82\xac")},
		{"not utf-8",
		 STR("\xff"
		     "a"),
		 STR("\\ufffda")},
		{"cut utf-8", STR("\xe2\x82"), STR("\\ufffd\\ufffd")},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct buf buf;

		buf_init(&buf, 1000);
		buf_add_json(&buf, rows[i].text);
		CHECK_STR(rows[i].name, buf_str(&buf), rows[i].escaped);
		buf_done(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_grows_and_ends_with_a_nul),
		cmocka_unit_test(the_maximum_is_exact_and_failure_sticks),
		cmocka_unit_test(json_text_cannot_leave_its_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
