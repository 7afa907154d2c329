// SPDX-License-Identifier: Apache-2.0
/* proxy_test: start, publish under load, drain, stop. */

#include "proxy/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "proxy_fixture.h"

static _Atomic bool stopping;
static _Atomic unsigned int n_good, n_bad;

/* Keep-alive requests for as long as it takes; every one must be answered, over the same
 * connection. */
static void *load(void *arg)
{
	int fd = loopback_connect(fixture.port);
	char got[4096];

	(void)arg;
	while (!stopping) {
		ssize_t n;

		if (send(fd, GET, strlen(GET), MSG_NOSIGNAL) < 0 ||
		    (n = recv(fd, got, sizeof(got) - 1, 0)) <= 0) {
			n_bad++;
			break;
		}
		got[n] = 0;
		if (strncmp(got, "HTTP/1.1 200", 12) == 0)
			n_good++;
		else
			n_bad++;
	}
	close(fd);
	return NULL;
}

static void publishing_under_load_fails_nobody(void **state)
{
	struct loopback_route route = {.rule = "PathPrefix(`/`)"};
	pthread_t threads[8];

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	route.ports[0] = fixture_server.port;
	assert_int_equal(loopback_start(&fixture, loopback_snapshot(&fixture, &route, 1), 2,
					(struct proxy_hooks){0}),
			 0);
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, load, NULL);
	for (int i = 0; i < 100; i++) {
		struct snapshot *snapshot = loopback_snapshot(&fixture, &route, 1);
		uint64_t revision = snapshot->revision;

		proxy_publish(fixture.proxy, snapshot);
		snapshot_unref(snapshot);
		for (int j = 0; j < 1000 && proxy_revision(fixture.proxy) < revision; j++)
			poll(NULL, 0, 1);
		assert_int_equal(proxy_revision(fixture.proxy), revision);
	}
	stopping = true;
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(n_bad, 0);
	assert_true(n_good > 100);
	struct proxy_status status = loopback_settled(&fixture);

	/* One per worker: nothing of the past is left. */
	assert_int_equal(status.snapshots_held, 2);
	fixture_end();
}

static void draining_lets_requests_finish_and_says_so(void **state)
{
	int idle, busy;

	(void)state;
	fixture_start(OK_ANSWER);
	idle = loopback_connect(fixture.port);
	busy = loopback_connect(fixture.port);
	assert_has(fixture_talk(idle, GET, "ok"), "200 OK");
	assert_int_equal(send(busy, "GET / HTTP/1.1\r\n", 16, 0), 16);
	poll(NULL, 0, 50);
	assert_int_equal(proxy_entry_point_connections(fixture.proxy, 0), 2);
	proxy_drain(fixture.proxy, 0);
	assert_string_equal(fixture_talk(idle, NULL, "?"), "");
	assert_false(proxy_drained(fixture.proxy));
	assert_has(fixture_talk(busy, "Host: x\r\n\r\n", "ok"), "Connection: close\r\n");
	for (int i = 0; i < 300 && !proxy_drained(fixture.proxy); i++)
		poll(NULL, 0, 10);
	assert_true(proxy_drained(fixture.proxy));
	assert_int_equal(loopback_connect(fixture.port), -1);
	close(idle);
	close(busy);
	fixture_end();
}

static void a_port_in_use_is_an_error_that_names_the_entry_point(void **state)
{
	struct proxy_listener *listeners;
	size_t n, bad = 99;
	uint16_t port;
	int fd = loopback_listen(&port);

	(void)state;
	loopback_init(&fixture, port);
	assert_int_equal(proxy_listeners_open(&fixture.config, 2, NULL, 0, &listeners, &n, &bad),
			 -EADDRINUSE);
	assert_int_equal(bad, 0);
	close(fd);
	loopback_stop(&fixture);
}

static void workers_are_as_many_as_asked_for(void **state)
{
	struct static_config config = {.workers = 3};

	(void)state;
	assert_int_equal(proxy_worker_count(&config), 3);
	config.workers = 0;
	assert_true(proxy_worker_count(&config) >= 1);
	proxy_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publishing_under_load_fails_nobody),
		cmocka_unit_test(draining_lets_requests_finish_and_says_so),
		cmocka_unit_test(a_port_in_use_is_an_error_that_names_the_entry_point),
		cmocka_unit_test(workers_are_as_many_as_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
