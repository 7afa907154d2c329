// SPDX-License-Identifier: Apache-2.0
/* reply_test: the proxy's own answers. */

#include "proxy/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_fixture.h"

static enum mw_verdict answer(const struct mw_instance *self, struct mw_call *call)
{
	(void)self;
	call->reply.status = 401;
	call->reply.body = STR("no\n");
	header_add(&call->reply.headers, STR("X-Own"), STR("1"));
	return MW_REPLY;
}

static enum mw_verdict add_security(const struct mw_instance *self, struct mw_call *call)
{
	(void)self;
	header_set(&call->response->headers, STR("X-Frame"), STR("DENY"));
	return MW_NEXT;
}

static const struct mw mw_answer = {.on_request = answer};
static const struct mw mw_security = {.on_response = add_security};

static void no_route_is_404_and_the_connection_goes_on(void **state)
{
	struct loopback_route route = {.rule = "Host(`other`)"};

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture_run_route(route, (struct proxy_hooks){0});
	int fd = loopback_connect(fixture.port);
	const char *got = fixture_talk(fd, GET, "found\n");

	assert_begins(got, "HTTP/1.1 404 Not Found\r\n");
	assert_has(got, "X-Content-Type-Options: nosniff\r\n");
	assert_has(got, "\r\n\r\n404 page not found\n");
	/* With a body that came along, too. */
	assert_begins(fixture_talk(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
				   "found\n"),
		      "HTTP/1.1 404 ");
	assert_begins(fixture_talk(fd, GET, "found\n"), "HTTP/1.1 404 ");
	close(fd);
	/* One that is still to come ends the connection. */
	assert_has(fixture_ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"),
		   "Connection: close\r\n");
	fixture_end();
}

static void a_bad_request_is_answered_once_and_closed(void **state)
{
	(void)state;
	fixture_start(OK_ANSWER);
	const char *got = fixture_ask("GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n" GET);

	assert_begins(got, "HTTP/1.1 400 Bad Request\r\n");
	assert_has(got, "Connection: close\r\n");
	assert_null(strstr(got + 1, "HTTP/1.1 "));
	assert_int_equal(fixture_server.n_requests, 0);
	fixture_end();
}

static void a_middlewares_answer_passes_the_others_way_back(void **state)
{
	struct mw_instance chain[] = {{.mw = &mw_security}, {.mw = &mw_answer}};
	struct loopback_route route = {.middlewares = chain, .n_middlewares = 2};

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture_run_route(route, (struct proxy_hooks){0});
	const char *got = fixture_ask(GET_CLOSE);

	assert_begins(got, "HTTP/1.1 401 Unauthorized\r\n");
	assert_has(got, "X-Own: 1\r\n");
	assert_has(got, "X-Frame: DENY\r\n");
	assert_has(got, "\r\n\r\nno\n");
	assert_lacks(fixture_ask("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		     "no\n");
	fixture_end();
}

static void a_failure_passes_the_middlewares_too(void **state)
{
	struct mw_instance chain[] = {{.mw = &mw_security}};
	struct loopback_route route = {.middlewares = chain, .n_middlewares = 1};

	(void)state;
	fixture_prepare((const char *const[]){"", NULL});
	fixture_run_route(route, (struct proxy_hooks){0});
	const char *got = fixture_ask(GET_CLOSE);

	assert_begins(got, "HTTP/1.1 502 Bad Gateway\r\n");
	assert_has(got, "X-Frame: DENY\r\n");
	fixture_end();
}

static void the_door_has_an_answer_of_its_own(void **state)
{
	char out[1024];
	ssize_t n = reply_too_many(out, sizeof(out));

	(void)state;
	assert_true(n > 0);
	out[n] = 0;
	assert_begins(out, "HTTP/1.1 503 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_route_is_404_and_the_connection_goes_on),
		cmocka_unit_test(a_bad_request_is_answered_once_and_closed),
		cmocka_unit_test(a_middlewares_answer_passes_the_others_way_back),
		cmocka_unit_test(a_failure_passes_the_middlewares_too),
		cmocka_unit_test(the_door_has_an_answer_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
