// SPDX-License-Identifier: Apache-2.0
/* uri_test: targets in pieces, authorities, and percent encoding as rows. */

#include "http/uri.h"

#include <errno.h>

#include "check.h"
#include "guard.h"

struct target_row {
	const char *target;
	enum http_method method;
	enum fail fail;
	enum uri_form form;
	const char *scheme, *authority, *path, *query; /* query NULL: none */
};

/* clang-format off */
static const struct target_row target_rows[] = {
	{"/", METHOD_GET, FAIL_NONE, URI_ORIGIN, "", "", "/", NULL},
	{"/a/b?c", METHOD_GET, FAIL_NONE, URI_ORIGIN, "", "", "/a/b", "c"},
	{"/a?", METHOD_GET, FAIL_NONE, URI_ORIGIN, "", "", "/a", ""},
	{"/a?b?c", METHOD_GET, FAIL_NONE, URI_ORIGIN, "", "", "/a", "b?c"},
	{"//h/a", METHOD_GET, FAIL_NONE, URI_ORIGIN, "", "", "//h/a", NULL},
	{"http://h/a?b", METHOD_GET, FAIL_NONE, URI_ABSOLUTE, "http", "h", "/a", "b"},
	{"HTTPS://h:1", METHOD_GET, FAIL_NONE, URI_ABSOLUTE, "HTTPS", "h:1", "/", NULL},
	{"http://h?b/c", METHOD_GET, FAIL_NONE, URI_ABSOLUTE, "http", "h", "/", "b/c"},
	{"http://", METHOD_GET, FAIL_NONE, URI_ABSOLUTE, "http", "", "/", NULL},
	{"http://@/a", METHOD_GET, FAIL_NONE, URI_ABSOLUTE, "http", "", "/a", NULL},
	{"http://[::1]:8/a", METHOD_GET, FAIL_NONE, URI_ABSOLUTE, "http", "[::1]:8", "/a", NULL},
	{"*", METHOD_OPTIONS, FAIL_NONE, URI_ASTERISK, "", "", "*", NULL},
	{"*", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"*a", METHOD_OPTIONS, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"a", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"?a", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"http:/a", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"http:a", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"ws://h/", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"/a b", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"/a\n", METHOD_GET, FAIL_TARGET_BAD, 0, "", "", "", NULL},
	{"/a#b", METHOD_GET, FAIL_FRAGMENT, 0, "", "", "", NULL},
	{"http://h/#", METHOD_GET, FAIL_FRAGMENT, 0, "", "", "", NULL},
	{"http://u@h/", METHOD_GET, FAIL_HOST_BAD, 0, "", "", "", NULL},
	{"http://u:p@h/", METHOD_GET, FAIL_HOST_BAD, 0, "", "", "", NULL},
	{"http://:80/", METHOD_GET, FAIL_HOST_BAD, 0, "", "", "", NULL},
	{"http://h:x/", METHOD_GET, FAIL_HOST_BAD, 0, "", "", "", NULL},
	{"http://h\\a/", METHOD_GET, FAIL_HOST_BAD, 0, "", "", "", NULL},
};
/* clang-format on */

static void targets_fall_into_their_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(target_rows); i++) {
		const struct target_row *row = &target_rows[i];
		struct str target = guard_copy(str_of(row->target));
		struct uri uri;

		CHECK_INT(row->target, uri_parse(target, row->method, &uri), row->fail);
		if (row->fail == FAIL_NONE) {
			CHECK_INT(row->target, uri.form, row->form);
			CHECK_STR(row->target, uri.scheme, str_of(row->scheme));
			CHECK_STR(row->target, uri.authority, str_of(row->authority));
			CHECK_STR(row->target, uri.path, str_of(row->path));
			CHECK_INT(row->target, uri.has_query, row->query != NULL);
			CHECK_STR(row->target, uri.query, str_of(row->query));
		}
		guard_free(target);
	}
}

static void authorities_fall_into_host_and_port(void **state)
{
	static const struct {
		const char *text, *host, *port; /* host NULL: refused */
	} rows[] = {
		{"", "", ""},
		{"h", "h", ""},
		{"h:", "h", ""},
		{"h:80", "h", "80"},
		{"H.x", "H.x", ""},
		{"[::1]", "::1", ""},
		{"[::1]:9", "::1", "9"},
		{"1.2.3.4:65535", "1.2.3.4", "65535"},
		{"h:65536", NULL, ""},
		{"h:123456", NULL, ""},
		{"h:8a", NULL, ""},
		{"::1", NULL, ""},
		{"[::1", NULL, ""},
		{"[]", NULL, ""},
		{"[::1]:", "::1", ""},
		{"[::1]9", NULL, ""},
		{"[v1.a]", NULL, ""},
		{"a,b", NULL, ""},
		{"a%20b", NULL, ""},
		{"a/b", NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = guard_copy(str_of(rows[i].text)), host, port;
		bool is_good = uri_split_authority(text, &host, &port);

		CHECK_INT(rows[i].text, is_good, rows[i].host != NULL);
		if (is_good) {
			CHECK_STR(rows[i].text, host, str_of(rows[i].host));
			CHECK_STR(rows[i].text, port, str_of(rows[i].port));
		}
		guard_free(text);
	}
}

static void escapes_are_decoded_strictly(void **state)
{
	static const struct {
		const char *text, *plain, *as_query; /* NULL: refused */
	} rows[] = {
		{"", "", ""},		{"abc", "abc", "abc"},	{"a+b", "a+b", "a b"},
		{"%41%7e", "A~", "A~"}, {"%2f%2F", "//", "//"}, {"a%20b+c", "a b+c", "a b c"},
		{"%", NULL, NULL},	{"%4", NULL, NULL},	{"%zz", NULL, NULL},
		{"a%4g", NULL, NULL},	{"%%41", NULL, NULL},	{"+", "+", " "},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 65536, 0);
	for (size_t i = 0; i < ROWS(rows) * 2; i++) {
		struct str text = guard_copy(str_of(rows[i / 2].text)), decoded;
		const char *wanted = i % 2 ? rows[i / 2].as_query : rows[i / 2].plain;

		CHECK_INT(rows[i / 2].text, uri_decode(text, i % 2, &arena, &decoded),
			  wanted ? 0 : -EINVAL);
		if (wanted)
			CHECK_STR(rows[i / 2].text, decoded, str_of(wanted));
		guard_free(text);
	}
	arena_done(&arena);
	arena_init(&arena, 0, 0);
	assert_int_equal(uri_decode(STR("%41"), false, &arena, &(struct str){0}), -ENOMEM);
	arena_done(&arena);
}

static void encoding_is_gos(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 65536, 0);
	CHECK_STR("query", uri_encode_query(STR("a b&c=d/\xc3\xa9~-._"), &arena),
		  STR("a+b%26c%3Dd%2F%C3%A9~-._"));
	CHECK_STR("path", uri_encode_path(STR("/a b?c=d;e:@%!"), &arena),
		  STR("/a%20b%3Fc=d;e:@%25%21"));
	CHECK_STR("NUL", uri_encode_path(STR("/\0"), &arena), STR("/%00"));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_fall_into_their_pieces),
		cmocka_unit_test(authorities_fall_into_host_and_port),
		cmocka_unit_test(escapes_are_decoded_strictly),
		cmocka_unit_test(encoding_is_gos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
