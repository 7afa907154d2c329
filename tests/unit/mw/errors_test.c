// SPDX-License-Identifier: Apache-2.0
/* errors_test: reference/traefik.md c.13. */

#include "fetch_lab.h"

#define SERVICE "'service':{'name':'pages','port':80}"

static void open_lab(struct lab *lab, const char *config)
{
	lab_init(lab);
	assert_int_equal(lab_mw(lab, "errors", config), 0);
	lab_assert_str(lab->service, "pages");
	lab_request(lab, "GET https://shop.test:8443/a%20b?c=d&e",
		    "Accept: text/html\nCookie: s=1\nContent-Length: 5\nX-Gone: x\nHost: h");
	header_remove(&lab->request.headers, STR("X-Gone"));
	assert_int_equal(lab_run(lab), MW_NEXT);
}

static const struct {
	const char *name, *config;
	uint16_t status;
	const char *path; /* that is asked for; NULL: the answer passes */
} rows[] = {
	{"in a range", "{" SERVICE ",'status':['500-599'],'query':'/{status}.html'}", 503,
	 "/503.html"},
	{"below it", "{" SERVICE ",'status':['500-599'],'query':'/{status}.html'}", 499, NULL},
	{"a single code", "{" SERVICE ",'status':['404','500'],'query':'/x'}", 404, "/x"},
	{"a list in one text", "{" SERVICE ",'status':['404,500-503'],'query':'/x'}", 502, "/x"},
	{"no query", "{" SERVICE ",'status':['404']}", 404, "/"},
	{"no slash", "{" SERVICE ",'status':['404'],'query':'p?s={status}'}", 404, "/p?s=404"},
	{"rewritten, both placeholders",
	 "{" SERVICE ",'status':['500-599'],'statusRewrites':{'500-502':404},"
	 "'query':'/{status}/{originalStatus}'}",
	 502, "/404/502"},
	{"the first rewrite that fits counts",
	 "{" SERVICE ",'status':['500-599'],'statusRewrites':{'501':410,'500-502':404},"
	 "'query':'/{status}'}",
	 501, "/410"},
	{"not rewritten",
	 "{" SERVICE ",'status':['500-599'],'statusRewrites':{'500':404},'query':'/{status}'}", 503,
	 "/503"},
	{"the full URL, escaped for a query", "{" SERVICE ",'status':['404'],'query':'/?u={url}'}",
	 404, "/?u=https%3A%2F%2Fshop.test%3A8443%2Fa%2520b%3Fc%3Dd%26e"},
	{"a placeholder twice", "{" SERVICE ",'status':['404'],'query':'/{status}{status}'}", 404,
	 "/404404"},
	{"braces of nothing known", "{" SERVICE ",'status':['404'],'query':'/{x}#f'}", 404,
	 "/%7Bx%7D"},
	{"no status at all", "{" SERVICE "}", 500, NULL},
	{"interim answers pass", "{" SERVICE ",'status':['100-599']}", 103, NULL},
	{"granted upgrades pass", "{" SERVICE ",'status':['100-599']}", 101, NULL},
};

static void only_the_named_statuses_get_a_page(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		open_lab(&lab, rows[i].config);
		assert_int_equal(lab_answer(&lab, rows[i].status, 3, "X-From: server"),
				 rows[i].path ? MW_WAIT : MW_NEXT);
		if (rows[i].path) {
			struct mw_fetch *fetch = fetch_lab_question(&lab);

			lab_assert_str(fetch->path, rows[i].path);
			lab_assert_str(fetch->method, "GET");
			lab_assert_str(fetch->host, "shop.test:8443");
			assert_int_equal(fetch->body.len, 0);
			assert_true(fetch->max_response_bytes < 0);
		}
		lab_done(&lab);
	}
}

static enum mw_verdict resume(struct lab *lab)
{
	lab->call.resumed = true;
	return lab->mw.mw->on_response(&lab->mw, &lab->call);
}

static void the_page_is_sent_with_the_status_of_the_answer(void **state)
{
	struct lab lab;

	(void)state;
	open_lab(&lab, "{" SERVICE ",'status':['500-599'],'statusRewrites':{'502':503}}");
	assert_int_equal(lab_answer(&lab, 502, 3, "X-From: server"), MW_WAIT);
	fetch_lab_fill(&lab, fetch_lab_question(&lab), 0, 200,
		       "Content-Type: text/html\nX-Page: yes\nContent-Length: 4\n"
		       "Connection: close\nSet-Cookie: a=b",
		       "page");
	assert_int_equal(resume(&lab), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 503);
	lab_assert_str(lab.call.reply.body, "page");
	lab_assert_str(lab.call.reply.content_type, "text/html");
	assert_string_equal(lab_print(&lab, &lab.call.reply.headers),
			    "X-Page: yes\nSet-Cookie: a=b\n");
	lab_done(&lab);
}

static void a_service_that_fails_does_not_change_the_status(void **state)
{
	static const struct {
		int error;
		const char *body;
	} failures[] = {
		{-ECONNREFUSED, "Bad Gateway"},
		{-ETIMEDOUT, "Gateway Timeout"},
		{-EMSGSIZE, "Bad Gateway"},
		{-ENOENT, "no available server\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		struct lab lab;

		open_lab(&lab, "{" SERVICE ",'status':['404']}");
		assert_int_equal(lab_answer(&lab, 404, 3, NULL), MW_WAIT);
		fetch_lab_fill(&lab, fetch_lab_question(&lab), failures[i].error, 0, NULL, NULL);
		assert_int_equal(resume(&lab), MW_REPLY);
		assert_int_equal(lab.call.reply.status, 404);
		lab_assert_str(lab.call.reply.body, failures[i].body);
		lab_done(&lab);
	}
	/* Its own error page too comes with the first answer's status. */
	struct lab lab;

	open_lab(&lab, "{" SERVICE ",'status':['404']}");
	assert_int_equal(lab_answer(&lab, 404, 3, NULL), MW_WAIT);
	fetch_lab_fill(&lab, fetch_lab_question(&lab), 0, 500, NULL, "oops");
	assert_int_equal(resume(&lab), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 404);
	lab_assert_str(lab.call.reply.body, "oops");
	lab_done(&lab);
}

static void headers_of_the_request_go_along_as_configured(void **state)
{
	static const struct {
		const char *config, *expected;
	} cases[] = {
		{"{" SERVICE ",'status':['404']}", "Accept: text/html\n"},
		{"{" SERVICE ",'status':['404'],'errorRequestHeaders':['Cookie']}",
		 "Cookie: s=1\n"},
		{"{" SERVICE ",'status':['404'],'errorRequestHeaders':[]}", ""},
		{"{" SERVICE ",'status':['404'],'errorRequestHeaders':['accept','content-length']}",
		 "Accept: text/html\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lab lab;

		open_lab(&lab, cases[i].config);
		assert_int_equal(lab_answer(&lab, 404, 3, NULL), MW_WAIT);
		assert_string_equal(lab_print(&lab, &fetch_lab_question(&lab)->headers),
				    cases[i].expected);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		lab_done(&lab);
	}
}

static void a_missing_service_breaks_the_middleware(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "errors", "{'service':{'name':'missing'},'status':['404']}"),
			 -EINVAL);
	assert_int_equal(lab.sink.n_errors, 1);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_named_statuses_get_a_page),
		cmocka_unit_test(the_page_is_sent_with_the_status_of_the_answer),
		cmocka_unit_test(a_service_that_fails_does_not_change_the_status),
		cmocka_unit_test(headers_of_the_request_go_along_as_configured),
		cmocka_unit_test(a_missing_service_breaks_the_middleware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
