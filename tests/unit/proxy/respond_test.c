// SPDX-License-Identifier: Apache-2.0
/* respond_test: a server's answers, good and bad, as the client gets them. */

#include "proxy/respond.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_fixture.h"

struct row {
	const char *name, *answer, *want, *unwanted;
};

static const struct row rows[] = {
	{"a length", OK_ANSWER, "\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", NULL},
	{"chunks",
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
	 "\r\n\r\n2\r\nab\r\n0\r\n\r\n", NULL},
	{"until close", "HTTP/1.0 200 OK\r\n\r\nhello", "5\r\nhello\r\n0\r\n\r\n", NULL},
	{"hop by hop",
	 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: 1\r\nConnection: X-Hop\r\nX-Hop: "
	 "1\r\n\r\n",
	 "200 OK", "X-Hop"},
	{"early hints", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" OK_ANSWER,
	 "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n", NULL},
	{"100 unasked", "HTTP/1.1 100 Continue\r\n\r\n" OK_ANSWER, "HTTP/1.1 200 OK",
	 "100 Continue"},
	{"surplus", OK_ANSWER "HTTP/1.1 200 evil", "\r\n\r\nok", "evil"},
	{"no content", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 ", NULL},
	{"101 unasked", "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
	 "HTTP/1.1 502 ", "101"},
	{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
	 "HTTP/1.1 502 ", "abc"},
	{"no HTTP", "hello Content-Length\r\n\r\n", "HTTP/1.1 502 ", "hello"},
	{"bad chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
	 "HTTP/1.1 502 ", NULL},
	{"date is kept", "HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n",
	 "Date: yesterday\r\n", NULL},
};

static void every_answer_is_passed_on_as_it_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fixture_start(rows[i].answer);
		const char *got = fixture_ask(GET_CLOSE);

		if (!strstr(got, rows[i].want))
			print_error("%s:\n", rows[i].name);
		assert_has(got, rows[i].want);
		if (rows[i].unwanted)
			assert_lacks(got, rows[i].unwanted);
		fixture_end();
	}
}

static void too_many_interim_answers_are_502(void **state)
{
	static char answer[4096];

	(void)state;
	answer[0] = 0;
	for (int i = 0; i < 20; i++)
		strcat(answer, "HTTP/1.1 103 E\r\n\r\n");
	strcat(answer, OK_ANSWER);
	fixture_start(answer);
	assert_has(fixture_ask(GET_CLOSE), "HTTP/1.1 502 ");
	fixture_end();
}

static void a_sticky_cookie_is_set_and_obeyed(void **state)
{
	struct loopback_route route = {.sticky_cookie = "to"};
	char want[128];

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture_run_route(route, (struct proxy_hooks){0});
	snprintf(want, sizeof(want), "Set-Cookie: to=s%u; Path=/\r\n", fixture_server.port);
	assert_has(fixture_ask(GET_CLOSE), want);
	snprintf(want, sizeof(want),
		 "GET / HTTP/1.1\r\nHost: x\r\nCookie: to=s%u\r\nConnection: close\r\n\r\n",
		 fixture_server.port);
	assert_lacks(fixture_ask(want), "Set-Cookie");
	fixture_end();
}

static void a_head_answer_has_no_body(void **state)
{
	(void)state;
	fixture_start("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
	int fd = loopback_connect(fixture.port);

	for (int i = 0; i < 3; i++)
		assert_has(fixture_talk(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"),
			   "Content-Length: 99\r\n");
	close(fd);
	assert_int_equal(loopback_settled(&fixture).upstream_dialled, 1);
	fixture_end();
}

static void a_waiting_client_is_told_to_go_on(void **state)
{
	(void)state;
	fixture_start(OK_ANSWER);
	int fd = loopback_connect(fixture.port);

	assert_begins(fixture_talk(fd,
				   "POST / HTTP/1.1\r\nHost: x\r\nExpect: "
				   "100-continue\r\nContent-Length: 1\r\n\r\n",
				   "\r\n\r\n"),
		      "HTTP/1.1 100 Continue\r\n");
	assert_begins(fixture_talk(fd, "a", "ok"), "HTTP/1.1 200 OK\r\n");
	close(fd);
	fixture_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_is_passed_on_as_it_should),
		cmocka_unit_test(too_many_interim_answers_are_502),
		cmocka_unit_test(a_sticky_cookie_is_set_and_obeyed),
		cmocka_unit_test(a_head_answer_has_no_body),
		cmocka_unit_test(a_waiting_client_is_told_to_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
