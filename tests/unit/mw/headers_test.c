// SPDX-License-Identifier: Apache-2.0
/* headers_test: custom headers, and the order of the parts (reference/traefik.md c.3). */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *request, *expected;
} requests[] = {
	{"set", "{'customRequestHeaders':{'X-A':'1'}}", "B: 2", "B: 2\nX-A: 1\n"},
	{"replace all", "{'customRequestHeaders':{'X-A':'1'}}", "x-a: 7\nB: 2\nX-A: 8",
	 "X-A: 1\nB: 2\n"},
	{"delete", "{'customRequestHeaders':{'X-A':''}}", "x-a: 7\nB: 2\nX-A: 8", "B: 2\n"},
	{"known headers too", "{'customRequestHeaders':{'Cookie':'','user-agent':'me'}}",
	 "Cookie: a=b\nUser-Agent: you", "user-agent: me\n"},
	{"other spellings go too", "{'customRequestHeaders':{'X-A':'1','X-B':''}}",
	 "x_a: 7\nX_B: 2\nX-A: 8\nC_D: 3", "X-A: 1\nC_D: 3\n"},
	{"one that is meant is set", "{'customRequestHeaders':{'X_A':'1','X-A':'2'}}",
	 "X_A: 7\nX-A: 8", "X-A: 2\nX_A: 1\n"},
};

static void request_headers_are_set_and_removed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		struct lab lab;

		print_message("  %s\n", requests[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "headers", requests[i].config), 0);
		lab_request(&lab, "GET http://a.test/", requests[i].request);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		assert_string_equal(lab_print(&lab, &lab.request.headers), requests[i].expected);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		lab_done(&lab);
	}
}

static void host_is_the_one_that_is_forwarded(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "headers", "{'customRequestHeaders':{'hOsT':'B.test:81'}}");
	lab_request(&lab, "GET http://a.test/", NULL);
	assert_int_equal(lab_run(&lab), MW_NEXT);
	lab_assert_str(lab.request.authority, "B.test:81");
	lab_assert_str(lab.request.host, "b.test");
	lab_done(&lab);
}

static void an_empty_forwarded_for_hides_the_client(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "headers", "{'customRequestHeaders':{'X-Forwarded-For':''}}");
	lab_request(&lab, "GET http://a.test/", "X-Forwarded-For: 10.0.0.1");
	assert_int_equal(lab_run(&lab), MW_NEXT);
	assert_true(lab.request.hide_peer);
	lab_assert_header(&lab.request.headers, "X-Forwarded-For", NULL);
	lab_done(&lab);
}

static const struct {
	const char *name, *config, *upstream, *expected;
} responses[] = {
	{"set and delete", "{'customResponseHeaders':{'X-A':'1','Server':''}}", "Server: s\nx-a: 0",
	 "X-A: 1\n"},
	{"custom ones come after security ones",
	 "{'frameDeny':true,'customResponseHeaders':{'X-Frame-Options':'SAMEORIGIN'}}", "",
	 "X-Frame-Options: SAMEORIGIN\n"},
	{"cross-origin ones come last",
	 "{'accessControlAllowOriginList':['*'],"
	 "'customResponseHeaders':{'Access-Control-Allow-Origin':'x'}}",
	 "", "Access-Control-Allow-Origin: *\n"},
	{"security over what the service says", "{'referrerPolicy':'no-referrer'}",
	 "referrer-policy: origin", "Referrer-Policy: no-referrer\n"},
};

static void response_headers_are_set_and_removed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(*responses); i++) {
		struct lab lab;

		print_message("  %s\n", responses[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "headers", responses[i].config), 0);
		lab_request(&lab, "GET http://a.test/", NULL);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		lab_respond(&lab, responses[i].upstream[0] ? responses[i].upstream : NULL);
		assert_string_equal(lab_print(&lab, &lab.response.headers), responses[i].expected);
		lab_done(&lab);
	}
}

static void a_preflight_gets_its_own_answer_and_no_more(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "headers",
	       "{'accessControlAllowOriginList':['https://o.test'],'frameDeny':true,"
	       "'customResponseHeaders':{'X-A':'1'}}");
	lab_request(&lab, "OPTIONS http://a.test/",
		    "Origin: https://o.test\nAccess-Control-Request-Method: PUT");
	assert_int_equal(lab_run(&lab), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 200);
	assert_int_equal(lab.call.reply.body.len, 0);
	assert_string_equal(lab_print(&lab, &lab.call.reply.headers),
			    "Access-Control-Allow-Origin: https://o.test\n");
	lab_respond(&lab, NULL);
	assert_string_equal(lab_print(&lab, &lab.response.headers), "");
	lab_done(&lab);
}

static void a_refused_host_gets_500(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "headers",
	       "{'allowedHosts':['good.test'],'frameDeny':true,'customResponseHeaders':{'X-A':'1'}"
	       "}");
	lab_request(&lab, "GET http://bad.test/", NULL);
	assert_int_equal(lab_run(&lab), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 500);
	lab_assert_str(lab.call.reply.body, "Bad Host\n");
	lab_respond(&lab, NULL);
	assert_string_equal(lab_print(&lab, &lab.response.headers), "X-A: 1\n");
	lab_request(&lab, "GET http://GOOD.test/", NULL);
	assert_int_equal(lab_run(&lab), MW_NEXT);
	lab_done(&lab);
}

static void faults_are_told(void **state)
{
	static const char *const configs[] = {
		"{}",
		"{'customRequestHeaders':{'bad name':'1'}}",
		"{'accessControlAllowOriginListRegex':['(']}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_not_equal(lab_mw(&lab, "headers", configs[i]), 0);
		assert_true(lab.sink.n_errors > 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_headers_are_set_and_removed),
		cmocka_unit_test(host_is_the_one_that_is_forwarded),
		cmocka_unit_test(an_empty_forwarded_for_hides_the_client),
		cmocka_unit_test(response_headers_are_set_and_removed),
		cmocka_unit_test(a_preflight_gets_its_own_answer_and_no_more),
		cmocka_unit_test(a_refused_host_gets_500),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
