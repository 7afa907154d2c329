// SPDX-License-Identifier: Apache-2.0
/* conn_test: a client's connection: keep-alive, pieces, limits, deadlines, PROXY headers. */

#include "proxy/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_fixture.h"

static void an_idle_connection_is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct conn) <= 512);
}

static void requests_follow_each_other_on_one_connection(void **state)
{
	(void)state;
	fixture_start(OK_ANSWER);
	int fd = loopback_connect(fixture.port);

	for (int i = 0; i < 5; i++)
		assert_begins(fixture_talk(fd, GET, "\r\n\r\nok"), "HTTP/1.1 200 OK\r\n");
	close(fd);
	struct proxy_status status = loopback_settled(&fixture);

	assert_int_equal(status.connections_accepted, 1);
	assert_int_equal(status.requests, 5);
	assert_int_equal(status.upstream_dialled, 1);
	fixture_end();
}

static void a_head_may_come_byte_by_byte(void **state)
{
	const char *text = "\r\n" GET_CLOSE;

	(void)state;
	fixture_start(OK_ANSWER);
	int fd = loopback_connect(fixture.port);

	for (size_t i = 0; text[i]; i++) {
		assert_int_equal(send(fd, text + i, 1, 0), 1);
		poll(NULL, 0, 1);
	}
	assert_has(fixture_talk(fd, NULL, "ok"), "200 OK");
	close(fd);
	fixture_end();
}

static void many_requests_may_come_at_once(void **state)
{
	static char text[64 * 200];

	(void)state;
	for (int i = 0; i < 199; i++)
		strcat(text, GET);
	strcat(text, GET_CLOSE);
	fixture_start(OK_ANSWER);
	const char *answers = fixture_ask(text);
	int n = 0;

	for (; (answers = strstr(answers, "HTTP/1.1 200")); answers++)
		n++;
	assert_int_equal(n, 200);
	fixture_end();
}

static void an_unfinished_head_is_answered_408_in_time(void **state)
{
	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.entry_point->transport.responding_timeouts.read_header =
		(struct duration){100 * NS_PER_MS, true};
	fixture_run();
	uint64_t begin_ns = clock_mono_ns();

	assert_begins(fixture_ask("GET / HTTP/1.1\r\nHost: x\r\n"), "HTTP/1.1 408 ");
	uint64_t took_ns = clock_mono_ns() - begin_ns;

	assert_true(took_ns >= 100 * NS_PER_MS && took_ns < 2000 * NS_PER_MS);
	fixture_end();
}

static void an_idle_connection_ends_without_a_word(void **state)
{
	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.entry_point->transport.responding_timeouts.idle =
		(struct duration){100 * NS_PER_MS, true};
	fixture_run();
	assert_string_equal(fixture_ask(""), "");
	int fd = loopback_connect(fixture.port);

	fixture_talk(fd, GET, "ok");
	assert_string_equal(fixture_talk(fd, NULL, "?"), "");
	close(fd);
	fixture_end();
}

static void the_last_request_of_a_connection_is_told_so(void **state)
{
	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.entry_point->transport.keep_alive_max_requests = 2;
	fixture_run();
	int fd = loopback_connect(fixture.port);

	assert_lacks(fixture_talk(fd, GET, "ok"), "Connection: close");
	assert_has(fixture_talk(fd, GET, "ok"), "Connection: close");
	assert_string_equal(fixture_talk(fd, NULL, "?"), "");
	close(fd);
	fixture_end();
}

static void beyond_the_limit_a_client_is_told_so(void **state)
{
	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.config.limits.max_connections = 1;
	fixture_run();
	int fd = loopback_connect(fixture.port);

	fixture_talk(fd, GET, "ok");
	assert_begins(fixture_ask(""), "HTTP/1.1 503 ");
	close(fd);
	assert_int_equal(loopback_settled(&fixture).connections_refused, 1);
	fixture_end();
}

static void ask_with_proxy_header(bool trusted, const char *want)
{
	struct str all[] = {STR("127.0.0.0/8")};
	struct ep_trust_list trust = {.trusted_ips = {all, trusted}};

	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.entry_point->proxy_protocol = &trust;
	fixture_run();
	assert_has(fixture_ask("PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n" GET_CLOSE), "200 OK");
	assert_has(fixture_server.last, want);
	/* Without one it is an ordinary connection; a malformed one ends it. */
	assert_has(fixture_ask(GET_CLOSE), "200 OK");
	assert_has(fixture_server.last, "X-Forwarded-For: 127.0.0.1\r\n");
	assert_string_equal(fixture_ask("PROXY nonsense\r\n" GET_CLOSE), "");
	fixture_end();
}

static void a_proxy_header_counts_only_from_whom_we_trust(void **state)
{
	(void)state;
	ask_with_proxy_header(true, "X-Forwarded-For: 192.0.2.7\r\n");
	ask_with_proxy_header(false, "X-Forwarded-For: 127.0.0.1\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_connection_is_small),
		cmocka_unit_test(requests_follow_each_other_on_one_connection),
		cmocka_unit_test(a_head_may_come_byte_by_byte),
		cmocka_unit_test(many_requests_may_come_at_once),
		cmocka_unit_test(an_unfinished_head_is_answered_408_in_time),
		cmocka_unit_test(an_idle_connection_ends_without_a_word),
		cmocka_unit_test(the_last_request_of_a_connection_is_told_so),
		cmocka_unit_test(beyond_the_limit_a_client_is_told_so),
		cmocka_unit_test(a_proxy_header_counts_only_from_whom_we_trust),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
