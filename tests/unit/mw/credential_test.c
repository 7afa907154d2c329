// SPDX-License-Identifier: Apache-2.0
/* credential_test: where tokens and keys are found, and how they go. */

#include "mw_lab.h"

#include "mw/credential.h"

static const struct token_source everywhere = {.header = {"Authorization", 13},
					       .header_auth_scheme = {"Bearer", 6},
					       .query = {"key", 3},
					       .cookie = {"k", 1}};
static const struct token_source plain = {.header = {"X-Api-Key", 9}};

static const struct {
	const char *name;
	const struct token_source *source;
	const char *request, *headers;
	enum credential_place place;
	const char *value;
	const char *query, *left; /* after removal */
} rows[] = {
	{"header with scheme", &everywhere, "GET http://a/", "Authorization: Bearer abc",
	 CREDENTIAL_HEADER, "abc", "", ""},
	{"scheme in any case", &everywhere, "GET http://a/", "authorization: bEARER   abc ",
	 CREDENTIAL_HEADER, "abc", "", ""},
	{"another scheme", &everywhere, "GET http://a/", "Authorization: Basic abc",
	 CREDENTIAL_NONE, NULL, "", ""},
	{"nothing behind the scheme", &everywhere, "GET http://a/", "Authorization: Bearer",
	 CREDENTIAL_NONE, NULL, "", ""},
	{"header twice", &everywhere, "GET http://a/",
	 "Authorization: Bearer a\nAuthorization: Bearer b", CREDENTIAL_TWICE, NULL, "", ""},
	{"query, decoded", &everywhere, "GET http://a/?x=1&key=a%2Bb&y", "A: b", CREDENTIAL_QUERY,
	 "a+b", "x=1&y", "A: b\n"},
	{"name of the parameter escaped", &everywhere, "GET http://a/?%6Bey=ab", NULL,
	 CREDENTIAL_QUERY, "ab", "", ""},
	{"query twice", &everywhere, "GET http://a/?key=a&x&key=b", NULL, CREDENTIAL_TWICE, NULL,
	 "x", ""},
	{"cookie", &everywhere, "GET http://a/", "Cookie: a=b; k=abc; c=d", CREDENTIAL_COOKIE,
	 "abc", "", "Cookie: a=b; c=d\n"},
	{"cookie twice", &everywhere, "GET http://a/", "Cookie: k=abc; a=b; k=def",
	 CREDENTIAL_TWICE, NULL, "", "Cookie: a=b\n"},
	{"cookie twice, once empty, in two lines", &everywhere, "GET http://a/",
	 "Cookie: k=abc\nCookie: k=", CREDENTIAL_TWICE, NULL, "", ""},
	{"the only cookie", &everywhere, "GET http://a/", "Cookie: k=abc", CREDENTIAL_COOKIE, "abc",
	 "", ""},
	{"header before query before cookie, all removed", &everywhere, "GET http://a/?key=q",
	 "Cookie: k=c\nAuthorization: Bearer h", CREDENTIAL_HEADER, "h", "", ""},
	{"plain header", &plain, "GET http://a/?key=q", "x-api-key: abc d", CREDENTIAL_HEADER,
	 "abc d", "key=q", ""},
	{"empty header", &plain, "GET http://a/", "X-Api-Key: ", CREDENTIAL_NONE, NULL, "", ""},
	{"nothing", &plain, "GET http://a/", NULL, CREDENTIAL_NONE, NULL, "", ""},
};

static void credentials_are_found_and_removed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		struct str value;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		lab_request(&lab, rows[i].request, rows[i].headers);
		assert_int_equal(credential_find(rows[i].source, &lab.request, &value),
				 rows[i].place);
		if (rows[i].value)
			lab_assert_str(value, rows[i].value);
		credential_remove(rows[i].source, &lab.request);
		lab_assert_str(lab.request.query, rows[i].query);
		assert_int_equal(lab.request.has_query, rows[i].query[0] != 0);
		assert_string_equal(lab_print(&lab, &lab.request.headers), rows[i].left);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_are_found_and_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
