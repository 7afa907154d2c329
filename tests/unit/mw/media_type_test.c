// SPDX-License-Identifier: Apache-2.0
/* media_type_test: rows that Go's mime.ParseMediaType has in its own tests, and others. */

#include "mw/media_type.h"
#include "mw_lab.h"

static void types_are_read_as_go_reads_them(void **state)
{
	static const struct {
		const char *value, *type;
		bool ok;
	} rows[] = {
		{"text/html", "text/html", true},
		{" text/html ", "text/html", true},
		{"Text/HTML; Charset=UTF-8", "Text/HTML", true},
		{"text/html;", "text/html", true},
		{"text/html ; ", "text/html", true},
		{"form-data", "form-data", true},
		{"text/html; charset=\"a;b\"; x=y", "text/html", true},
		{"text/html; charset=\"a\\\"b\"", "text/html", true},
		{"text/html; charset", "text/html", false},
		{"text/html; =x", "text/html", false},
		{"text/html; charset=", "text/html", false},
		{"text/html; charset=\"open", "text/html", false},
		{"text/html; charset=a b", "text/html", false},
		{"", "", false},
		{";", "", false},
		{"/html", "", false},
		{"text/", "", false},
		{"text/html/x", "", false},
		{"text html", "", false},
		{"te(xt/html", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str type;
		bool ok = media_type_parse(str_of(rows[i].value), &type);

		if (ok != rows[i].ok || !str_eq(type, str_of(rows[i].type)))
			fail_msg("\"%s\": %d \"%.*s\"", rows[i].value, ok, STR_ARG(type));
	}
}

static void lists_are_compared_without_case(void **state)
{
	struct str at[] = {{"Text/HTML; charset=x", sizeof("Text/HTML; charset=x") - 1},
			   {"a/b", sizeof("a/b") - 1}};
	struct strs types = {at, 2}, list;
	struct mw_prepare prepare = {0};
	struct diag_sink sink;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	diag_init(&sink, &arena);
	prepare.arena = &arena;
	prepare.sink = &sink;
	assert_int_equal(media_type_prepare(&prepare, &types, NULL, &list), 0);
	assert_true(media_type_in(STR("TEXT/html"), &list));
	assert_true(media_type_in(STR("a/b"), &list));
	assert_false(media_type_in(STR("a/c"), &list));
	at[1] = STR("a//b");
	assert_int_equal(media_type_prepare(&prepare, &types, NULL, &list), -EINVAL);
	assert_int_equal(sink.n, 1);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_read_as_go_reads_them),
		cmocka_unit_test(lists_are_compared_without_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
