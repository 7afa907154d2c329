// SPDX-License-Identifier: Apache-2.0
/* tls_name_test: canonical server names. */

#include "tls_lab.h"

#include "tls/tls_name.h"

static void names_become_canonical(void **state)
{
	static const struct {
		struct str in;
		const char *out; /* NULL: refused */
	} rows[] = {
		{STR("a.test"), "a.test"}, {STR("A.TeSt"), "a.test"}, {STR("a.test."), "a.test"},
		{STR("_sip.a"), "_sip.a"}, {STR(""), NULL},	      {STR("."), NULL},
		{STR("a b"), NULL},	   {STR("a\0b"), NULL},	      {STR("a\x80"), NULL},
		{STR("a\n"), NULL},
	};
	char out[TLS_NAME_MAX];
	struct str name;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool ok = tls_name_canonical(rows[i].in, out, &name);

		assert_int_equal(ok, rows[i].out != NULL);
		if (ok)
			assert_true(str_eq(name, str_of(rows[i].out)));
	}
}

static void a_name_of_255_bytes_is_the_longest(void **state)
{
	char in[256], out[TLS_NAME_MAX];
	struct str name;

	(void)state;
	memset(in, 'a', sizeof(in));
	assert_true(tls_name_canonical(str_n(in, 255), out, &name));
	assert_false(tls_name_canonical(str_n(in, 256), out, &name));
}

static void a_wildcard_stands_for_one_label(void **state)
{
	char out[TLS_NAME_MAX + 1];
	struct str name;

	(void)state;
	assert_true(tls_name_wildcard(STR("x.a.b"), out, &name));
	assert_true(str_eq(name, STR("*.a.b")));
	assert_false(tls_name_wildcard(STR("local"), out, &name));
	assert_false(tls_name_wildcard(STR(".a"), out, &name));
}

static void only_one_host_name_is_taken_from_the_extension(void **state)
{
	static const struct {
		struct str body;
		bool ok;
	} rows[] = {
		{STR("\0\6\0\0\3abc"), true},
		{STR("\0\6\0\0\3ab"), false},		 /* cut */
		{STR("\0\6\1\0\3abc"), false},		 /* other type */
		{STR("\0\3\0\0\0"), false},		 /* empty */
		{STR("\0\6\0\0\2abc"), false},		 /* bytes left over */
		{STR("\0\14\0\0\3abc\0\0\3def"), false}, /* two names */
		{STR(""), false},
	};
	struct str name;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(tls_name_of_extension(rows[i].body, &name), rows[i].ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_canonical),
		cmocka_unit_test(a_name_of_255_bytes_is_the_longest),
		cmocka_unit_test(a_wildcard_stands_for_one_label),
		cmocka_unit_test(only_one_host_name_is_taken_from_the_extension),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
