// SPDX-License-Identifier: Apache-2.0
/* redirect_regex_test: reference/traefik.md c.2. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *line;
	uint16_t status; /* 0: passes */
	const char *location;
} rows[] = {
	{"temporary", "{'regex':'^http://(.*)/foo','replacement':'https://$1/bar'}",
	 "GET http://a.test/foo", 302, "https://a.test/bar"},
	{"other methods keep themselves",
	 "{'regex':'^http://(.*)/foo','replacement':'https://$1/bar'}", "POST http://a.test/foo",
	 307, "https://a.test/bar"},
	{"HEAD is not GET", "{'regex':'^http:','replacement':'https:'}", "HEAD http://a.test/x",
	 307, "https://a.test/x"},
	{"permanent", "{'regex':'^http:','replacement':'https:','permanent':true}",
	 "GET http://a.test/x", 301, "https://a.test/x"},
	{"permanent, other methods", "{'regex':'^http:','replacement':'https:','permanent':true}",
	 "PUT http://a.test/x", 308, "https://a.test/x"},
	{"no match passes", "{'regex':'^ftp:','replacement':'x'}", "GET http://a.test/x", 0, NULL},
	{"the same URL passes", "{'regex':'^(.*)$','replacement':'$1'}", "GET http://a.test/x", 0,
	 NULL},
	{"the query is part of it",
	 "{'regex':'^http://a.test/\\\\?id=(.*)$','replacement':'http://a.test/$1'}",
	 "GET http://a.test/?id=7", 302, "http://a.test/7"},
	{"the port is part of it", "{'regex':'^http://a.test:80/','replacement':'http://a.test/'}",
	 "GET http://a.test:80/x", 302, "http://a.test/x"},
	{"TLS is https", "{'regex':'^https://a','replacement':'https://b'}", "GET https://a.test/x",
	 302, "https://b.test/x"},
	{"$1x is the group named 1x",
	 "{'regex':'^http://(.*)$','replacement':'https://b.test/$1x'}", "GET http://a.test/y", 302,
	 "https://b.test/"},
	{"braces", "{'regex':'^http://([a-z]+)(.*)$','replacement':'https://${1}x$2'}",
	 "GET http://a.test/y", 302, "https://ax.test/y"},
	{"named groups",
	 "{'regex':'^http://(?P<host>[^/]+)/(?P<rest>.*)$','replacement':'https://$rest.test/"
	 "${host}'}",
	 "GET http://a.test/y", 302, "https://y.test/a.test"},
	{"every match is replaced", "{'regex':'x','replacement':'y'}", "GET http://a.test/x/x", 302,
	 "http://a.test/y/y"},
	{"blanks are escaped", "{'regex':'^http://a.test/x','replacement':'http://a.test/a b'}",
	 "GET http://a.test/x", 302, "http://a.test/a%20b"},
	{"no URL", "{'regex':'^http://a.test/x','replacement':'http://a b/'}",
	 "GET http://a.test/x", 500, NULL},
	{"a bad escape", "{'regex':'^http://a.test/x','replacement':'http://b/%zz'}",
	 "GET http://a.test/x", 500, NULL},
	{"only a path", "{'regex':'.*/x$','replacement':'/y'}", "GET http://a.test/x", 302, "/y"},
};

static void urls_that_match_are_redirected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "redirectRegex", rows[i].config), 0);
		lab_request(&lab, rows[i].line, NULL);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		assert_int_equal(lab_run(&lab), rows[i].status ? MW_REPLY : MW_NEXT);
		if (rows[i].status)
			assert_int_equal(lab.call.reply.status, rows[i].status);
		lab_assert_header(&lab.call.reply.headers, "Location", rows[i].location);
		lab_done(&lab);
	}
}

static void the_body_is_the_statuss_text(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "redirectRegex", "{'regex':'^http:','replacement':'https:'}");
	lab_request(&lab, "GET http://a.test/x", NULL);
	lab_run(&lab);
	lab_assert_str(lab.call.reply.body, "Found");
	lab_done(&lab);
}

static void a_bad_expression_is_told(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_not_equal(lab_mw(&lab, "redirectRegex", "{'regex':'('}"), 0);
	assert_true(lab.sink.n_errors > 0);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_that_match_are_redirected),
		cmocka_unit_test(the_body_is_the_statuss_text),
		cmocka_unit_test(a_bad_expression_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
