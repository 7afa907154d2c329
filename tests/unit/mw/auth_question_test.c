// SPDX-License-Identifier: Apache-2.0
/* auth_question_test: the three trust modes of reference/traefik.md c.8. */

#include "mw_lab.h"

#include "mw/auth_question.h"

#define PLAIN  "GET http://a.test/p%20q?x=1"
#define SECURE "POST https://a.test:8443/p"

static struct str list[2];

static const struct {
	const char *name;
	enum auth_trust trust;
	const char *request, *headers, *only; /* only: comma-separated names */
	const char *expected;
} rows[] = {
	{"nothing said, c.8 legacy", AUTH_TRUST_UNSET, PLAIN, "Accept: x", NULL,
	 "Accept: x\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: http\n"
	 "X-Forwarded-Method: GET\nX-Forwarded-Host: a.test\nX-Forwarded-Uri: /p%20q?x=1\n"},
	{"legacy overwrites five and lets the others pass", AUTH_TRUST_UNSET, SECURE,
	 "X-Forwarded-For: 1.1.1.1\nX-Forwarded-Proto: ws\nX-Forwarded-Port: 9\n"
	 "X-Forwarded-Method: PUT\nX-Forwarded-Uri: /u\nX-Real-Ip: 2.2.2.2\n"
	 "X-Forwarded-Host: evil",
	 NULL,
	 "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: https\nX-Forwarded-Port: 9\n"
	 "X-Forwarded-Method: POST\nX-Forwarded-Uri: /p\nX-Real-Ip: 2.2.2.2\n"
	 "X-Forwarded-Host: a.test:8443\n"},
	{"not trusted: all 13 go, with '_' too", AUTH_TRUST_NO, SECURE,
	 "X-Forwarded-For: 1.1.1.1\nX_Forwarded_Proto: ws\nX-Forwarded-Port: 9\nX-Real-Ip: 2\n"
	 "X-Forwarded-Prefix: /a\nX-Scheme: x\nX-Forwarded-Tls-Client-Cert: c\nOther: y",
	 NULL,
	 "Other: y\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Method: POST\n"
	 "X-Forwarded-Proto: https\nX-Forwarded-Port: 8443\nX-Forwarded-Host: a.test:8443\n"
	 "X-Forwarded-Uri: /p\n"},
	{"not trusted, plain", AUTH_TRUST_NO, PLAIN, NULL, NULL,
	 "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Method: GET\nX-Forwarded-Proto: http\n"
	 "X-Forwarded-Port: 80\nX-Forwarded-Host: a.test\nX-Forwarded-Uri: /p%20q?x=1\n"},
	{"trusted: what is there stays", AUTH_TRUST_YES, PLAIN,
	 "X-Forwarded-For: 1.1.1.1\nX-Forwarded-Proto: wss\nX-Forwarded-Method: PUT\n"
	 "X-Forwarded-Uri: /u\nX-Forwarded-Host: h\nX-Forwarded-For: 3.3.3.3",
	 NULL,
	 "X-Forwarded-For: 1.1.1.1, 3.3.3.3, 192.0.2.1\nX-Forwarded-Proto: wss\n"
	 "X-Forwarded-Method: PUT\nX-Forwarded-Uri: /u\nX-Forwarded-Host: h\n"
	 "X-Forwarded-Port: 443\n"},
	{"trusted, nothing there", AUTH_TRUST_YES, SECURE, NULL, NULL,
	 "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Method: POST\nX-Forwarded-Proto: https\n"
	 "X-Forwarded-Port: 8443\nX-Forwarded-Host: a.test:8443\nX-Forwarded-Uri: /p\n"},
	{"a list lets only its own pass", AUTH_TRUST_NO, PLAIN,
	 "Accept: x\ncookie: c=d\nAuthorization: y\nCookie: e=f", "Cookie",
	 "cookie: c=d\nCookie: e=f\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Method: GET\n"
	 "X-Forwarded-Proto: http\nX-Forwarded-Port: 80\nX-Forwarded-Host: a.test\n"
	 "X-Forwarded-Uri: /p%20q?x=1\n"},
	{"and the X-Forwarded set, when it is trusted", AUTH_TRUST_YES, PLAIN,
	 "Accept: x\nX-Forwarded-For: 1.1.1.1\nX-Forwarded-Proto: https", "Cookie",
	 "X-Forwarded-For: 1.1.1.1, 192.0.2.1\nX-Forwarded-Proto: https\n"
	 "X-Forwarded-Method: GET\nX-Forwarded-Port: 443\nX-Forwarded-Host: a.test\n"
	 "X-Forwarded-Uri: /p%20q?x=1\n"},
	{"what belongs to the connection stays here", AUTH_TRUST_NO, PLAIN,
	 "Connection: upgrade\nKeep-Alive: 5\nTE: trailers\nTrailers: x\n"
	 "Transfer-Encoding: chunked\nUpgrade: websocket\nContent-Length: 5\n"
	 "Proxy-Authorization: stays\nSec-WebSocket-Key: k\nUser-Agent: u",
	 "Proxy-Authorization,User-Agent",
	 "Proxy-Authorization: stays\nUser-Agent: u\nX-Forwarded-For: 192.0.2.1\n"
	 "X-Forwarded-Method: GET\nX-Forwarded-Proto: http\nX-Forwarded-Port: 80\n"
	 "X-Forwarded-Host: a.test\nX-Forwarded-Uri: /p%20q?x=1\n"},
};

static void the_question_says_where_the_request_comes_from(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str rest = str_of(rows[i].only);
		struct strs names = {list, 0};
		struct headers headers = {0};
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		headers.arena = &lab.arena;
		while (str_next(&rest, ',', &list[names.n]))
			names.n++;
		lab_request(&lab, rows[i].request, rows[i].headers);
		auth_question_headers(&lab.request, rows[i].trust, &names, &headers);
		assert_string_equal(lab_print(&lab, &headers), rows[i].expected);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_question_says_where_the_request_comes_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
