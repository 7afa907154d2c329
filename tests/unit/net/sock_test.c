// SPDX-License-Identifier: Apache-2.0
/* sock_test: sockets over loopback, as results. */

#include "net/sock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addr loopback(void)
{
	struct addr addr;

	assert_int_equal(addr_parse(STR("127.0.0.1"), &addr), 0);
	return addr;
}

static int listen_on(struct addr addr, uint16_t *port)
{
	struct sock_listen_options options = {.addr = addr, .port = *port, .reuse_port = true};
	struct addr local;
	int fd;

	assert_int_equal(sock_listen(&options, &fd), 0);
	assert_int_equal(sock_local(fd, &local, port), 0);
	return fd;
}

static void wait_for(int fd, short events)
{
	struct pollfd waiting = {.fd = fd, .events = events};

	assert_int_equal(poll(&waiting, 1, 2000), 1);
}

static void connect_both(int listener, uint16_t port, int *ret_client, int *ret_server)
{
	struct addr addr = loopback(), peer;
	uint16_t peer_port, local_port;
	struct addr local;

	assert_int_equal(sock_connect(&addr, port, ret_client), -EINPROGRESS);
	wait_for(*ret_client, POLLOUT);
	assert_int_equal(sock_error(*ret_client), 0);
	wait_for(listener, POLLIN);
	assert_int_equal(sock_accept(listener, &peer, &peer_port, ret_server), 0);
	assert_int_equal(sock_local(*ret_client, &local, &local_port), 0);
	assert_true(addr_eq(&peer, &local));
	assert_int_equal(peer_port, local_port);
}

static void bytes_and_ends_arrive(void **state)
{
	uint16_t port = 0;
	int listener = listen_on(loopback(), &port), client, server;
	struct iovec parts[] = {{(void *)"ab", 2}, {(void *)"cd", 2}};
	char buf[16];
	int one = 0;
	socklen_t len = sizeof(one);

	(void)state;
	connect_both(listener, port, &client, &server);
	/* Inherited from the listener. */
	assert_int_equal(getsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, &len), 0);
	assert_int_equal(one, 1);
	assert_int_equal(getsockopt(server, SOL_SOCKET, SO_KEEPALIVE, &one, &len), 0);
	assert_int_equal(one, 1);
	assert_int_equal(sock_read(server, buf, sizeof(buf)), -EAGAIN);
	assert_int_equal(sock_writev(client, parts, 2), 4);
	assert_int_equal(sock_write(client, "e", 1), 1);
	wait_for(server, POLLIN);
	assert_int_equal(sock_read(server, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "abcde", 5);
	assert_int_equal(sock_shut_write(client), 0);
	wait_for(server, POLLIN);
	assert_int_equal(sock_read(server, buf, sizeof(buf)), 0);
	sock_abort(client);
	wait_for(server, POLLHUP);
	/* An error, and no signal that ends the program. */
	assert_true(sock_write(server, "x", 1) < 0);
	assert_int_equal(sock_write(server, "x", 1), -EPIPE);
	close(server);
	close(listener);
}

static void nobody_listening_is_an_error_of_connecting(void **state)
{
	uint16_t port = 0;
	int listener = listen_on(loopback(), &port), fd;
	struct addr addr = loopback();

	(void)state;
	close(listener);
	int error = sock_connect(&addr, port, &fd);

	if (error == -EINPROGRESS) {
		wait_for(fd, POLLOUT);
		error = sock_error(fd);
		close(fd);
	}
	assert_int_equal(error, -ECONNREFUSED);
}

static void several_sockets_share_a_port_and_an_empty_address_takes_both_families(void **state)
{
	struct addr any = {0}, peer, v4 = loopback();
	uint16_t port = 0, peer_port;
	int first = listen_on(any, &port), second = listen_on(any, &port), client, server;

	(void)state;
	assert_int_equal(sock_connect(&v4, port, &client), -EINPROGRESS);
	wait_for(client, POLLOUT);
	assert_int_equal(sock_error(client), 0);
	struct pollfd waiting[] = {{.fd = first, .events = POLLIN},
				   {.fd = second, .events = POLLIN}};

	assert_int_equal(poll(waiting, 2, 2000), 1);
	assert_int_equal(
		sock_accept(waiting[0].revents ? first : second, &peer, &peer_port, &server), 0);
	assert_true(addr_is_v4(&peer));
	assert_int_equal(sock_accept(first, &peer, &peer_port, &server), -EAGAIN);
	close(server);
	close(client);
	close(first);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_ends_arrive),
		cmocka_unit_test(nobody_listening_is_an_error_of_connecting),
		cmocka_unit_test(
			several_sockets_share_a_port_and_an_empty_address_takes_both_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
