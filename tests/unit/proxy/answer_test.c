// SPDX-License-Identifier: Apache-2.0
/* answer_test: answers that are held, replaced, asked for again, and filtered. */

#include "proxy/answer.h"

#include "hooks.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define CHUNKED_ANSWER                                                          \
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n" \
	"3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-T: v\r\n\r\n"
#define BAD_ANSWER "HTTP/1.1 503 Bad\r\nContent-Length: 3\r\nX-A: 1\r\n\r\nbad"

static int n_calls, n_again;
static bool was_whole, was_large, was_from_server, could_again, was_unsent;
static char begun[64];
static struct mw_wait_response want;
static uint64_t wait_ns;

static enum mw_verdict hold(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	n_calls++;
	if (!call->resumed) {
		if (want.wanted)
			call->wait.response = want;
		else
			call->wait.until_ns = call->now_ns + wait_ns;
		return MW_WAIT;
	}
	was_whole = call->response_is_whole;
	was_large = call->response_too_large;
	snprintf(begun, sizeof(begun), STR_FMT, STR_ARG(str_take(call->response_begin, 60)));
	header_set(&call->response->headers, STR("X-Held"), STR("yes"));
	return MW_NEXT;
}

static void reset(void)
{
	n_calls = n_again = 0;
	want = (struct mw_wait_response){0};
	wait_ns = 20 * NS_PER_MS;
	begun[0] = 0;
	was_whole = was_large = false;
}

static void an_answer_waits_and_then_goes_out_as_it_came(void **state)
{
	static const char *const answers[] = {OK_ANSWER, CHUNKED_ANSWER, NULL};
	(void)state;
	reset();
	hooks_mw.on_response = hold;
	hooks_start_edited(answers, NULL);
	int fd = loopback_connect(fixture.port);
	const char *got = fixture_talk(fd, GET, "ok");

	assert_begins(got, "HTTP/1.1 200 OK\r\n");
	assert_has(got, "X-Held: yes\r\n");
	got = fixture_talk(fd, GET, "X-T: v\r\n\r\n");
	assert_has(got, "7\r\nabcdefg\r\n");
	close(fd);
	assert_int_equal(n_calls, 4);
	/* Own answers wait, too. */
	hooks_end(2);
	assert_int_equal(hooks_completed, 2);
}

static void the_whole_body_can_be_waited_for(void **state)
{
	static const char *const answers[] = {CHUNKED_ANSWER, OK_ANSWER, NULL};
	(void)state;
	reset();
	want = (struct mw_wait_response){.wanted = true, .whole = true, .max_bytes = 5};
	hooks_mw.on_response = hold;
	hooks_start_edited(answers, NULL);
	int fd = loopback_connect(fixture.port);
	const char *got = fixture_talk(fd, GET, "X-T: v\r\n\r\n");

	assert_has(got, "Transfer-Encoding: chunked\r\n");
	assert_true(was_large);
	assert_has(got, "abc");
	assert_has(got, "defg");
	got = fixture_talk(fd, GET, "ok");
	assert_has(got, "Content-Length: 2\r\n");
	assert_true(was_whole);
	assert_false(was_large);
	assert_string_equal(begun, "ok");
	/* HEAD has nothing to wait for. */
	got = fixture_talk(fd, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			   "\r\n\r\n");
	assert_true(was_whole);
	close(fd);
	hooks_end(3);
}

static enum mw_verdict replace(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	was_from_server = call->from_server;
	was_unsent = call->never_sent;
	call->reply.status = 418;
	call->reply.body = STR("teapot");
	return MW_REPLY;
}

static void another_answer_takes_its_place(void **state)
{
	static const char *const answers[] = {BAD_ANSWER, NULL};
	(void)state;
	reset();
	hooks_mw.on_response = replace;
	hooks_start_edited(answers, NULL);
	int fd = loopback_connect(fixture.port);
	const char *got = fixture_talk(fd, GET, "teapot");

	assert_begins(got, "HTTP/1.1 418 ");
	assert_lacks(got, "X-A");
	assert_true(was_from_server);
	assert_false(was_unsent);
	/* The server's connection was read to its end, and is used again. */
	assert_begins(fixture_talk(fd, GET, "teapot"), "HTTP/1.1 418 ");
	assert_int_equal(fixture_server.n_accepted, 1);
	close(fd);
	hooks_end(2);
}

static enum mw_verdict again(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	could_again = call->may_again;
	if (call->response->status == 200 || ++n_again > 3)
		return MW_NEXT;
	if (wait_ns)
		call->wait.until_ns = call->now_ns + wait_ns;
	return MW_AGAIN;
}

static void the_request_is_sent_once_more(void **state)
{
	static const char *const answers[] = {BAD_ANSWER, "", OK_ANSWER, NULL};
	(void)state;
	reset();
	hooks_mw.on_response = again;
	hooks_start_edited(answers, NULL);
	const char *got = fixture_ask(POST_OF(3) "abc");

	assert_begins(got, "HTTP/1.1 200 OK\r\n");
	assert_int_equal(n_again, 2);
	assert_has(fixture_server.last, "\r\n\r\nabc");
	/* Who sent it was added once. */
	assert_has(fixture_server.last, "X-Forwarded-For: 127.0.0.1\r\n");
	assert_int_equal(fixture_server.n_requests, 3);
	hooks_end(1);
}

static void without_end_it_is_not_sent_again(void **state)
{
	static const char *const answers[] = {BAD_ANSWER, NULL};
	(void)state;
	reset();
	wait_ns = 0;
	hooks_mw.on_response = again;
	hooks_start_edited(answers, NULL);
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 503 ");
	assert_int_equal(fixture_server.n_requests, 4);
	/* A body of which a part is not here cannot be sent again. */
	n_again = 0;
	int fd = loopback_connect(fixture.port);

	send(fd, POST_OF(9) "abcdef", strlen(POST_OF(9)) + 6, 0);
	poll(NULL, 0, 30);
	assert_has(fixture_talk(fd, "ghi", "bad"), "HTTP/1.1 503 ");
	assert_false(could_again);
	close(fd);
	hooks_end(2);
}

/* ------------------------------------------------------------------- filters ---- */

static enum mw_verdict ask_filter(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	call->filter_response = true;
	return MW_NEXT;
}

static int shout(const struct mw_instance *self, struct mw_call *call, const struct mw_span *span,
		 struct mw_body_out *out)
{
	HOOKS_SYNC;
	char *at = mw_body_room(out, span->bytes.len + 1);

	(void)self;
	assert_non_null(call->response ? (void *)call->response : (void *)call->request);
	for (size_t i = 0; i < span->bytes.len; i++)
		at[i] = (char)toupper((unsigned char)span->bytes.at[i]);
	mw_body_added(out, span->bytes.len);
	if (span->is_last)
		mw_body_append(out, STR("!"));
	for (uint16_t i = 0; span->is_last && span->trailers && i < span->trailers->n; i++)
		mw_body_trailer(out, span->trailers->at[i].name, span->trailers->at[i].value);
	return 0;
}

static enum mw_verdict answer_early(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	if (!str_eq(call->request->path, STR("/own")))
		return MW_NEXT;
	call->reply.status = 200;
	call->reply.body = STR("mine");
	return MW_REPLY;
}

static void bodies_pass_filters_and_are_framed_anew(void **state)
{
	static const char *const answers[] = {CHUNKED_ANSWER, OK_ANSWER, "HTTP/1.1 204 No\r\n\r\n",
					      NULL};
	(void)state;
	reset();
	hooks_mw.on_request = answer_early;
	hooks_mw.on_response = ask_filter;
	hooks_mw.on_response_body = shout;
	hooks_start_edited(answers, NULL);
	int fd = loopback_connect(fixture.port);
	const char *got = fixture_talk(fd, GET, "X-T: v\r\n\r\n");

	assert_has(got, "8\r\nABCDEFG!\r\n0\r\nX-T: v\r\n\r\n");
	got = fixture_talk(fd, GET, "0\r\n\r\n");
	assert_has(got, "Transfer-Encoding: chunked\r\n");
	assert_lacks(got, "Content-Length");
	assert_has(got, "\r\n\r\n3\r\nOK!\r\n0\r\n\r\n");
	/* What has no body is not filtered. */
	got = fixture_talk(fd, GET, "\r\n\r\n");
	assert_begins(got, "HTTP/1.1 204 ");
	assert_lacks(got, "!");
	/* An own answer has its length. */
	got = fixture_talk(fd, "GET /own HTTP/1.1\r\nHost: x\r\n\r\n", "!");
	assert_has(got, "Content-Length: 5\r\n");
	assert_has(got, "\r\n\r\nMINE!");
	close(fd);
	/* HTTP/1.0: the end of the connection is the end. */
	got = fixture_ask("GET / HTTP/1.0\r\nHost: x\r\n\r\n");
	assert_has(got, "\r\n\r\nABCDEFG!");
	assert_lacks(got, "chunked");
	hooks_end(5);
}

static int fail_late(const struct mw_instance *self, struct mw_call *call,
		     const struct mw_span *span, struct mw_body_out *out)
{
	HOOKS_SYNC;
	(void)self;
	(void)call;
	mw_body_append(out, span->bytes);
	return span->is_last ? -EPROTO : 0;
}

static void a_filter_that_fails_cuts_the_answer_visibly(void **state)
{
	static const char *const answers[] = {CHUNKED_ANSWER, NULL};
	(void)state;
	reset();
	hooks_mw.on_response = ask_filter;
	hooks_mw.on_response_body = fail_late;
	hooks_start_edited(answers, NULL);
	assert_lacks(fixture_ask(GET_CLOSE), "0\r\n\r\n");
	hooks_end(1);
	assert_int_equal(hooks_completed, 0);
}

static enum mw_verdict ask_request_filter(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	call->filter_request = true;
	return MW_NEXT;
}

static void request_bodies_pass_filters(void **state)
{
	(void)state;
	reset();
	hooks_mw.on_request = ask_request_filter;
	hooks_mw.on_request_body = shout;
	hooks_start(OK_ANSWER);
	static const char begin[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc";
	int fd = loopback_connect(fixture.port);

	send(fd, begin, sizeof(begin) - 1, 0);
	poll(NULL, 0, 20);
	assert_has(fixture_talk(fd, "def", "ok"), " 200 OK");
	assert_has(fixture_server.last, "Transfer-Encoding: chunked\r\n");
	assert_has(fixture_server.last, "ABC");
	assert_has(fixture_server.last, "DEF!");
	assert_has(fixture_talk(fd, GET, "ok"), " 200 OK");
	assert_lacks(fixture_server.last, "chunked");
	close(fd);
	hooks_end(2);
}

/* A large own body goes out as the client takes it. */
static enum mw_verdict answer_large(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	enum { N = 9 << 20 };
	static char *body;

	(void)self;
	if (!body) {
		body = malloc(N);
		memset(body, 'x', N);
	}
	call->reply.status = 200;
	call->reply.body = str_n(body, N);
	return MW_REPLY;
}

static void large_own_answers_arrive_whole(void **state)
{
	char block[65536];
	size_t n = 0;
	ssize_t got;

	(void)state;
	reset();
	hooks_mw.on_request = answer_large;
	hooks_start(OK_ANSWER);
	int fd = loopback_connect(fixture.port);

	send(fd, GET_CLOSE, strlen(GET_CLOSE), 0);
	poll(NULL, 0, 100);
	while ((got = recv(fd, block, sizeof(block), 0)) > 0)
		n += (size_t)got;
	assert_true(n > 9 << 20);
	close(fd);
	hooks_end(1);
	assert_int_equal(hooks_completed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_waits_and_then_goes_out_as_it_came),
		cmocka_unit_test(the_whole_body_can_be_waited_for),
		cmocka_unit_test(another_answer_takes_its_place),
		cmocka_unit_test(the_request_is_sent_once_more),
		cmocka_unit_test(without_end_it_is_not_sent_again),
		cmocka_unit_test(bodies_pass_filters_and_are_framed_anew),
		cmocka_unit_test(a_filter_that_fails_cuts_the_answer_visibly),
		cmocka_unit_test(request_bodies_pass_filters),
		cmocka_unit_test(large_own_answers_arrive_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
