// SPDX-License-Identifier: Apache-2.0
/* upload_test: bodies that are kept before they are forwarded. */

#include "proxy/upload.h"

#include "hooks.h"

#include <stdlib.h>

static int64_t max_bytes, mem_bytes;
static enum mw_body_state seen_state;
static uint64_t seen_bytes;
static char seen[64];

static enum mw_verdict want_body(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	call->wait.body = (struct mw_wait_body){true, max_bytes, mem_bytes};
	return MW_WAIT;
}

static enum mw_verdict see_body(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	seen_state = call->body_state;
	seen_bytes = call->body_bytes;
	snprintf(seen, sizeof(seen), STR_FMT, STR_ARG(str_take(call->body, 40)));
	return MW_NEXT;
}

static void prepare(int64_t max, int64_t mem)
{
	hooks_mw.on_request = want_body;
	hooks_mw.on_resume = see_body;
	max_bytes = max;
	mem_bytes = mem;
	seen_bytes = 99;
	seen[0] = 0;
}

static void a_body_is_there_before_the_middleware_goes_on(void **state)
{
	(void)state;
	prepare(-1, 0);
	hooks_start(OK_ANSWER);
	int fd = loopback_connect(fixture.port);

	/* In pieces, with the next request behind it. */
	static const char begin[] =
		"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234";

	send(fd, begin, sizeof(begin) - 1, 0);
	poll(NULL, 0, 30);
	assert_int_equal(fixture_server.n_accepted, 0);
	assert_has(fixture_talk(fd,
				"56789"
				"GE",
				"ok"),
		   " 200 OK");
	assert_has(fixture_server.last, "Content-Length: 10\r\n");
	assert_has(fixture_server.last, "\r\n\r\n0123456789");
	assert_int_equal(seen_state, MW_BODY_WHOLE);
	assert_string_equal(seen, "0123456789");
	assert_has(fixture_talk(fd, GET + 2, "ok"), " 200 OK");
	assert_int_equal(seen_bytes, 0);
	close(fd);
	hooks_end(2);
}

static void chunks_become_a_length(void **state)
{
	(void)state;
	prepare(-1, 0);
	hooks_start(OK_ANSWER);
	assert_has(fixture_ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
			       "Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
		   " 200 OK");
	assert_has(fixture_server.last, "Content-Length: 5\r\n");
	assert_has(fixture_server.last, "\r\n\r\nabcde");
	assert_lacks(fixture_server.last, "chunked");
	assert_string_equal(seen, "abcde");
	hooks_end(1);
}

static void the_client_is_told_to_go_on(void **state)
{
	(void)state;
	prepare(-1, 0);
	hooks_start(OK_ANSWER);
	int fd = loopback_connect(fixture.port);

	assert_has(fixture_talk(fd,
				"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
				"Expect: 100-continue\r\n\r\n",
				"\r\n\r\n"),
		   "HTTP/1.1 100 Continue\r\n\r\n");
	assert_has(fixture_talk(fd, "xyz", "ok"), " 200 OK");
	assert_lacks(fixture_server.last, "Expect");
	close(fd);
	hooks_end(1);
}

/* More than memory may hold goes through a file, and comes out the same. */
static void a_large_body_passes_through_a_file(void **state)
{
	enum { N = 6000 };
	char request[N + 200];
	int head;

	(void)state;
	prepare(-1, 1000);
	hooks_start(OK_ANSWER);
	head = sprintf(
		request,
		"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", N);
	for (int i = 0; i < N; i++)
		request[head + i] = (char)('a' + i % 26);
	request[head + N] = 0;
	assert_has(fixture_ask(request), " 200 OK");
	assert_int_equal(seen_bytes, N);
	assert_string_equal(seen, "");
	assert_string_equal(strstr(fixture_server.last, "\r\n\r\n") + 4, request + head);
	hooks_end(1);
}

static void too_large_is_known_early_and_forwarding_still_works(void **state)
{
	(void)state;
	prepare(4, 0);
	hooks_start(OK_ANSWER);
	assert_has(fixture_ask(POST_OF(6) "abcdef"), " 200 OK");
	assert_int_equal(seen_state, MW_BODY_TOO_LARGE);
	assert_has(fixture_server.last, "\r\n\r\nabcdef");
	/* Where the length is not known beforehand, too. */
	assert_has(fixture_ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
			       "Connection: close\r\n\r\n6\r\nghijkl\r\n3\r\nmno\r\n0\r\n\r\n"),
		   " 200 OK");
	assert_int_equal(seen_state, MW_BODY_TOO_LARGE);
	assert_has(fixture_server.last, "ghijkl");
	hooks_end(2);
}

static void a_client_that_goes_away_ends_it(void **state)
{
	(void)state;
	prepare(-1, 0);
	hooks_start(OK_ANSWER);
	int fd = loopback_connect(fixture.port);

	send(fd, POST_OF(10) "abc", strlen(POST_OF(10)) + 3, 0);
	poll(NULL, 0, 30);
	close(fd);
	hooks_end(1);
	assert_int_equal(hooks_completed, 0);
	assert_int_equal(fixture_server.n_accepted, 0);
}

static void a_body_that_is_malformed_is_refused(void **state)
{
	(void)state;
	prepare(-1, 0);
	hooks_start(OK_ANSWER);
	assert_has(fixture_ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
			       "3\r\nabc\r\nxx\r\n"),
		   " 400 Bad Request");
	assert_int_equal(fixture_server.n_accepted, 0);
	hooks_end(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_there_before_the_middleware_goes_on),
		cmocka_unit_test(chunks_become_a_length),
		cmocka_unit_test(the_client_is_told_to_go_on),
		cmocka_unit_test(a_large_body_passes_through_a_file),
		cmocka_unit_test(too_large_is_known_early_and_forwarding_still_works),
		cmocka_unit_test(a_client_that_goes_away_ends_it),
		cmocka_unit_test(a_body_that_is_malformed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
