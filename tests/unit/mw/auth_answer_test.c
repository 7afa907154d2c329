// SPDX-License-Identifier: Apache-2.0
/* auth_answer_test: reference/traefik.md c.8; reference/security.md A2.4. */

#include "fetch_lab.h"

#include "mw/auth_answer.h"

static struct str list[4];

static struct strs names_of(const char *text)
{
	struct str rest = str_of(text);
	struct strs names = {list, 0};

	while (str_next(&rest, ',', &list[names.n]))
		names.n++;
	return names;
}

static const struct {
	const char *name, *names, *regex, *request, *answer, *expected;
} rows[] = {
	{"copied, the client's go", "X-User,x-groups", NULL, "x-user: root\nX-Groups: a\nOther: o",
	 "X-User: ann\nX-Groups: b\nx-groups: c\nX-Secret: s",
	 "Other: o\nX-User: ann\nX-Groups: b\nX-Groups: c\n"},
	{"removed also when the answer has none", "X-User", NULL, "X-User: root\nX_USER: root", "",
	 ""},
	{"by expression", NULL, "^Foo-", "Foo-Bar: client\nfoo-baz: client\nFoo_Qux: client\nFo: x",
	 "foo-bar: auth\nX-Foo-: no", "Fo: x\nFoo-Bar: auth\n"},
	{"both", "X-A", "^X-B", "X-A: 1\nX-B: 1", "X-A: 2\nX-B: 2\nX-C: 2", "X-A: 2\nX-B: 2\n"},
	{"framing is never copied", "Content-Length,Host,Connection", ".*", "A: b",
	 "Content-Length: 5\nHost: evil\nConnection: close\nTransfer-Encoding: chunked", ""},
	{"Authorization may be", "Authorization", NULL, "Authorization: Basic x",
	 "Authorization: Bearer y", "Authorization: Bearer y\n"},
};

static void the_request_gets_headers_from_the_answer_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct strs names = names_of(rows[i].names);
		struct headers answer = {0};
		char message[64];
		struct lab lab;
		struct regex *regex =
			rows[i].regex ? regex_new(str_of(rows[i].regex), message, sizeof(message))
				      : NULL;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		lab_request(&lab, "GET http://a.test/", rows[i].request);
		fetch_lab_headers(&lab, &answer, rows[i].answer);
		auth_answer_to_request(&(const struct auth_answer_names){&names, regex}, &answer,
				       &lab.request);
		assert_string_equal(lab_print(&lab, &lab.request.headers), rows[i].expected);
		regex_free(regex);
		lab_done(&lab);
	}
}

static void listed_cookies_take_the_place_of_the_servers(void **state)
{
	struct strs names = names_of("a,c");
	struct headers answer = {0}, response = {0};
	struct lab lab;

	(void)state;
	lab_init(&lab);
	fetch_lab_headers(&lab, &answer, "Set-Cookie: a=auth; Path=/\nSet-Cookie: b=auth\nX: y");
	fetch_lab_headers(&lab, &response,
			  "Set-Cookie: a=server\nSet-Cookie: c=server\nSet-Cookie: d=server");
	auth_answer_cookies(&names, &answer, &response);
	assert_string_equal(lab_print(&lab, &response),
			    "Set-Cookie: c=server\nSet-Cookie: d=server\n"
			    "Set-Cookie: a=auth; Path=/\n");
	lab_done(&lab);
}

static void a_no_is_relayed(void **state)
{
	static const struct {
		const char *base, *location, *expected;
	} cases[] = {
		{"http://auth:8080/verify?x", "/login", "http://auth:8080/login"},
		{"http://auth:8080/verify?x", "login?a=b", "http://auth:8080/login?a=b"},
		{"http://auth:8080/verify", "https://sso/", "https://sso/"},
		{"", "/login", "/login"},
		{"http://auth", "/%zz", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mw_fetch fetch = {0};
		struct mw_reply reply = {0};
		char headers[256];
		struct lab lab;

		lab_init(&lab);
		reply.headers.arena = &lab.arena;
		snprintf(headers, sizeof(headers),
			 "Location: %s\nContent-Type: text/html\nKeep-Alive: 5\nUpgrade: x\n"
			 "WWW-Authenticate: Basic\nSet-Cookie: a=b\nContent-Length: 3",
			 cases[i].location);
		fetch_lab_fill(&lab, &fetch, 0, 302, arena_str(&lab.arena, str_of(headers)).at,
			       "out");
		assert_int_equal(
			auth_answer_relay(&fetch, str_of(cases[i].base), &lab.arena, &reply),
			cases[i].expected != NULL);
		if (cases[i].expected) {
			lab_assert_header(&reply.headers, "Location", cases[i].expected);
			lab_assert_header(&reply.headers, "WWW-Authenticate", "Basic");
			lab_assert_header(&reply.headers, "Set-Cookie", "a=b");
			lab_assert_header(&reply.headers, "Keep-Alive", NULL);
			lab_assert_header(&reply.headers, "Content-Length", NULL);
			lab_assert_str(reply.content_type, "text/html");
			lab_assert_str(reply.body, "out");
			assert_int_equal(reply.status, 302);
		}
		lab_done(&lab);
	}
}

static void a_redirect_is_written_as_go_does(void **state)
{
	static const struct {
		const char *request, *url, *location, *body;
	} cases[] = {
		{"GET http://a.test/p/q", "https://sso/?a=b&c='d'", "https://sso/?a=b&c='d'",
		 "<a href=\"https://sso/?a=b&amp;c=&#39;d&#39;\">Found</a>.\n\n"},
		{"GET http://a.test/p/q", "/login", "/login", "<a href=\"/login\">Found</a>.\n\n"},
		{"GET http://a.test/p/q", "login", "/p/login",
		 "<a href=\"/p/login\">Found</a>.\n\n"},
		{"POST http://a.test/p/q", "/login", "/login", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mw_reply reply = {0};
		struct lab lab;

		lab_init(&lab);
		reply.headers.arena = &lab.arena;
		lab_request(&lab, cases[i].request, NULL);
		auth_answer_redirect(&lab.request, str_of(cases[i].url), &reply);
		assert_int_equal(reply.status, 302);
		lab_assert_header(&reply.headers, "Location", cases[i].location);
		lab_assert_str(reply.body, cases[i].body);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_gets_headers_from_the_answer_alone),
		cmocka_unit_test(listed_cookies_take_the_place_of_the_servers),
		cmocka_unit_test(a_no_is_relayed),
		cmocka_unit_test(a_redirect_is_written_as_go_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
