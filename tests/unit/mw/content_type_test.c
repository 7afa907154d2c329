// SPDX-License-Identifier: Apache-2.0
/* content_type_test: reference/traefik.md c.14. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *line, *headers;
	int64_t length;
	const char *begin, *type; /* begin NULL: the body is not waited for */
} rows[] = {
	{"html", "{}", "GET http://a.test/", "", -1, "<html>", "text/html; charset=utf-8"},
	{"has one", "{}", "GET http://a.test/", "Content-Type: a/b", 9, NULL, "a/b"},
	{"an empty one counts", "{}", "GET http://a.test/", "Content-Type:", 9, NULL, ""},
	{"coded", "{}", "GET http://a.test/", "Content-Encoding: gzip", 9, NULL, NULL},
	{"no body", "{}", "GET http://a.test/", "", 0, NULL, NULL},
	{"HEAD", "{}", "HEAD http://a.test/", "", 9, NULL, NULL},
	{"nothing comes", "{}", "GET http://a.test/", "", -1, "", NULL},
	{"autoDetect false", "{'autoDetect':false}", "GET http://a.test/", "", 9, NULL, NULL},
	{"autoDetect true", "{'autoDetect':true}", "GET http://a.test/", "", 9, "x",
	 "text/plain; charset=utf-8"},
};

static void responses_without_a_type_get_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "contentType", rows[i].config), 0);
		lab_request(&lab, rows[i].line, NULL);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		lab.call = (struct mw_call){.request = &lab.request};
		enum mw_verdict verdict = lab_answer(&lab, 200, rows[i].length, rows[i].headers);

		assert_int_equal(verdict, rows[i].begin ? MW_WAIT : MW_NEXT);
		if (rows[i].begin) {
			assert_true(lab.call.wait.response.wanted);
			assert_int_equal(lab.call.wait.response.min_bytes, 512);
			assert_int_equal(lab_answer_again(&lab, rows[i].begin, true), MW_NEXT);
		}
		lab_assert_header(&lab.response.headers, "Content-Type", rows[i].type);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_without_a_type_get_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
