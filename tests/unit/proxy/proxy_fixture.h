/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXY_FIXTURE_H
#define PROXY_FIXTURE_H

/* proxy_fixture: one running proxy with one route to one scripted server, and the ways to ask it.
 */

#include "proxy/loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define GET	  "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_CLOSE "GET /a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct loopback fixture;
static struct loopback_server fixture_server;
static const char *fixture_answers[8];

/* Answers up to a final NULL pointer are given in turn; "" stands for closing. Change fixture.*
 * before fixture_run(). */
static inline void fixture_prepare(const char *const *answers)
{
	size_t n = 0;

	for (; answers[n]; n++)
		fixture_answers[n] = answers[n][0] ? answers[n] : NULL;
	loopback_serve(&fixture_server, fixture_answers, n);
	loopback_init(&fixture, 0);
}

static inline void fixture_run_route(struct loopback_route route, struct proxy_hooks hooks)
{
	if (!route.rule)
		route.rule = "PathPrefix(`/`)";
	if (!route.ports[0])
		route.ports[0] = fixture_server.port;
	assert_int_equal(loopback_start(&fixture, loopback_snapshot(&fixture, &route, 1), 1, hooks),
			 0);
}

static inline void fixture_run(void)
{
	fixture_run_route((struct loopback_route){0}, (struct proxy_hooks){0});
}

#define fixture_start(...)                                                 \
	do {                                                               \
		fixture_prepare((const char *const[]){__VA_ARGS__, NULL}); \
		fixture_run();                                             \
	} while (0)

/* Ends everything; first, nothing may be left over. */
static inline void fixture_end(void)
{
	struct proxy_status status = loopback_settled(&fixture);

	assert_int_equal(status.connections_open, 0);
	assert_int_equal(status.connections_idle, 0);
	assert_int_equal(status.requests_active, 0);
	assert_int_equal(status.upstream_active, 0);
	assert_int_equal(status.tunnels_active, 0);
	loopback_stop(&fixture);
	loopback_serve_done(&fixture_server);
}

static inline const char *fixture_ask(const char *text)
{
	return loopback_ask(fixture.port, text);
}

static inline void assert_begins(const char *text, const char *prefix)
{
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		print_error("got: %s\n", text);
	assert_int_equal(strncmp(text, prefix, strlen(prefix)), 0);
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_error("got: %s\nwanted: %s\n", text, part);
	assert_non_null(strstr(text, part));
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		print_error("got: %s\nunwanted: %s\n", text, part);
	assert_null(strstr(text, part));
}

/* Sends on an open connection and reads until `until` is in what came back. */
static inline const char *fixture_talk(int fd, const char *text, const char *until)
{
	static char got[65536];
	size_t n = 0;
	ssize_t some;

	got[0] = 0;
	if (text)
		assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	while (!strstr(got, until) && (some = recv(fd, got + n, sizeof(got) - 1 - n, 0)) > 0) {
		n += (size_t)some;
		got[n] = 0;
	}
	return got;
}

#endif
