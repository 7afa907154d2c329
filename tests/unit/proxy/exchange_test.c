// SPDX-License-Identifier: Apache-2.0
/* exchange_test: a request's whole way: waiting middlewares, bodies both ways, clients that leave.
 */

#include "proxy/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_fixture.h"

static enum mw_verdict delay(const struct mw_instance *self, struct mw_call *call)
{
	(void)self;
	call->wait.until_ns = call->now_ns + 50 * NS_PER_MS;
	return MW_WAIT;
}

static void work(void *arg)
{
	poll(NULL, 0, 100);
	*(bool *)arg = true;
}

static enum mw_verdict begin_work(const struct mw_instance *self, struct mw_call *call)
{
	(void)self;
	call->wait.run = work;
	call->wait.arg = call->slot;
	return MW_WAIT;
}

static enum mw_verdict end_work(const struct mw_instance *self, struct mw_call *call)
{
	(void)self;
	assert_true(*(bool *)call->slot);
	call->user = STR("worker");
	return MW_NEXT;
}

static enum mw_verdict refuse(const struct mw_instance *self, struct mw_call *call)
{
	(void)self;
	call->reply.status = 429;
	call->refused = true;
	return MW_REPLY;
}

static const struct mw mw_delay = {.on_request = delay};
static const struct mw mw_work = {
	.on_request = begin_work, .on_resume = end_work, .slot_size = sizeof(bool)};
static const struct mw mw_refuse = {.on_request = refuse};

static void run_with(struct mw_instance *chain, uint16_t n, struct proxy_hooks hooks)
{
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture_run_route((struct loopback_route){.middlewares = chain, .n_middlewares = n}, hooks);
}

static void a_middleware_may_make_a_request_wait(void **state)
{
	struct mw_instance chain[] = {{.mw = &mw_delay}, {.mw = &mw_work}, {.mw = &mw_delay}};
	uint64_t begin_ns = clock_mono_ns();

	(void)state;
	run_with(chain, 3, (struct proxy_hooks){0});
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 ");
	assert_true(clock_mono_ns() - begin_ns >= 200 * NS_PER_MS);
	fixture_end();
}

static void a_client_may_leave_while_a_job_runs(void **state)
{
	struct mw_instance chain[] = {{.mw = &mw_work}};
	struct linger hard = {1, 0};

	(void)state;
	run_with(chain, 1, (struct proxy_hooks){0});
	for (int i = 0; i < 10; i++) {
		int fd = loopback_connect(fixture.port);

		send(fd, GET, strlen(GET), 0);
		poll(NULL, 0, 10);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
	}
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 ");
	assert_int_equal(fixture_server.n_requests, 1);
	fixture_end();
}

static void the_end_may_come_while_a_job_runs(void **state)
{
	struct mw_instance chain[] = {{.mw = &mw_work}};
	int fd;

	(void)state;
	run_with(chain, 1, (struct proxy_hooks){0});
	fd = loopback_connect(fixture.port);
	send(fd, GET, strlen(GET), 0);
	poll(NULL, 0, 30);
	loopback_stop(&fixture);
	loopback_serve_done(&fixture_server);
	close(fd);
}

static _Atomic int n_bans;

static void on_ban(void *context, const struct proxy_ban *ban)
{
	char text[ADDR_TEXT_MAX];

	assert_ptr_equal(context, &n_bans);
	addr_print(&ban->source, text);
	assert_string_equal(text, "127.0.0.1");
	n_bans++;
}

static void a_refusal_is_an_answer_like_any_other(void **state)
{
	struct mw_instance chain[] = {{.mw = &mw_refuse, .name = {"limit", 5}}};

	(void)state;
	run_with(chain, 1, (struct proxy_hooks){&n_bans, on_ban});
	for (int i = 0; i < 3; i++)
		assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 429 ");
	fixture_end();
}

static void bodies_of_any_size_pass(void **state)
{
	static char text[7000], want[64];

	(void)state;
	for (size_t n = 0; n < 6000; n += 499) {
		fixture_start(OK_ANSWER);
		snprintf(text, sizeof(text),
			 "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
			 "%zu\r\n\r\n",
			 n);
		memset(text + strlen(text), 'b', n);
		assert_begins(fixture_ask(text), "HTTP/1.1 200 ");
		snprintf(want, sizeof(want), "Content-Length: %zu\r\n", n);
		assert_has(fixture_server.last, want);
		assert_int_equal(strspn(strstr(fixture_server.last, "\r\n\r\n") + 4, "b"), n);
		memset(text, 0, sizeof(text));
		fixture_end();
	}
}

static void a_body_that_does_not_come_is_408(void **state)
{
	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.entry_point->transport.responding_timeouts.read =
		(struct duration){150 * NS_PER_MS, true};
	fixture_run();
	assert_begins(fixture_ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"),
		      "HTTP/1.1 408 ");
	fixture_end();
}

static void options_about_the_proxy_itself_are_answered_here(void **state)
{
	(void)state;
	fixture_start(OK_ANSWER);
	assert_begins(fixture_ask("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		      "HTTP/1.1 200 ");
	assert_int_equal(fixture_server.n_requests, 0);
	fixture_end();
}

static void denied_escapes_are_400(void **state)
{
	struct ep_encoded_characters allowed = {.percent = true};

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.entry_point->http.encoded_characters = &allowed;
	fixture_run();
	assert_begins(fixture_ask("GET /a%2fb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		      "HTTP/1.1 400 ");
	assert_begins(fixture_ask("GET /a%25b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		      "HTTP/1.1 200 ");
	fixture_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_middleware_may_make_a_request_wait),
		cmocka_unit_test(a_client_may_leave_while_a_job_runs),
		cmocka_unit_test(the_end_may_come_while_a_job_runs),
		cmocka_unit_test(a_refusal_is_an_answer_like_any_other),
		cmocka_unit_test(bodies_of_any_size_pass),
		cmocka_unit_test(a_body_that_does_not_come_is_408),
		cmocka_unit_test(options_about_the_proxy_itself_are_answered_here),
		cmocka_unit_test(denied_escapes_are_400),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
