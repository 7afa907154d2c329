// SPDX-License-Identifier: Apache-2.0
/* admin_server_test: a real server on a unix socket and on loopback, asked by real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/admin_server.h"
#include "base/addr.h"

static char socket_path[64];
static struct admin_server *server;
static struct listen_address tcp;

static void hello(void *context, struct str query, struct admin_answer *answer)
{
	answer->content_type = "text/plain";
	buf_addf(answer->body, "%s " STR_FMT, (const char *)context, STR_ARG(query));
}

static void broken(void *context, struct str query, struct admin_answer *answer)
{
	(void)context;
	(void)query;
	answer->status = 503;
	buf_add(answer->body, STR("no"));
}

/* A port that is free now. */
static uint16_t free_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &length), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static int start(void **state)
{
	static const struct admin_handler handlers[] = {{"/hello", hello}, {"/broken", broken}};
	struct admin_options options = {
		.listen = &tcp,
		.socket_path = socket_path,
		.handlers = handlers,
		.n_handlers = 2,
		.context = (void *)"hi",
	};

	(void)state;
	snprintf(socket_path, sizeof(socket_path), "/tmp/tidegate-admin-%d.sock", getpid());
	addr_parse(STR("127.0.0.1"), &tcp.addr);
	tcp.port = free_port();
	return admin_server_open(&options, &server) || admin_server_start(server);
}

static int stop(void **state)
{
	(void)state;
	admin_server_stop(server);
	return access(socket_path, F_OK) == 0;
}

static int dial_unix(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static int dial_tcp(void)
{
	struct sockaddr_storage sa;
	socklen_t length = addr_to_sockaddr(&tcp.addr, tcp.port, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, length), 0);
	return fd;
}

static const char *ask(int fd, const char *request)
{
	static char answer[65536];
	size_t n = 0;
	ssize_t got;

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while (n < sizeof(answer) - 1 &&
	       (got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0)) > 0)
		n += (size_t)got;
	answer[n] = 0;
	close(fd);
	return answer;
}

static void answers_follow_the_table(void **state)
{
	static const struct {
		const char *name, *request, *starts, *holds;
		bool by_tcp;
	} rows[] = {
		{"a page", "GET /hello?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 ",
		 "hi a=b", false},
		{"a page by TCP", "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n",
		 "HTTP/1.1 200 ", "hi ", true},
		{"IPv6 literal", "GET /hello HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "HTTP/1.1 200 ",
		 "hi ", true},
		{"its own status", "GET /broken HTTP/1.1\r\nHost: localhost\r\n\r\n",
		 "HTTP/1.1 503 ", "no", false},
		{"HEAD has no body", "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
		 "HTTP/1.1 200 ", "Length: 3", false},
		{"no such page", "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 ", "",
		 false},
		{"other methods", "DELETE /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
		 "HTTP/1.1 405 ", "Allow", false},
		{"a rebound name", "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		 "HTTP/1.1 403 ", "", true},
		{"garbage", "\x16\x03\x01 not http\r\n\r\n", "HTTP/1.1 400 ", "", true},
		{"a bare line feed", "GET /hello HTTP/1.1\nHost: localhost\n\n", "HTTP/1.1 400 ",
		 "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *answer =
			ask(rows[i].by_tcp ? dial_tcp() : dial_unix(), rows[i].request);

		print_message("# %s\n", rows[i].name);
		assert_memory_equal(answer, rows[i].starts, strlen(rows[i].starts));
		assert_non_null(strstr(answer, rows[i].holds));
		assert_non_null(strstr(answer, "Connection: close\r\n"));
	}
}

static void the_socket_is_its_owners_alone(void **state)
{
	struct stat info;

	(void)state;
	assert_int_equal(stat(socket_path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void silent_peers_cannot_take_every_place(void **state)
{
	int silent[ADMIN_CONNECTIONS_MAX + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
		silent[i] = dial_unix();
	assert_non_null(
		strstr(ask(dial_unix(), "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"), "hi "));
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
		close(silent[i]);
}

static void a_socket_in_use_is_left_alone(void **state)
{
	struct admin_options options = {.socket_path = socket_path};
	struct admin_server *second;

	(void)state;
	assert_int_equal(admin_server_open(&options, &second), -EADDRINUSE);
	assert_non_null(
		strstr(ask(dial_unix(), "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"), "hi "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_follow_the_table),
		cmocka_unit_test(the_socket_is_its_owners_alone),
		cmocka_unit_test(silent_peers_cannot_take_every_place),
		cmocka_unit_test(a_socket_in_use_is_left_alone),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
