// SPDX-License-Identifier: Apache-2.0
/* deadline_test: what middlewares say of how long a request may take. */

#include "proxy/deadline.h"

#include "hooks.h"

static struct request_deadlines said;

static enum mw_verdict say(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	call->request->deadlines = said;
	return MW_NEXT;
}

/* A server that takes the connection and reads, but says nothing more than that. */
static int silent_fd;

static void go_silent(struct route *route, struct snapshot *snapshot)
{
	uint16_t port;

	(void)snapshot;
	silent_fd = loopback_listen(&port);
	route->service->servers[0].port = port;
	route->service->servers[0].id = port;
}

static void start(struct request_deadlines deadlines)
{
	said = deadlines;
	hooks_mw.on_request = say;
	hooks_start_edited((const char *const[]){OK_ANSWER, NULL}, go_silent);
}

static void end(void)
{
	hooks_end(1);
	close(silent_fd);
}

static void the_answer_s_head_must_come_in_time(void **state)
{
	(void)state;
	start((struct request_deadlines){.response_header_ns = 50 * NS_PER_MS});
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 504 ");
	end();
}

static void silence_ends(void **state)
{
	(void)state;
	start((struct request_deadlines){.idle_ns = 50 * NS_PER_MS});
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 504 ");
	end();
}

static void all_of_it_has_an_end(void **state)
{
	(void)state;
	start((struct request_deadlines){.total_ns = 50 * NS_PER_MS});
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 504 ");
	end();
}

static void the_request_must_come_in_time(void **state)
{
	(void)state;
	start((struct request_deadlines){.request_ns = 50 * NS_PER_MS});
	assert_begins(fixture_ask(POST_OF(10) "abc"), "HTTP/1.1 408 ");
	end();
}

static void an_answer_that_stalls_is_cut(void **state)
{
	char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", read[1024];
	const char *got;

	(void)state;
	start((struct request_deadlines){.total_ns = 150 * NS_PER_MS});
	int fd = loopback_connect(fixture.port);

	send(fd, GET, strlen(GET), 0);
	int server = accept(silent_fd, NULL, NULL);

	assert_true(recv(server, read, sizeof(read), 0) > 0);
	send(server, head, sizeof(head) - 1, 0);
	got = fixture_talk(fd, NULL, "never");
	assert_begins(got, "HTTP/1.1 200 OK\r\n");
	assert_has(got, "\r\n\r\nabc");
	close(fd);
	close(server);
	end();
	assert_int_equal(hooks_completed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_s_head_must_come_in_time),
		cmocka_unit_test(silence_ends),
		cmocka_unit_test(all_of_it_has_an_end),
		cmocka_unit_test(the_request_must_come_in_time),
		cmocka_unit_test(an_answer_that_stalls_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
