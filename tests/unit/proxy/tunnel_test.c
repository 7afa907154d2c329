// SPDX-License-Identifier: Apache-2.0
/* tunnel_test: bytes both ways after an upgrade, and how each side's end is passed on. */

#include "proxy/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_fixture.h"

#define UPGRADE                                                                        \
	"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define SWITCH \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

static int listener;
static uint16_t port;

/* A tunnel: *ret_server is the server's end. early: sent behind the request. */
static int open_tunnel(const char *early, int *ret_server)
{
	struct loopback_route route = {0};
	char text[1024];
	int client;

	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	listener = loopback_listen(&port);
	route.ports[0] = port;
	fixture_run_route(route, (struct proxy_hooks){0});
	client = loopback_connect(fixture.port);
	snprintf(text, sizeof(text), "%s%s", UPGRADE, early);
	assert_int_equal(send(client, text, strlen(text), 0), strlen(text));
	*ret_server = accept(listener, NULL, NULL);
	assert_has(fixture_talk(*ret_server, NULL, "\r\n\r\n"), "Upgrade: websocket\r\n");
	return client;
}

static void close_tunnel(int client, int server)
{
	close(client);
	close(server);
	close(listener);
	fixture_end();
}

static void bytes_pass_both_ways_and_early_ones_wait_for_the_101(void **state)
{
	int server, client = open_tunnel("early", &server);
	char got[16];

	(void)state;
	/* Not before the 101: */
	poll(NULL, 0, 50);
	assert_int_equal(recv(server, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_has(fixture_talk(server, SWITCH "hello", "early"), "early");
	assert_has(fixture_talk(client, NULL, "hello"), "101 Switching");
	close_tunnel(client, server);
}

static void an_end_is_passed_on_and_the_other_side_goes_on(void **state)
{
	int server, client = open_tunnel("", &server);

	(void)state;
	assert_int_equal(send(server, SWITCH, strlen(SWITCH), 0), strlen(SWITCH));
	assert_has(fixture_talk(client, NULL, "\r\n\r\n"), "101");
	assert_int_equal(send(client, "last words", 10, 0), 10);
	shutdown(client, SHUT_WR);
	/* Read until the end. */
	assert_string_equal(fixture_talk(server, NULL, "\1"), "last words");
	assert_int_equal(send(server, "bye", 3, 0), 3);
	shutdown(server, SHUT_WR);
	assert_string_equal(fixture_talk(client, NULL, "\1"), "bye");
	close_tunnel(client, server);
}

static void last_words_after_the_other_sides_end_arrive(void **state)
{
	int server, client = open_tunnel("", &server);

	(void)state;
	assert_int_equal(send(server, SWITCH "bye", strlen(SWITCH) + 3, 0), strlen(SWITCH) + 3);
	shutdown(server, SHUT_WR);
	assert_has(fixture_talk(client, NULL, "\1"), "bye");
	assert_int_equal(send(client, "last words", 10, MSG_MORE), 10);
	shutdown(client, SHUT_WR);
	assert_string_equal(fixture_talk(server, NULL, "\1"), "last words");
	close_tunnel(client, server);
}

static void a_reset_ends_both(void **state)
{
	int server, client = open_tunnel("", &server);
	struct linger hard = {1, 0};
	char got[16];

	(void)state;
	assert_int_equal(send(server, SWITCH, strlen(SWITCH), 0), strlen(SWITCH));
	assert_has(fixture_talk(client, NULL, "\r\n\r\n"), "101");
	setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(client);
	assert_true(recv(server, got, sizeof(got), 0) <= 0);
	close_tunnel(dup(server), server);
}

static void without_a_101_there_is_no_tunnel(void **state)
{
	int server, client = open_tunnel(GET, &server);

	(void)state;
	assert_int_equal(send(server, OK_ANSWER, strlen(OK_ANSWER), 0), strlen(OK_ANSWER));
	assert_has(fixture_talk(client, NULL, "ok"), "200 OK");
	/* What followed was the next request, and is treated as one. */
	assert_begins(fixture_talk(server, NULL, "\r\n\r\n"), "GET /a?b HTTP/1.1\r\n");
	close_tunnel(client, server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_both_ways_and_early_ones_wait_for_the_101),
		cmocka_unit_test(an_end_is_passed_on_and_the_other_side_goes_on),
		cmocka_unit_test(last_words_after_the_other_sides_end_arrive),
		cmocka_unit_test(a_reset_ends_both),
		cmocka_unit_test(without_a_101_there_is_no_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
