// SPDX-License-Identifier: Apache-2.0
/* forward_auth_test: reference/traefik.md c.8, a.4. */

#include "fetch_lab.h"

static const struct lab_secret secrets[] = {
	{"ca", "Opaque", {{STR("ca.crt"), STR("CA")}, {STR("x"), STR("y")}}, 2},
	{"ca2", "Opaque", {{STR("ca.crt"), STR("CA")}, {STR("tls.ca"), STR("CA2")}}, 2},
	{"single", "Opaque", {{STR("any"), STR("CA3")}}, 1},
	{"cert", "kubernetes.io/tls", {{STR("tls.crt"), STR("C")}, {STR("tls.key"), STR("K")}}, 2},
	{"neither", "Opaque", {{STR("a"), STR("b")}, {STR("c"), STR("d")}}, 2},
};

static int open_lab(struct lab *lab, const char *config)
{
	lab_init(lab);
	lab->secrets = secrets;
	lab->n_secrets = sizeof(secrets) / sizeof(*secrets);
	return lab_mw(lab, "forwardAuth", config);
}

#define ADDRESS "'address':'http://auth.test:8080/verify?a=b'"

static void the_question_is_a_get_without_the_body(void **state)
{
	struct lab lab;
	struct mw_fetch *fetch;

	(void)state;
	assert_int_equal(open_lab(&lab, "{" ADDRESS "}"), 0);
	lab_assert_str(lab.url, "http://auth.test:8080/verify?a=b");
	assert_false(lab.has_url_tls);
	lab_request(&lab, "POST http://a.test/p", "Cookie: a=b\nContent-Length: 5");
	lab.request.body = BODY_LENGTH;
	lab.request.content_length = 5;
	assert_int_equal(lab_run(&lab), MW_WAIT);
	assert_false(lab.call.wait.body.wanted);
	fetch = fetch_lab_question(&lab);
	lab_assert_str(fetch->method, "GET");
	lab_assert_str(fetch->path, "/verify?a=b");
	lab_assert_str(fetch->host, "auth.test:8080");
	assert_int_equal(fetch->body.len, 0);
	assert_int_equal(fetch->timeout_ns, 30 * NS_PER_SEC);
	lab_assert_header(&fetch->headers, "Cookie", "a=b");
	lab_assert_header(&fetch->headers, "X-Forwarded-Method", "POST");
	lab_assert_header(&fetch->headers, "X-Forwarded-Uri", "/p");
	assert_int_equal(fetch_lab_answer(&lab, 0, 204, NULL, NULL), MW_NEXT);
	lab_assert_header(&lab.request.headers, "Cookie", "a=b");
	assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
	lab_done(&lab);
}

static const struct {
	const char *name;
	int error;
	uint16_t status;
	uint16_t expected; /* 0: goes on */
} answers[] = {
	{"yes", 0, 200, 0},
	{"any 2xx is a yes", 0, 299, 0},
	{"no", 0, 403, 403},
	{"redirects are not followed", 0, 302, 302},
	{"not modified is no yes", 0, 304, 304},
	{"its failure", 0, 500, 500},
	{"nobody there", -ECONNREFUSED, 0, 500},
	{"no server", -ENOENT, 0, 500},
	{"too late", -ETIMEDOUT, 0, 500},
	{"cut", -ECONNRESET, 0, 500},
	{"not HTTP", -EPROTO, 0, 500},
	{"failed with a status that was read", -EPROTO, 200, 500},
	{"too long", -EMSGSIZE, 200, 401},
};

static void only_a_yes_lets_the_request_go_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct lab lab;

		print_message("  %s\n", answers[i].name);
		open_lab(&lab, "{" ADDRESS "}");
		lab_request(&lab, "GET http://a.test/p", NULL);
		assert_int_equal(lab_run(&lab), MW_WAIT);
		enum mw_verdict verdict = fetch_lab_answer(&lab, answers[i].error,
							   answers[i].status, "X-A: b", "body");

		assert_int_equal(verdict, answers[i].expected ? MW_REPLY : MW_NEXT);
		if (answers[i].expected) {
			assert_int_equal(lab.call.reply.status, answers[i].expected);
			lab_assert_str(lab.call.reply.body, answers[i].error ? "" : "body");
		}
		lab_done(&lab);
	}
}

static void what_the_answer_gives_replaces_what_the_client_sent(void **state)
{
	struct lab lab;

	(void)state;
	open_lab(&lab, "{" ADDRESS ",'authResponseHeaders':['X-User'],"
		       "'authResponseHeadersRegex':'^X-Role-','headerField':'X-User',"
		       "'addAuthCookiesToResponse':['s']}");
	lab_request(&lab, "GET http://a.test/p",
		    "X-User: root\nX_user: root\nx-role-a: admin\nX-Other: o");
	assert_int_equal(lab_run(&lab), MW_WAIT);
	/* Nobody takes what the client sent for an answer. */
	lab_assert_header(&fetch_lab_question(&lab)->headers, "X-User", NULL);
	lab_assert_header(&fetch_lab_question(&lab)->headers, "X_user", NULL);
	lab_assert_header(&fetch_lab_question(&lab)->headers, "X-Role-A", NULL);
	lab_assert_header(&fetch_lab_question(&lab)->headers, "X-Other", "o");
	assert_int_equal(fetch_lab_answer(&lab, 0, 200,
					  "X-User: ann\nX-Role-B: b\nSet-Cookie: s=1\n"
					  "Set-Cookie: t=1",
					  NULL),
			 MW_NEXT);
	assert_string_equal(lab_print(&lab, &lab.request.headers),
			    "X-Other: o\nX-User: ann\nX-Role-B: b\n");
	lab_assert_str(lab.call.user, "ann");
	lab_respond(&lab, "Set-Cookie: s=server\nSet-Cookie: u=server");
	assert_string_equal(lab_print(&lab, &lab.response.headers),
			    "Set-Cookie: u=server\nSet-Cookie: s=1\n");
	lab_done(&lab);
}

static void a_refusal_may_send_people_to_sign_in(void **state)
{
	struct lab lab;

	(void)state;
	open_lab(&lab, "{" ADDRESS ",'authSigninURL':'https://sso.test/?rd=1'}");
	lab_request(&lab, "GET http://a.test/p", NULL);
	assert_int_equal(lab_run(&lab), MW_WAIT);
	assert_int_equal(fetch_lab_answer(&lab, 0, 401, "X-A: b", "no"), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 302);
	lab_assert_header(&lab.call.reply.headers, "Location", "https://sso.test/?rd=1");
	lab_assert_header(&lab.call.reply.headers, "X-A", NULL);
	/* 403 is no matter of signing in. */
	lab_request(&lab, "GET http://a.test/p", NULL);
	assert_int_equal(lab_run(&lab), MW_WAIT);
	assert_int_equal(fetch_lab_answer(&lab, 0, 403, NULL, "no"), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 403);
	lab_done(&lab);
}

static void location_is_made_absolute_unless_told_not_to(void **state)
{
	static const struct {
		const char *config, *location, *expected;
	} cases[] = {
		{"{" ADDRESS "}", "/login", "http://auth.test:8080/login"},
		{"{" ADDRESS ",'preserveLocationHeader':true}", "/login", "/login"},
		{"{" ADDRESS "}", "/%zz", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char header[64];
		struct lab lab;

		open_lab(&lab, cases[i].config);
		lab_request(&lab, "GET http://a.test/p", NULL);
		assert_int_equal(lab_run(&lab), MW_WAIT);
		snprintf(header, sizeof(header), "Location: %s", cases[i].location);
		assert_int_equal(fetch_lab_answer(&lab, 0, 302, header, NULL), MW_REPLY);
		assert_int_equal(lab.call.reply.status, cases[i].expected ? 302 : 500);
		lab_assert_header(&lab.call.reply.headers, "Location", cases[i].expected);
		lab_done(&lab);
	}
}

static enum mw_verdict give_body(struct lab *lab, enum mw_body_state body_state, const char *body,
				 uint64_t bytes)
{
	lab->call = (struct mw_call){.request = &lab->request,
				     .reply.headers.arena = &lab->arena,
				     .slot = lab->slot,
				     .body_state = body_state,
				     .body = str_of(body),
				     .body_bytes = bytes};
	return lab->mw.mw->on_resume(&lab->mw, &lab->call);
}

static void the_body_goes_along_when_asked_for(void **state)
{
	struct lab lab;

	(void)state;
	open_lab(&lab, "{" ADDRESS ",'forwardBody':true,'maxBodySize':4,"
		       "'preserveRequestMethod':true,'maxResponseBodySize':9}");
	lab_request(&lab, "PUT http://a.test/p", NULL);
	lab.request.body = BODY_CHUNKED;
	assert_int_equal(lab_run(&lab), MW_WAIT);
	assert_true(lab.call.wait.body.wanted);
	assert_int_equal(lab.call.wait.body.max_bytes, 4);
	assert_int_equal(lab.call.wait.body.mem_bytes, 4);
	assert_int_equal(give_body(&lab, MW_BODY_WHOLE, "abcd", 4), MW_WAIT);
	lab_assert_str(fetch_lab_question(&lab)->body, "abcd");
	lab_assert_str(fetch_lab_question(&lab)->method, "PUT");
	assert_int_equal(fetch_lab_question(&lab)->max_response_bytes, 9);
	assert_int_equal(fetch_lab_answer(&lab, 0, 200, NULL, NULL), MW_NEXT);
	/* Too large, or not all of it in memory: refused unasked. */
	for (int i = 0; i < 3; i++) {
		static const enum mw_body_state states[] = {MW_BODY_TOO_LARGE, MW_BODY_WHOLE,
							    MW_BODY_UNREAD};

		lab_request(&lab, "PUT http://a.test/p", NULL);
		lab.request.body = BODY_CHUNKED;
		assert_int_equal(lab_run(&lab), MW_WAIT);
		assert_int_equal(give_body(&lab, states[i], NULL, 5), MW_REPLY);
		assert_int_equal(lab.call.reply.status, 401);
	}
	/* No body, nothing to wait for. */
	lab_request(&lab, "PUT http://a.test/p", NULL);
	assert_int_equal(lab_run(&lab), MW_WAIT);
	assert_int_equal(fetch_lab_question(&lab)->body.len, 0);
	lab_done(&lab);
}

static void tls_comes_from_secrets(void **state)
{
	static const struct {
		const char *config, *ca, *cert;
		bool skip;
	} cases[] = {
		{"{'caSecret':'ca'}", "CA", "", false},
		{"{'caSecret':'ca2','insecureSkipVerify':true}", "CA2", "", true},
		{"{'caSecret':'single','certSecret':'cert'}", "CA3", "C", false},
		{"{'caSecret':'missing'}", NULL, NULL, false},
		{"{'caSecret':'neither'}", NULL, NULL, false},
		{"{'certSecret':'ca'}", NULL, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char config[256];
		struct lab lab;

		snprintf(config, sizeof(config), "{'address':'https://auth.test','tls':%s}",
			 cases[i].config);
		assert_int_equal(open_lab(&lab, config), cases[i].ca ? 0 : -EINVAL);
		if (cases[i].ca) {
			assert_true(lab.has_url_tls);
			lab_assert_str(lab.url_tls.ca_pem, cases[i].ca);
			lab_assert_str(lab.url_tls.cert_pem, cases[i].cert);
			assert_int_equal(lab.url_tls.insecure_skip_verify, cases[i].skip);
		} else {
			assert_int_equal(lab.sink.n_errors, 1);
		}
		lab_done(&lab);
	}
}

static void bad_addresses_break_the_middleware(void **state)
{
	static const char *const addresses[] = {"http:///p", "ftp://a/", "http://a b/",
						"http://user:pw@a/"};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		char config[128];
		struct lab lab;

		print_message("  %s\n", addresses[i]);
		snprintf(config, sizeof(config), "{'address':'%s'}", addresses[i]);
		assert_int_equal(open_lab(&lab, config), -EINVAL);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_question_is_a_get_without_the_body),
		cmocka_unit_test(only_a_yes_lets_the_request_go_on),
		cmocka_unit_test(what_the_answer_gives_replaces_what_the_client_sent),
		cmocka_unit_test(a_refusal_may_send_people_to_sign_in),
		cmocka_unit_test(location_is_made_absolute_unless_told_not_to),
		cmocka_unit_test(the_body_goes_along_when_asked_for),
		cmocka_unit_test(tls_comes_from_secrets),
		cmocka_unit_test(bad_addresses_break_the_middleware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
