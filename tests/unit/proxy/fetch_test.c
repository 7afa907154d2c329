// SPDX-License-Identifier: Apache-2.0
/* fetch_test: a middleware asks another server before the request goes on. */

#include "proxy/fetch.h"

#include "hooks.h"

#include <errno.h>

#define AUTH_ANSWER "HTTP/1.1 201 Fine\r\nContent-Length: 5\r\nX-User: joe\r\n\r\nhello"

static struct loopback_server other;
static uint16_t other_port;
static const struct service *other_service;
static struct mw_fetch *fetched;
static int64_t max_answer;
static uint64_t timeout_ns;
static struct mw_fetch result;
static char result_body[64], result_user[16];

/* One more service, of one server. */
static void add_service(struct route *route, struct snapshot *snapshot)
{
	struct service *service = ARENA_NEW(&snapshot->arena, struct service);
	struct server *server = ARENA_NEW(&snapshot->arena, struct server);

	*service = *route->service;
	*server = route->service->servers[0];
	server->port = other_port;
	server->id = other_port;
	server->url = STR("other:1");
	server->host_at = 0;
	service->servers = server;
	service->n_servers = service->turns.n_order = 1;
	other_service = service;
}

static enum mw_verdict ask(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	struct mw_fetch *fetch = ARENA_NEW(call->request->arena, struct mw_fetch);

	(void)self;
	fetch->service = other_service;
	fetch->method = STR("POST");
	fetch->path = STR("/auth?x=1");
	fetch->headers.arena = call->request->arena;
	header_add(&fetch->headers, STR("X-Ask"), STR("1"));
	fetch->body = STR("question");
	fetch->max_response_bytes = max_answer;
	fetch->timeout_ns = timeout_ns;
	call->wait.fetch = fetched = fetch;
	return MW_WAIT;
}

static enum mw_verdict told(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	struct header *user;

	(void)self;
	(void)call;
	result = *fetched;
	snprintf(result_body, sizeof(result_body), STR_FMT, STR_ARG(fetched->response_body));
	user = header_find_name(&fetched->response_headers, STR("X-User"));
	snprintf(result_user, sizeof(result_user), STR_FMT, STR_ARG(user ? user->value : STR("")));
	return MW_NEXT;
}

static void start(const char *const *answers, size_t n)
{
	max_answer = -1;
	timeout_ns = 0;
	hooks_mw.on_request = ask;
	hooks_mw.on_resume = told;
	loopback_serve(&other, answers, n);
	other_port = other.port;
	hooks_start_edited((const char *const[]){OK_ANSWER, NULL}, add_service);
}

static void end(int n)
{
	hooks_end(n);
	loopback_serve_done(&other);
}

static void the_answer_is_there_when_it_goes_on(void **state)
{
	static const char *const answers[] = {AUTH_ANSWER,
					      "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
					      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
					      "\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"};

	(void)state;
	start(answers, 2);
	assert_has(fixture_ask(GET_CLOSE), " 200 OK");
	assert_int_equal(result.error, 0);
	assert_int_equal(result.status, 201);
	assert_string_equal(result_body, "hello");
	assert_string_equal(result_user, "joe");
	assert_begins(other.last, "POST /auth?x=1 HTTP/1.1\r\nHost: other:1\r\nX-Ask: 1\r\n");
	assert_has(other.last, "Content-Length: 8\r\n\r\nquestion");
	/* Over the same connection. */
	assert_has(fixture_ask(GET_CLOSE), " 200 OK");
	assert_int_equal(result.status, 200);
	assert_string_equal(result_body, "abc");
	assert_int_equal(other.n_accepted, 1);
	end(2);
}

static void failures_are_told(void **state)
{
	static const char *const answers[] = {"HTTP/9 what\r\n\r\n", NULL, AUTH_ANSWER};

	(void)state;
	start(answers, 3);
	assert_has(fixture_ask(GET_CLOSE), " 200 OK");
	assert_int_equal(result.error, -EPROTO);
	assert_has(fixture_ask(GET_CLOSE), " 200 OK");
	assert_int_equal(result.error, -ECONNRESET);
	max_answer = 3;
	assert_has(fixture_ask(GET_CLOSE), " 200 OK");
	assert_int_equal(result.error, -EMSGSIZE);
	end(3);
}

static void a_server_that_refuses_is_told_at_once(void **state)
{
	static const char *const answers[] = {AUTH_ANSWER};
	uint16_t closed;

	(void)state;
	close(loopback_listen(&closed));
	hooks_mw.on_request = ask;
	hooks_mw.on_resume = told;
	loopback_serve(&other, answers, 1);
	other_port = closed;
	hooks_start_edited((const char *const[]){OK_ANSWER, NULL}, add_service);
	assert_has(fixture_ask(GET_CLOSE), " 200 OK");
	assert_int_equal(result.error, -ECONNREFUSED);
	end(1);
}

/* The listener takes the connection and says nothing. */
static void silence_has_an_end(void **state)
{
	static const char *const answers[] = {AUTH_ANSWER};
	int fd;

	(void)state;
	fd = loopback_listen(&other_port);
	hooks_mw.on_request = ask;
	hooks_mw.on_resume = told;
	max_answer = -1;
	timeout_ns = 50 * NS_PER_MS;
	loopback_serve(&other, answers, 1);
	hooks_start_edited((const char *const[]){OK_ANSWER, NULL}, add_service);
	assert_has(fixture_ask(GET_CLOSE), " 200 OK");
	assert_int_equal(result.error, -ETIMEDOUT);
	/* A client that goes away gives the question up. */
	timeout_ns = 0;
	struct linger reset = {.l_onoff = 1};
	int client = loopback_connect(fixture.port);

	send(client, GET, strlen(GET), 0);
	poll(NULL, 0, 50);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(client);
	end(2);
	assert_int_equal(hooks_completed, 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_is_there_when_it_goes_on),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(a_server_that_refuses_is_told_at_once),
		cmocka_unit_test(silence_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
