// SPDX-License-Identifier: Apache-2.0
/* attempt_test: what is tried again, where, and what never is. */

#include "proxy/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_fixture.h"

#define POST "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"

/* A port where nobody listens. */
static uint16_t dead_port(void)
{
	uint16_t port;

	close(loopback_listen(&port));
	return port;
}

static void a_server_that_refuses_is_passed_over(void **state)
{
	struct loopback_route route = {0};

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	route.ports[0] = dead_port();
	route.ports[1] = fixture_server.port;
	fixture_run_route(route, (struct proxy_hooks){0});
	for (int i = 0; i < 10; i++)
		assert_begins(fixture_ask(i % 2 ? POST : GET_CLOSE), "HTTP/1.1 200 ");
	struct proxy_status status = loopback_settled(&fixture);

	/* Set aside after the first refusal. */
	assert_int_equal(status.upstream_dial_failed, 1);
	assert_int_equal(status.retries, 1);
	fixture_end();
}

static void nobody_there_is_502(void **state)
{
	struct loopback_route route = {0};

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	route.ports[0] = dead_port();
	fixture_run_route(route, (struct proxy_hooks){0});
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 502 ");
	/* Asked once: a server in trouble does not get more requests than there are. */
	assert_int_equal(loopback_settled(&fixture).upstream_dialled, 1);
	fixture_end();
}

static void a_lost_get_is_sent_once_more_and_a_lost_post_is_not(void **state)
{
	(void)state;
	fixture_start(OK_ANSWER, "", OK_ANSWER);
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 ");
	/* Over the pooled connection, which the server closes instead of answering. */
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 ");
	assert_int_equal(fixture_server.n_requests, 3);
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 ");
	assert_int_equal(fixture_server.n_requests, 4);
	assert_begins(fixture_ask(POST), "HTTP/1.1 502 ");
	assert_int_equal(fixture_server.n_requests, 5);
	fixture_end();
}

static void a_get_lost_on_a_new_connection_is_502(void **state)
{
	(void)state;
	fixture_start("");
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 502 ");
	assert_int_equal(fixture_server.n_requests, 1);
	fixture_end();
}

static void a_silent_server_is_504(void **state)
{
	struct transport impatient = transport_plain;

	(void)state;
	impatient.response_header_ns = 100 * NS_PER_MS;
	fixture_prepare(
		(const char *const[]){"HTTP/1.1 103 Early Hints\r\nX: chunked\r\n\r\n", NULL});
	fixture_run_route((struct loopback_route){.transport = &impatient},
			  (struct proxy_hooks){0});
	assert_has(fixture_ask(GET_CLOSE), "HTTP/1.1 504 ");
	fixture_end();
}

static void the_servers_own_name_may_be_the_host(void **state)
{
	struct loopback_route route = {.keep_server_host = true};
	char want[128];

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture_run_route(route, (struct proxy_hooks){0});
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 ");
	snprintf(want, sizeof(want), "Host: 127.0.0.1:%u\r\n", fixture_server.port);
	assert_has(fixture_server.last, want);
	fixture_end();
}

static void head_and_body_arrive_made_anew(void **state)
{
	(void)state;
	fixture_start(OK_ANSWER);
	fixture_ask("POST //a/../b%41?q=1;r HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
		    "Connection: close, x-hop\r\nX-Hop: 1\r\nX_Under: "
		    "1\r\n\r\n2;e=1\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
	assert_begins(fixture_server.last, "POST /bA?q=1&r HTTP/1.1\r\nHost: x\r\n");
	assert_has(fixture_server.last, "\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	assert_lacks(fixture_server.last, "X-Hop");
	assert_lacks(fixture_server.last, "X_Under");
	fixture_end();
}

static void a_large_head_passes(void **state)
{
	static char text[70000];

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.entry_point->http.max_header_bytes = 1 << 20;
	fixture_run();
	for (size_t n = 3000; n < 8000; n += 1000) {
		strcpy(text, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Big: ");
		memset(text + strlen(text), 'b', n);
		strcat(text, "\r\n\r\n");
		assert_begins(fixture_ask(text), "HTTP/1.1 200 ");
		assert_true(strlen(fixture_server.last) > n);
		memset(text, 0, sizeof(text));
	}
	fixture_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_refuses_is_passed_over),
		cmocka_unit_test(nobody_there_is_502),
		cmocka_unit_test(a_lost_get_is_sent_once_more_and_a_lost_post_is_not),
		cmocka_unit_test(a_get_lost_on_a_new_connection_is_502),
		cmocka_unit_test(a_silent_server_is_504),
		cmocka_unit_test(the_servers_own_name_may_be_the_host),
		cmocka_unit_test(head_and_body_arrive_made_anew),
		cmocka_unit_test(a_large_head_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
