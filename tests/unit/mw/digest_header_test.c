// SPDX-License-Identifier: Apache-2.0
/* digest_header_test: RFC 7616 3.4, RFC 9110 11.2 and 5.6.1. */

#include "mw_lab.h"

#include "mw/digest_header.h"

static const struct {
	const char *name, *value;
	int result;
	const char *username, *uri, *nc; /* NULL: absent */
} rows[] = {
	{"quoted", "Digest username=\"ann\", uri=\"/a?b=c\", nc=00000001", 0, "ann", "/a?b=c",
	 "00000001"},
	{"nc quoted, as some clients do", "Digest nc=\"00000001\"", 0, NULL, NULL, "00000001"},
	{"uri without quotes", "Digest uri=/a/b?c=d,nc=1", 0, NULL, "/a/b?c=d", "1"},
	{"comma inside quotes", "Digest username=\"a,b\",nc=1", 0, "a,b", NULL, "1"},
	{"escaped quote", "Digest username=\"a\\\"b\\\\c\"", 0, "a\"b\\c", NULL, NULL},
	{"empty value", "Digest username=\"\"", 0, "", NULL, NULL},
	{"blanks everywhere", "Digest   username = \"ann\" ,\t uri\t=\t\"/\"  ", 0, "ann", "/",
	 NULL},
	{"empty members", "Digest ,, username=\"ann\",,", 0, "ann", NULL, NULL},
	{"names in any case", "digest UserName=\"ann\", URI=\"/\"", 0, "ann", "/", NULL},
	{"unknown parameters", "Digest x=y, userhash=false, username=\"ann\"", 0, "ann", NULL,
	 NULL},
	{"nothing", "Digest ", 0, NULL, NULL, NULL},
	{"no blank", "Digest", -EINVAL, NULL, NULL, NULL},
	{"another scheme", "Basic YTpi", -ENOENT, NULL, NULL, NULL},
	{"a longer scheme", "Digestive x=y", -ENOENT, NULL, NULL, NULL},
	{"no scheme", "", -ENOENT, NULL, NULL, NULL},
	{"twice", "Digest username=\"ann\", username=\"bob\"", -EINVAL, NULL, NULL, NULL},
	{"no end quote", "Digest username=\"ann", -EINVAL, NULL, NULL, NULL},
	{"escape at the end", "Digest username=\"ann\\\"", -EINVAL, NULL, NULL, NULL},
	{"no value", "Digest username=", -EINVAL, NULL, NULL, NULL},
	{"no equals sign", "Digest username", -EINVAL, NULL, NULL, NULL},
	{"no name", "Digest =\"ann\"", -EINVAL, NULL, NULL, NULL},
	{"something behind a value", "Digest username=\"ann\" x", -EINVAL, NULL, NULL, NULL},
	{"quotes inside a token", "Digest username=a\"b\"", -EINVAL, NULL, NULL, NULL},
};

static void check(struct str got, const char *expected)
{
	if (expected)
		lab_assert_str(got, expected);
	else
		assert_null(got.at);
}

static void parameters_are_found_however_they_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct digest_header header;
		struct arena arena;

		print_message("  %s\n", rows[i].name);
		arena_init(&arena, 1 << 16, 0);
		assert_int_equal(digest_header_parse(str_of(rows[i].value), &arena, &header),
				 rows[i].result);
		if (rows[i].result == 0) {
			check(header.username, rows[i].username);
			check(header.uri, rows[i].uri);
			check(header.nc, rows[i].nc);
		}
		arena_done(&arena);
	}
}

static void all_parameters_have_a_place(void **state)
{
	struct digest_header header;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	assert_int_equal(digest_header_parse(
				 STR("Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", "
				     "response=\"x\", algorithm=MD5, cnonce=\"c\", opaque=\"o\", "
				     "qop=auth, nc=1"),
				 &arena, &header),
			 0);
	lab_assert_str(header.realm, "r");
	lab_assert_str(header.nonce, "n");
	lab_assert_str(header.response, "x");
	lab_assert_str(header.algorithm, "MD5");
	lab_assert_str(header.cnonce, "c");
	lab_assert_str(header.opaque, "o");
	lab_assert_str(header.qop, "auth");
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_found_however_they_are_written),
		cmocka_unit_test(all_parameters_have_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
