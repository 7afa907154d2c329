// SPDX-License-Identifier: Apache-2.0
/* basic_auth_test: reference/traefik.md c.7, a.4; reference/security.md A2.4, A2.8. */

#include "mw_lab.h"

#include "base/codec.h"

#define SHA    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=" /* secret */
#define APR1   "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"
#define BCRYPT "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

static const struct lab_secret secrets[] = {
	{"fast", "Opaque", {{STR("users"), STR("ann:" SHA "\n\nbob:" SHA "\r\n")}}, 1},
	{"slow", "Opaque", {{STR("auth"), STR("ann:" APR1 "\nbob:" BCRYPT)}}, 1},
	{"later", "Opaque", {{STR("users"), STR("ann:{SHA}nonsense\nann:" SHA)}}, 1},
	{"basic",
	 "kubernetes.io/basic-auth",
	 {{STR("username"), STR("ann")}, {STR("password"), STR("secret")}},
	 2},
	{"other", "Opaque", {{STR("users"), STR("ann:$5$x$y")}}, 1},
	{"two-keys", "Opaque", {{STR("a"), STR("ann:" SHA)}, {STR("b"), STR("bob:" SHA)}}, 2},
	{"no-colon", "Opaque", {{STR("users"), STR("ann")}}, 1},
	{"two-colons", "Opaque", {{STR("users"), STR("ann:x:y")}}, 1},
	{"comment", "Opaque", {{STR("users"), STR("# who\nann:" SHA)}}, 1},
	{"empty", "Opaque", {{STR("users"), STR("\n\n")}}, 1},
	{"no-name", "Opaque", {{STR("users"), STR(":" SHA)}}, 1},
	{"no-password", "kubernetes.io/basic-auth", {{STR("username"), STR("ann")}}, 1},
	{"colon",
	 "kubernetes.io/basic-auth",
	 {{STR("username"), STR("a:b")}, {STR("password"), STR("secret")}},
	 2},
};

static int open_lab(struct lab *lab, const char *config)
{
	lab_init(lab);
	lab->secrets = secrets;
	lab->n_secrets = sizeof(secrets) / sizeof(*secrets);
	return lab_mw(lab, "basicAuth", config);
}

static void request_with(struct lab *lab, const char *scheme, struct str credentials,
			 const char *more)
{
	struct str encoded = codec_base64_encode(credentials, &lab->arena);
	char headers[512];

	snprintf(headers, sizeof(headers), "Authorization: %s %.*s%s%s", scheme, STR_ARG(encoded),
		 more ? "\n" : "", more ? more : "");
	lab_request(lab, "GET http://a.test/", arena_str(&lab->arena, str_of(headers)).at);
}

/* Runs to the end, with the job when one is asked for; *ret_jobs counts them. */
static enum mw_verdict run(struct lab *lab, uint64_t now_ns, int *jobs)
{
	enum mw_verdict verdict = lab_run_at(lab, now_ns);

	if (verdict != MW_WAIT)
		return verdict;
	(*jobs)++;
	assert_non_null(lab->call.wait.run);
	assert_int_equal(lab->call.wait.until_ns, 0);
	lab->call.wait.run(lab->call.wait.arg);
	return lab_call(lab, now_ns, lab->mw.mw->on_resume);
}

static const struct {
	const char *name, *secret, *scheme;
	struct str credentials;
	bool passes;
	int jobs;
} rows[] = {
	{"SHA", "fast", "Basic", STR("ann:secret"), true, 0},
	{"second user", "fast", "Basic", STR("bob:secret"), true, 0},
	{"scheme in any case", "fast", "bAsIc", STR("ann:secret"), true, 0},
	{"wrong password", "fast", "Basic", STR("ann:Secret"), false, 0},
	{"unknown user", "fast", "Basic", STR("eve:secret"), false, 0},
	{"empty", "fast", "Basic", STR(":"), false, 0},
	{"no colon", "fast", "Basic", STR("ann"), false, 0},
	{"other scheme", "fast", "Bearer", STR("ann:secret"), false, 0},
	{"NUL behind the password, A2.8", "fast", "Basic", STR("ann:secret\0x"), false, 0},
	{"NUL behind the name", "fast", "Basic", STR("ann\0:secret"), false, 0},
	{"apr1", "slow", "Basic", STR("ann:secret"), true, 1},
	{"apr1, wrong", "slow", "Basic", STR("ann:secre"), false, 1},
	{"bcrypt", "slow", "Basic", STR("bob:secret"), true, 1},
	{"bcrypt, wrong", "slow", "Basic", STR("bob:geheim"), false, 1},
	{"an unknown user costs the same", "slow", "Basic", STR("eve:secret"), false, 1},
	{"later duplicates win", "later", "Basic", STR("ann:secret"), true, 0},
	{"kubernetes.io/basic-auth", "basic", "Basic", STR("ann:secret"), true, 0},
	{"kubernetes.io/basic-auth, wrong", "basic", "Basic", STR("ann:x"), false, 0},
	{"another hash never matches", "other", "Basic", STR("ann:secret"), false, 0},
};

static void only_users_with_their_passwords_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		char config[64];
		int jobs = 0;

		print_message("  %s\n", rows[i].name);
		snprintf(config, sizeof(config), "{'secret':'%s'}", rows[i].secret);
		assert_int_equal(open_lab(&lab, config), 0);
		request_with(&lab, rows[i].scheme, rows[i].credentials, NULL);
		enum mw_verdict verdict = run(&lab, 1, &jobs);

		assert_int_equal(verdict, rows[i].passes ? MW_NEXT : MW_REPLY);
		assert_int_equal(jobs, rows[i].jobs);
		if (rows[i].passes) {
			assert_true(lab.call.user.len == 3);
			assert_non_null(header_find(&lab.request.headers, HEADER_AUTHORIZATION));
		} else {
			assert_int_equal(lab.call.reply.status, 401);
			lab_assert_str(lab.call.reply.body, "401 Unauthorized\n");
			lab_assert_str(lab.call.reply.content_type, "text/plain");
			lab_assert_header(&lab.call.reply.headers, "WWW-Authenticate",
					  "Basic realm=\"traefik\"");
		}
		lab_done(&lab);
	}
}

static void requests_without_good_authorization_are_refused(void **state)
{
	static const char *const headers[] = {NULL,
					      "Authorization: Basic",
					      "Authorization: Basic !!!",
					      "Authorization: ",
					      "Authorization: Basic  ",
					      "Authorization: Basic YW5uOnNlY3JldA==\n"
					      "Authorization: Basic ZXZlOngK"};
	struct lab lab;

	(void)state;
	open_lab(&lab, "{'secret':'fast','realm':'the \\u0022shop\\u0022'}");
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		lab_request(&lab, "GET http://a.test/", headers[i]);
		assert_int_equal(lab_run(&lab), MW_REPLY);
		lab_assert_header(&lab.call.reply.headers, "WWW-Authenticate",
				  "Basic realm=\"the \\\"shop\\\"\"");
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
	}
	lab_done(&lab);
}

static void a_good_answer_is_remembered(void **state)
{
	struct lab lab;
	int jobs = 0;

	(void)state;
	open_lab(&lab, "{'secret':'slow'}");
	for (int i = 0; i < 3; i++) {
		request_with(&lab, "Basic", STR("ann:secret"), NULL);
		assert_int_equal(run(&lab, (uint64_t)i * NS_PER_SEC, &jobs), MW_NEXT);
	}
	assert_int_equal(jobs, 1);
	request_with(&lab, "Basic", STR("ann:secret"), NULL);
	assert_int_equal(run(&lab, 61 * NS_PER_SEC, &jobs), MW_NEXT);
	assert_int_equal(jobs, 2);
	/* A bad one never is. */
	for (int i = 0; i < 3; i++) {
		request_with(&lab, "Basic", STR("ann:wrong"), NULL);
		assert_int_equal(run(&lab, 62 * NS_PER_SEC, &jobs), MW_REPLY);
	}
	assert_int_equal(jobs, 5);
	lab_done(&lab);
}

static void the_user_header_is_the_middlewares_own(void **state)
{
	/* reference/security.md A2.4: every spelling goes, also when the answer is no. */
	static const char forged[] = "X-User: root\nx-user: root\nX_User: root\nOther: stays";
	struct lab lab;
	int jobs = 0;

	(void)state;
	open_lab(&lab, "{'secret':'fast','headerField':'X-User','removeHeader':true}");
	request_with(&lab, "Basic", STR("ann:secret"), forged);
	assert_int_equal(run(&lab, 1, &jobs), MW_NEXT);
	assert_string_equal(lab_print(&lab, &lab.request.headers), "Other: stays\nX-User: ann\n");
	lab_request(&lab, "GET http://a.test/", forged);
	assert_int_equal(run(&lab, 1, &jobs), MW_REPLY);
	assert_string_equal(lab_print(&lab, &lab.request.headers), "Other: stays\n");
	lab_done(&lab);
}

static void bad_secrets_break_the_middleware(void **state)
{
	static const char *const names[] = {"missing",	  "two-keys",	 "no-colon",
					    "two-colons", "comment",	 "empty",
					    "no-name",	  "no-password", "colon"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct lab lab;
		char config[64];

		print_message("  %s\n", names[i]);
		snprintf(config, sizeof(config), "{'secret':'%s'}", names[i]);
		assert_int_equal(open_lab(&lab, config), -EINVAL);
		assert_int_equal(lab.sink.n_errors, 1);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_users_with_their_passwords_pass),
		cmocka_unit_test(requests_without_good_authorization_are_refused),
		cmocka_unit_test(a_good_answer_is_remembered),
		cmocka_unit_test(the_user_header_is_the_middlewares_own),
		cmocka_unit_test(bad_secrets_break_the_middleware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
