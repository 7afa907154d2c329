// SPDX-License-Identifier: Apache-2.0
/* mirror_test: copies go out after the answer, and nobody waits for them. */

#include "proxy/mirror.h"

#include "hooks.h"

static struct loopback_server other;
static int64_t max_body;
static bool with_body;
static uint8_t percent;

static void make_mirroring(struct route *route, struct snapshot *snapshot)
{
	struct service *mirroring = ARENA_NEW(&snapshot->arena, struct service);
	struct service *mirror = ARENA_NEW(&snapshot->arena, struct service);
	struct server *server = ARENA_NEW(&snapshot->arena, struct server);
	struct service_child *children = ARENA_ARRAY(&snapshot->arena, struct service_child, 2);

	*server = route->service->servers[0];
	server->port = other.port;
	server->id = other.port;
	*mirror = *route->service;
	mirror->servers = server;
	mirror->n_servers = mirror->turns.n_order = 1;
	*mirroring = *route->service;
	mirroring->kind = SERVICE_MIRRORING;
	mirroring->n_servers = 0;
	mirroring->children = children;
	mirroring->n_children = 2;
	mirroring->max_body_bytes = max_body;
	mirroring->mirror_body = with_body;
	children[0] = (struct service_child){.service = route->service, .weight = 1};
	children[1] = (struct service_child){.service = mirror, .percent = percent};
	route->service = mirroring;
}

static void start(void)
{
	static const char *const bad[] = {"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nnope"};

	loopback_serve(&other, bad, 1);
	hooks_start_edited((const char *const[]){OK_ANSWER, NULL}, make_mirroring);
}

static void wait_for(unsigned int n)
{
	for (int i = 0; i < 200 && other.n_requests < n; i++)
		poll(NULL, 0, 10);
	poll(NULL, 0, 20);
	assert_int_equal(other.n_requests, n);
}

static void end(int n)
{
	hooks_end(n);
	loopback_serve_done(&other);
}

static void the_mirror_gets_the_same_request(void **state)
{
	(void)state;
	max_body = -1;
	with_body = true;
	percent = 100;
	start();
	assert_begins(fixture_ask(POST_OF(3) "abc"), "HTTP/1.1 200 OK\r\n");
	wait_for(1);
	assert_begins(other.last, "POST /p HTTP/1.1\r\nHost: x\r\n");
	assert_has(other.last, "X-Forwarded-For: 127.0.0.1\r\n");
	assert_has(other.last, "Content-Length: 3\r\n\r\nabc");
	assert_has(fixture_server.last, "\r\n\r\nabc");
	end(1);
}

static void without_its_body_if_so_configured(void **state)
{
	(void)state;
	with_body = false;
	start();
	assert_begins(fixture_ask(POST_OF(3) "abc"), "HTTP/1.1 200 OK\r\n");
	wait_for(1);
	assert_lacks(other.last, "abc");
	end(1);
}

static void too_large_a_body_is_served_but_not_copied(void **state)
{
	(void)state;
	with_body = true;
	max_body = 2;
	start();
	assert_begins(fixture_ask(POST_OF(3) "abc"), "HTTP/1.1 200 OK\r\n");
	assert_has(fixture_server.last, "\r\n\r\nabc");
	assert_begins(fixture_ask(POST_OF(2) "ab"), "HTTP/1.1 200 OK\r\n");
	wait_for(1);
	assert_has(other.last, "\r\n\r\nab");
	end(2);
}

static void a_percentage_is_kept_exactly(void **state)
{
	(void)state;
	percent = 25;
	max_body = -1;
	start();
	for (int i = 0; i < 8; i++)
		assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 OK\r\n");
	wait_for(2);
	end(8);
}

/* A mirror that says nothing, when the proxy ends. */
static void what_still_runs_at_the_end_is_given_up(void **state)
{
	uint16_t port;
	int fd = loopback_listen(&port);

	(void)state;
	percent = 100;
	with_body = true;
	loopback_serve(&other, (const char *const[]){OK_ANSWER}, 1);
	other.port = port;
	hooks_start_edited((const char *const[]){OK_ANSWER, NULL}, make_mirroring);
	assert_begins(fixture_ask(POST_OF(3) "abc"), "HTTP/1.1 200 OK\r\n");
	int server = accept(fd, NULL, NULL);

	assert_true(server >= 0);
	loopback_stop(&fixture);
	loopback_serve_done(&fixture_server);
	loopback_serve_done(&other);
	close(server);
	close(fd);
	assert_int_equal(hooks_ended, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mirror_gets_the_same_request),
		cmocka_unit_test(without_its_body_if_so_configured),
		cmocka_unit_test(too_large_a_body_is_served_but_not_copied),
		cmocka_unit_test(a_percentage_is_kept_exactly),
		cmocka_unit_test(what_still_runs_at_the_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
