// SPDX-License-Identifier: Apache-2.0
/*
 * sockets_test: the programs that choose sockets, on real sockets in a network namespace of this
 * process: addresses that nobody bound, generations, what waits when a socket closes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_socket.h"
#include "ingress_rows.h"
#include "loader.h"
#include "socket_steer.h"

enum { PORT = 8000, FIRST = 20000, LAST = 30000, POINT = 3, WORKERS = 2, NOBODY = 65534 };

#define VIP "192.0.2.1"

static char folder[64];
static const struct loader_options options = {.folder = folder, .no_dispatcher = true};
static struct socket_steer steer = SOCKET_STEER_NONE;

/* The virtual address's range of ports belongs to the point. */
static void configure(void)
{
	struct dataplane_result result;
	struct dataplane *dataplane;
	struct arena arena;
	struct addr vip;

	arena_init(&arena, 1 << 20, 0);
	struct kernel_config *config = kernel_config_new(&arena);

	addr_parse(STR(VIP), &vip);
	for (int i = 0; i < 2; i++) {
		assert_true(kernel_config_add(config, STR("web"), &vip, FIRST,
					      i ? IPPROTO_UDP : IPPROTO_TCP, NULL));
		config->entries[config->n_entries - 1].port_last = LAST;
		config->entries[config->n_entries - 1].point = POINT;
	}
	assert_int_equal(dataplane_open_pinned(folder, &dataplane), 0);
	assert_int_equal(dataplane_apply(dataplane, config, &result), 0);
	dataplane_close(dataplane);
	arena_done(&arena);
}

static int begin(void **state)
{
	struct loader_fault fault;

	snprintf(folder, sizeof(folder), "/sys/fs/bpf/tg-sock-%d", (int)getpid());
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(
		system("ip link set lo up && ip route add local 192.0.2.0/24 dev lo table local"),
		0);
	if (loader_load(&options, &fault) || socket_steer_open(folder, &steer)) {
		print_message("%s\n", fault.text);
		loader_unload(&options, &fault);
		return 0;
	}
	configure();
	*state = &steer;
	return 0;
}

static int clean(void **state)
{
	struct loader_fault fault;

	(void)state;
	socket_steer_close(&steer);
	return loader_unload(&options, &fault);
}

static struct sockaddr_in at(const char *address, uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, address, &sa.sin_addr);
	return sa;
}

static void open_group(int type, struct dataplane_socket *ret_sockets)
{
	const struct sockaddr_in sa = at("127.0.0.1", PORT);

	for (int i = 0; i < WORKERS; i++) {
		int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
		if (type == SOCK_STREAM)
			assert_int_equal(listen(fd, 64), 0);
		ret_sockets[i] = (struct dataplane_socket){fd, POINT};
	}
}

static void close_group(struct dataplane_socket *sockets)
{
	for (int i = 0; i < WORKERS; i++)
		close(sockets[i].fd);
}

/* A connected socket, or a negative errno. */
static int dial(const char *address, uint16_t port)
{
	const struct sockaddr_in sa = at(address, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!connect(fd, (const struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	int err = -errno;

	close(fd);
	return err;
}

/* How many wait; they are taken and closed. */
static int waiting(const struct dataplane_socket *sockets)
{
	int n = 0;

	for (int i = 0; i < WORKERS; i++) {
		for (int fd; (fd = accept(sockets[i].fd, NULL, NULL)) >= 0; n++)
			close(fd);
	}
	return n;
}

static struct abi_point_stat stat_of(void)
{
	struct abi_point_stat stat = {0};

	assert_int_equal(dataplane_socket_stat(&steer, POINT, &stat), 0);
	return stat;
}

static void a_range_of_an_address_reaches_sockets_that_did_not_bind_it(void **state)
{
	struct dataplane_socket sockets[WORKERS];

	if (!*state)
		skip();
	CHECK_INT("nobody listens", dial(VIP, FIRST), -ECONNREFUSED);
	CHECK_INT("counted", stat_of().missed, 1);
	open_group(SOCK_STREAM, sockets);
	assert_int_equal(dataplane_socket_publish(&steer, sockets, WORKERS, false), 0);
	for (uint16_t port = FIRST; port <= LAST; port = (uint16_t)(port + 1000)) {
		int fd = dial(VIP, port);

		assert_true(fd >= 0);
		close(fd);
	}
	CHECK_INT("all came", waiting(sockets), 11);
	CHECK_INT("counted", stat_of().steered, 11);
	CHECK_INT("chosen", stat_of().chosen, 11);
	CHECK_INT("beside the range", dial(VIP, LAST + 1), -ECONNREFUSED);
	close_group(sockets);
	CHECK_INT("gone with them", dial(VIP, FIRST), -ECONNREFUSED);
}

static void datagrams_too(void **state)
{
	struct dataplane_socket sockets[WORKERS];
	const struct sockaddr_in sa = at(VIP, FIRST + 7);
	int n = 0;

	if (!*state)
		skip();
	open_group(SOCK_DGRAM, sockets);
	assert_int_equal(dataplane_socket_publish(&steer, sockets, WORKERS, false), 0);
	for (int i = 0; i < 8; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		sendto(fd, "x", 1, 0, (const struct sockaddr *)&sa, sizeof(sa));
		close(fd);
	}
	for (int i = 0; i < WORKERS; i++)
		for (char byte; recv(sockets[i].fd, &byte, 1, 0) == 1;)
			n++;
	CHECK_INT("all came", n, 8);
	close_group(sockets);
}

static void the_next_generation_gets_what_is_new_and_what_still_waits(void **state)
{
	struct dataplane_socket old[WORKERS], new[WORKERS];
	enum { CROWD = 20 };
	int before[CROWD], after[CROWD];

	if (!*state)
		skip();
	open_group(SOCK_STREAM, old);
	assert_int_equal(dataplane_socket_publish(&steer, old, WORKERS, false), 0);
	for (int i = 0; i < CROWD; i++)
		assert_true((before[i] = dial("127.0.0.1", PORT)) >= 0);
	/* They are in one group now, and nothing goes to the new ones before it is said. */
	open_group(SOCK_STREAM, new);
	for (int i = 0; i < CROWD; i++)
		assert_true((after[i] = dial("127.0.0.1", PORT)) >= 0);
	CHECK_INT("none early", waiting(new), 0);
	for (int i = 0; i < CROWD; i++)
		close(after[i]);
	assert_int_equal(dataplane_socket_publish(&steer, new, WORKERS, false), 0);
	for (int i = 0; i < CROWD; i++)
		assert_true((after[i] = dial(i % 2 ? VIP : "127.0.0.1", i % 2 ? FIRST : PORT)) >=
			    0);
	CHECK_INT("new ones", waiting(new), CROWD);
	uint64_t moved = stat_of().moved;

	close_group(old);
	CHECK_INT("those that waited", waiting(new), 2 * CROWD);
	CHECK_INT("counted", stat_of().moved - moved, 2 * CROWD);
	for (int i = 0; i < CROWD; i++) {
		close(before[i]);
		close(after[i]);
	}
	close_group(new);
}

static void publishing_needs_no_privilege(void **state)
{
	struct dataplane_socket sockets[WORKERS];
	int status;

	if (!*state)
		skip();
	open_group(SOCK_STREAM, sockets);
	pid_t child = fork();

	if (!child) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(2);
		_exit(dataplane_socket_publish(&steer, sockets, WORKERS, true) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	CHECK_INT("as nobody", status, 0);
	int fd = dial(VIP, FIRST);

	assert_true(fd >= 0);
	CHECK_INT("came", waiting(sockets), 1);
	close(fd);
	close_group(sockets);
}

static void it_outlives_a_replacement_of_the_programs(void **state)
{
	struct dataplane_socket sockets[WORKERS];
	struct loader_fault fault;

	if (!*state)
		skip();
	open_group(SOCK_STREAM, sockets);
	assert_int_equal(dataplane_socket_publish(&steer, sockets, WORKERS, false), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(loader_load(&options, &fault), 0);
		int fd = dial(VIP, FIRST);

		assert_true(fd >= 0);
		close(fd);
	}
	CHECK_INT("came", waiting(sockets), 10);
	close_group(sockets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_of_an_address_reaches_sockets_that_did_not_bind_it),
		cmocka_unit_test(datagrams_too),
		cmocka_unit_test(the_next_generation_gets_what_is_new_and_what_still_waits),
		cmocka_unit_test(publishing_needs_no_privilege),
		cmocka_unit_test(it_outlives_a_replacement_of_the_programs),
	};

	return cmocka_run_group_tests(tests, begin, clean);
}
