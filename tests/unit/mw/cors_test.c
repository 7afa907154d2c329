// SPDX-License-Identifier: Apache-2.0
/* cors_test: preflights and answers to other origins (reference/traefik.md c.3, k.12). */

#include "mw_lab.h"

#include "mw/cors.h"

#define ASK "\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: X-One"

static const struct {
	const char *name, *config, *request, *expected;
} preflights[] = {
	{"allowed", "{'accessControlAllowOriginList':['https://o.test']}",
	 "Origin: https://o.test" ASK, "Access-Control-Allow-Origin: https://o.test\n"},
	{"not allowed: still 200, k.12", "{'accessControlAllowOriginList':['https://o.test']}",
	 "Origin: https://p.test" ASK, ""},
	{"case counts", "{'accessControlAllowOriginList':['https://O.test']}",
	 "Origin: https://o.test" ASK, ""},
	{"any", "{'accessControlAllowOriginList':['*']}", "Origin: https://o.test" ASK,
	 "Access-Control-Allow-Origin: *\n"},
	{"any, with credentials",
	 "{'accessControlAllowOriginList':['*'],'accessControlAllowCredentials':true}",
	 "Origin: https://o.test" ASK,
	 "Access-Control-Allow-Credentials: true\nAccess-Control-Allow-Origin: https://o.test\n"},
	{"expression", "{'accessControlAllowOriginListRegex':['^https://[a-z]+[.]test$']}",
	 "Origin: https://o.test" ASK, "Access-Control-Allow-Origin: https://o.test\n"},
	{"expressions are not anchored", "{'accessControlAllowOriginListRegex':['o.t']}",
	 "Origin: https://o.test" ASK, "Access-Control-Allow-Origin: https://o.test\n"},
	{"lists",
	 "{'accessControlAllowHeaders':['X-A','X-B'],'accessControlAllowMethods':['GET','PUT']}",
	 "Origin: https://o.test" ASK,
	 "Access-Control-Allow-Headers: X-A,X-B\nAccess-Control-Allow-Methods: GET,PUT\n"},
	{"stars", "{'accessControlAllowHeaders':['*'],'accessControlAllowMethods':['*']}",
	 "Origin: https://o.test" ASK,
	 "Access-Control-Allow-Headers: *\nAccess-Control-Allow-Methods: *\n"},
	{"stars with credentials are echoed",
	 "{'accessControlAllowHeaders':['*'],'accessControlAllowMethods':['*'],"
	 "'accessControlAllowCredentials':true}",
	 "Origin: https://o.test" ASK,
	 "Access-Control-Allow-Credentials: true\nAccess-Control-Allow-Headers: X-One\n"
	 "Access-Control-Allow-Methods: PUT\n"},
	{"age 0 is an age", "{'accessControlMaxAge':0}", "Origin: https://o.test" ASK,
	 "Access-Control-Max-Age: 0\n"},
	{"exposed", "{'accessControlExposeHeaders':['X-A','X-B']}", "Origin: https://o.test" ASK,
	 "Access-Control-Expose-Headers: X-A,X-B\n"},
	{"exposed star with credentials",
	 "{'accessControlExposeHeaders':['*'],'accessControlAllowCredentials':true}",
	 "Origin: https://o.test" ASK, "Access-Control-Allow-Credentials: true\n"},
};

static void preflights_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(preflights) / sizeof(*preflights); i++) {
		struct lab lab;

		print_message("  %s\n", preflights[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "headers", preflights[i].config), 0);
		lab_request(&lab, "OPTIONS http://a.test/", preflights[i].request);
		assert_int_equal(lab_run(&lab), MW_REPLY);
		assert_int_equal(lab.call.reply.status, 200);
		assert_string_equal(lab_print(&lab, &lab.call.reply.headers),
				    preflights[i].expected);
		lab_done(&lab);
	}
}

static void what_is_no_preflight_passes(void **state)
{
	static const struct {
		const char *line, *headers;
	} rows[] = {
		{"OPTIONS http://a.test/", "Origin: https://o.test"},
		{"OPTIONS http://a.test/", "Access-Control-Request-Method: PUT"},
		{"GET http://a.test/",
		 "Origin: https://o.test\nAccess-Control-Request-Method: PUT"},
	};
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "headers", "{'accessControlAllowOriginList':['*']}");
	for (size_t i = 0; i < 3; i++) {
		lab_request(&lab, rows[i].line, rows[i].headers);
		assert_int_equal(lab_run(&lab), MW_NEXT);
	}
	lab_done(&lab);
	/* Without any access-control field preflights are the service's. */
	lab_init(&lab);
	lab_mw(&lab, "headers", "{'frameDeny':true}");
	lab_request(&lab, "OPTIONS http://a.test/", "Origin: https://o.test" ASK);
	assert_int_equal(lab_run(&lab), MW_NEXT);
	lab_done(&lab);
}

static const struct {
	const char *name, *config, *origin, *upstream, *expected;
} answers[] = {
	{"allowed, over what the service says",
	 "{'accessControlAllowOriginList':['https://o.test']}", "Origin: https://o.test",
	 "Access-Control-Allow-Origin: x", "Access-Control-Allow-Origin: https://o.test\n"},
	{"not allowed", "{'accessControlAllowOriginList':['https://o.test']}",
	 "Origin: https://p.test", NULL, ""},
	{"no origin matches *", "{'accessControlAllowOriginList':['*']}", NULL, NULL,
	 "Access-Control-Allow-Origin: *\n"},
	{"no origin has none to echo",
	 "{'accessControlAllowOriginList':['*'],'accessControlAllowCredentials':true}", NULL, NULL,
	 "Access-Control-Allow-Credentials: true\n"},
	{"credentials and exposed, always",
	 "{'accessControlAllowCredentials':true,'accessControlExposeHeaders':['X-A']}", NULL, NULL,
	 "Access-Control-Allow-Credentials: true\nAccess-Control-Expose-Headers: X-A\n"},
	{"vary, none before", "{'addVaryHeader':true}", NULL, NULL, "Vary: Origin\n"},
	{"vary, another", "{'addVaryHeader':true}", NULL, "Vary: Accept", "Vary: Accept,Origin\n"},
	{"vary, the same", "{'addVaryHeader':true}", NULL, "Vary: Origin", "Vary: Origin\n"},
	{"vary, two lines", "{'addVaryHeader':true}", NULL, "Vary: A\nVary: B",
	 "Vary: A, B,Origin\n"},
};

static void answers_say_who_may_read_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct lab lab;

		print_message("  %s\n", answers[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "headers", answers[i].config), 0);
		lab_request(&lab, "GET http://a.test/", answers[i].origin);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		lab_respond(&lab, answers[i].upstream);
		assert_string_equal(lab_print(&lab, &lab.response.headers), answers[i].expected);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preflights_are_answered),
		cmocka_unit_test(what_is_no_preflight_passes),
		cmocka_unit_test(answers_say_who_may_read_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
