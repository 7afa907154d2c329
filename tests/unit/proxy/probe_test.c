// SPDX-License-Identifier: Apache-2.0
/* probe_test: what one probe asks, and what it makes of the answer (reference d.3). */

#include "proxy/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "bare_worker.h"
#include "proxy/loopback.h"

static struct bare_worker *bare;
static struct worker *worker;
static struct server target;
static struct health_probe conf;
static struct probe probe;
static unsigned int n_done;
static bool was_up;
static enum probe_result last_result;
static char reason[128];
static char last[8192];

static int set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	worker = &bare->worker;
	target = (struct server){.id = 5, .transport = &transport_plain, .url = STR("app.test:80")};
	addr_parse(STR("127.0.0.1"), &target.addr);
	conf = (struct health_probe){.method = STR("GET"),
				     .path = STR("/ready?x=1"),
				     .follow_redirects = true,
				     .timeout_ns = 2 * NS_PER_SEC};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	probe_cancel(&probe);
	bare_worker_free(bare);
	return 0;
}

static void on_done(struct probe *self, enum probe_result result, struct str why)
{
	assert_ptr_equal(self, &probe);
	n_done++;
	last_result = result;
	was_up = result == PROBE_UP;
	snprintf(reason, sizeof(reason), STR_FMT, STR_ARG(why));
}

static bool run(void)
{
	n_done = 0;
	probe = (struct probe){
		.worker = worker, .conf = &conf, .target = &target, .on_done = on_done};
	probe_begin(&probe);
	assert_int_equal(n_done, 0);
	for (int i = 0; i < 500 && !n_done; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	assert_int_equal(n_done, 1);
	assert_false(probe.runs);
	assert_int_equal(upstream_pool(worker, target.id)->n_open, 0);
	return was_up;
}

static bool answered(const char *const *answers, size_t n)
{
	struct loopback_server server;
	bool is_up;

	loopback_serve(&server, answers, n);
	target.port = server.port;
	is_up = run();
	loopback_serve_done(&server);
	memcpy(last, server.last, sizeof(last));
	return is_up;
}

static void statuses_decide(void **state)
{
	static const struct {
		const char *answer;
		uint16_t want;
		bool is_up;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, true},
		{"HTTP/1.1 204 No Content\r\n\r\n", 0, true},
		{"HTTP/1.1 399 x\r\nContent-Length: 0\r\n\r\n", 0, true},
		{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 0, false},
		{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 0, false},
		{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 503, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 204, false},
		{"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0,
		 true},
		{"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.test/\r\nContent-Length: "
		 "0\r\n\r\n",
		 0, true},
		{"HELLO\r\n\r\n", 0, false},
		{NULL, 0, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		conf.status = rows[i].want;
		if (answered(&rows[i].answer, 1) != rows[i].is_up)
			fail_msg("row %zu: %s", i, reason);
	}
}

static void the_request_is_as_configured(void **state)
{
	static const char *const answer[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
	struct str_pair headers[] = {{STR("X-Probe"), STR("yes")}, {STR("Host"), STR("evil")}};
	(void)state;
	assert_true(answered(answer, 1));
	assert_ptr_equal(strstr(last, "GET /ready?x=1 HTTP/1.1\r\n"), last);
	assert_non_null(strstr(last, "\r\nHost: app.test:80\r\n"));
	conf.method = STR("PROPFIND");
	conf.host = STR("h.test");
	conf.headers = (struct str_map){headers, 2};
	assert_true(answered(answer, 1));
	assert_ptr_equal(strstr(last, "PROPFIND /ready"), last);
	assert_non_null(strstr(last, "\r\nHost: h.test\r\n"));
	assert_non_null(strstr(last, "\r\nX-Probe: yes\r\n"));
	assert_null(strstr(last, "evil"));
}

static void redirections_to_the_same_server_are_followed(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 302 Found\r\nLocation: /other#x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 307 x\r\nLocation: http://app.test:80/third?a\r\nContent-Length: "
		"0\r\n\r\n",
		"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n",
	};
	static const char *const endless[] = {
		"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"};
	(void)state;
	assert_false(answered(answers, 3));
	assert_string_equal(reason, "status 500");
	assert_ptr_equal(strstr(last, "GET /third?a HTTP/1.1\r\n"), last);
	assert_false(answered(endless, 1));
	assert_string_equal(reason, "too many redirections");
	conf.follow_redirects = false;
	assert_true(answered(answers, 3));
	assert_string_equal(reason, "status 302");
}

static void grpc_must_say_serving(void **state)
{
	static const struct {
		const char *answer, *reason;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\ngrpc-status: 12\r\nContent-Length: 0\r\n\r\n",
		 "gRPC status 12"},
		{"HTTP/1.1 200 OK\r\ngrpc-status: 0\r\nContent-Length: 0\r\n\r\n", "not SERVING"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "gRPC status none"},
		{"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", "status 503"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\ngrpc-status: "
		 "14\r\n\r\n",
		 "gRPC status 14"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		 "the answer is not gRPC"},
	};

	(void)state;
	conf.is_grpc = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_false(answered(&rows[i].answer, 1));
		assert_string_equal(reason, rows[i].reason);
		assert_ptr_equal(strstr(last, "POST /grpc.health.v1.Health/Check HTTP/1.1\r\n"),
				 last);
	}
}

static void silence_and_refusal_are_failures(void **state)
{
	int listener = loopback_listen(&target.port);

	(void)state;
	conf.timeout_ns = 50 * NS_PER_MS;
	assert_false(run());
	assert_string_equal(reason, "no answer in time");
	close(listener);
	assert_false(run());
	assert_string_equal(reason, "no connection could be made");
	assert_int_equal(last_result, PROBE_DOWN);
}

static void want_of_our_own_says_nothing_of_the_server(void **state)
{
	int listener = loopback_listen(&target.port);
	struct upstream_owner nobody = {.events = NULL};
	struct upstream *other;

	(void)state;
	bare->shared.max_open_per_server = 1;
	assert_int_equal(upstream_dial(worker, &target, &nobody, &other), 0);
	n_done = 0;
	probe = (struct probe){
		.worker = worker, .conf = &conf, .target = &target, .on_done = on_done};
	probe_begin(&probe);
	assert_int_equal(n_done, 0);
	upstream_release(other, false);
	for (int i = 0; i < 50 && !n_done; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	assert_int_equal(n_done, 1);
	assert_int_equal(last_result, PROBE_UNKNOWN);
	close(listener);
}

static void one_that_is_cancelled_says_nothing(void **state)
{
	int listener = loopback_listen(&target.port);

	(void)state;
	n_done = 0;
	probe = (struct probe){
		.worker = worker, .conf = &conf, .target = &target, .on_done = on_done};
	probe_begin(&probe);
	probe_cancel(&probe);
	probe_cancel(&probe);
	for (int i = 0; i < 5; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	assert_int_equal(n_done, 0);
	assert_int_equal(upstream_pool(worker, target.id)->n_open, 0);
	close(listener);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(statuses_decide),
		TEST(the_request_is_as_configured),
		TEST(redirections_to_the_same_server_are_followed),
		TEST(grpc_must_say_serving),
		TEST(silence_and_refusal_are_failures),
		TEST(want_of_our_own_says_nothing_of_the_server),
		TEST(one_that_is_cancelled_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
