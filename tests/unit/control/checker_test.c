// SPDX-License-Identifier: Apache-2.0
/* checker_test: checks against sockets of our own, and what is told of them. */

#include "control/checker.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "net/sock.h"
#include "plan/stream_plan.h"
#include "plan/vip_probe.h"

enum { PATIENCE_MS = 5000 };

struct world {
	struct snapshot *snapshot;
	struct checker *checker;
	struct live_member members[2];
	struct vip_target target;
	struct vip_probe probe;
	struct stream_server server;
	struct stream_service service;
	struct stream_probe stream;
	_Atomic int changes;
	int listen_fd;
	uint16_t port;
};

static void on_change(void *context)
{
	atomic_fetch_add(&((struct world *)context)->changes, 1);
}

static void listen_here(struct world *world)
{
	struct sock_listen_options options = {.backlog = 16};
	struct addr addr;

	addr_parse(STR("127.0.0.1"), &options.addr);
	options.port = world->port;
	assert_int_equal(sock_listen(&options, &world->listen_fd), 0);
	assert_int_equal(sock_local(world->listen_fd, &addr, &world->port), 0);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	listen_here(world);
	world->snapshot = snapshot_new(1);
	world->target.port = world->server.port = world->port;
	addr_parse(STR("127.0.0.1"), &world->target.addr);
	world->server.addr = world->target.addr;
	world->target.member = &world->members[0];
	world->server.member = &world->members[1];
	world->probe = (struct vip_probe){.name = STR("VirtualAddress/a/b"),
					  .path = STR("/ok"),
					  .interval_ns = 20000000,
					  .timeout_ns = 500000000,
					  .healthy_threshold = 1,
					  .unhealthy_threshold = 2,
					  .targets = &world->target,
					  .n_targets = 1};
	world->service = (struct stream_service){
		.name = STR("s"), .servers = &world->server, .n_servers = 1};
	world->stream = (struct stream_probe){.service = &world->service,
					      .send = STR("PING"),
					      .expect = STR("PONG"),
					      .interval_ns = 20000000,
					      .unhealthy_interval_ns = 20000000,
					      .timeout_ns = 500000000};
	assert_int_equal(checker_new(on_change, world, &world->checker), 0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	checker_free(world->checker);
	snapshot_unref(world->snapshot);
	if (world->listen_fd >= 0)
		close(world->listen_fd);
	free(world);
	return 0;
}

/* Answers whoever asks until the number of changes is reached. */
static void serve_until(struct world *world, int changes, const char *answer, char *ret_question)
{
	for (int ms = 0; atomic_load(&world->changes) < changes; ms += 5) {
		struct addr peer;
		uint16_t port;
		int fd;

		assert_true(ms < PATIENCE_MS);
		if (world->listen_fd < 0 || sock_accept(world->listen_fd, &peer, &port, &fd) < 0) {
			poll(NULL, 0, 5);
			continue;
		}
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		char text[512] = "";

		if (answer && poll(&readable, 1, 100) > 0 && read(fd, text, sizeof(text) - 1) > 0) {
			assert_int_equal(write(fd, answer, strlen(answer)), strlen(answer));
			if (ret_question)
				snprintf(ret_question, 512, "%s", text);
		}
		close(fd);
	}
}

static bool is_up(const struct live_member *member)
{
	return live_member_is_up(member, 1);
}

static void a_backend_that_takes_no_connection_is_down_until_it_does(void **state)
{
	struct world *world = *state;

	close(world->listen_fd);
	world->listen_fd = -1;
	world->snapshot->vip_probes = &world->probe;
	checker_follow(world->checker, world->snapshot);
	serve_until(world, 1, NULL, NULL);
	assert_false(is_up(&world->members[0]));
	listen_here(world);
	serve_until(world, 2, NULL, NULL);
	assert_true(is_up(&world->members[0]));
}

static void http_answers_are_judged_by_their_status(void **state)
{
	struct world *world = *state;
	char question[512] = "";

	world->probe.is_http = true;
	world->snapshot->vip_probes = &world->probe;
	checker_follow(world->checker, world->snapshot);
	serve_until(world, 1, "HTTP/1.1 503 Nope\r\n\r\n", question);
	assert_false(is_up(&world->members[0]));
	assert_non_null(strstr(question, "GET /ok HTTP/1.1\r\nHost: 127.0.0.1:"));
	serve_until(world, 2, "HTTP/1.0 204 Fine\r\n\r\n", NULL);
	assert_true(is_up(&world->members[0]));
	serve_until(world, 3, "SSH-2.0-x\r\n", NULL);
	assert_false(is_up(&world->members[0]));
}

static void a_server_must_answer_exactly_what_is_expected(void **state)
{
	struct world *world = *state;
	char question[512] = "";

	world->snapshot->stream_probes = &world->stream;
	checker_follow(world->checker, world->snapshot);
	serve_until(world, 1, "PONG?", question);
	assert_false(is_up(&world->members[1]));
	assert_string_equal(question, "PING");
	serve_until(world, 2, "PONG", NULL);
	assert_true(is_up(&world->members[1]));
}

static void what_an_update_takes_away_is_checked_no_more(void **state)
{
	struct world *world = *state;
	struct snapshot *empty = snapshot_new(2);
	struct addr peer;
	uint16_t port;
	int fd, n = 0;

	world->snapshot->vip_probes = &world->probe;
	checker_follow(world->checker, world->snapshot);
	checker_follow(world->checker, world->snapshot);
	poll(NULL, 0, 100);
	checker_follow(world->checker, empty);
	snapshot_unref(empty);
	poll(NULL, 0, 50);
	while (sock_accept(world->listen_fd, &peer, &port, &fd) == 0)
		close(fd);
	poll(NULL, 0, 100);
	while (sock_accept(world->listen_fd, &peer, &port, &fd) == 0) {
		close(fd);
		n++;
	}
	assert_int_equal(n, 0);
	assert_true(is_up(&world->members[0]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_backend_that_takes_no_connection_is_down_until_it_does),
		TEST(http_answers_are_judged_by_their_status),
		TEST(a_server_must_answer_exactly_what_is_expected),
		TEST(what_an_update_takes_away_is_checked_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
