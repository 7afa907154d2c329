// SPDX-License-Identifier: Apache-2.0
/* redis_test: commands, their order, and what becomes of them when the server fails: against a
 * server of our own that answers by script. */

#include "net/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/sock.h"

enum { ANSWERS_MAX = 64 };

static struct loop loop;
static struct redis_clients clients;
static struct redis_target *target;
static int listener, server;
static uint16_t port;
static char heard[65536];
static size_t n_heard;

static struct {
	int error;
	int64_t integer;
	char text[64];
	uint32_t n;
} answers[ANSWERS_MAX];
static size_t n_answers;

static void on_answer(void *context, const struct redis_answer *answer)
{
	assert_int_equal((size_t)(uintptr_t)context, n_answers);
	answers[n_answers].error = answer->error;
	answers[n_answers].integer = answer->integers[0];
	answers[n_answers].n = answer->n_values;
	snprintf(answers[n_answers].text, sizeof(answers->text), STR_FMT,
		 STR_ARG(answer->strings[0]));
	n_answers++;
}

static struct redis_pending *ask(const char *word, size_t number)
{
	const struct str args[] = {STR("ECHO"), str_of(word)};

	return redis_ask(&clients, target, args, 2, on_answer, (void *)(uintptr_t)number);
}

static void rounds(int n)
{
	while (n-- > 0)
		loop_round(&loop, 2 * NS_PER_MS);
}

static void accept_one(void)
{
	for (int i = 0; i < 200; i++) {
		rounds(1);
		if (sock_accept(listener, &(struct addr){0}, &(uint16_t){0}, &server) == 0)
			return;
	}
	fail_msg("nobody connects");
}

/* What the server has heard, once there is something. */
static const char *hear(void)
{
	ssize_t n = -1;

	for (int i = 0; i < 200 && n <= 0; i++) {
		rounds(1);
		n = sock_read(server, heard, sizeof(heard) - 1);
	}
	n_heard = n > 0 ? (size_t)n : 0;
	heard[n_heard] = 0;
	return heard;
}

static void say(const char *text)
{
	assert_int_equal(sock_write(server, text, strlen(text)), strlen(text));
	rounds(5);
}

static void make_target(const struct redis_options *more)
{
	static char text[32];
	static struct str endpoint;
	struct redis_options options = *more;
	char message[128];

	snprintf(text, sizeof(text), "127.0.0.1:%d", port);
	endpoint = str_of(text);
	options.endpoints = (struct strs){&endpoint, 1};
	target = redis_target_new(&options, message, sizeof(message));
	assert_non_null(target);
}

static int set_up(void **state)
{
	struct sock_listen_options options = {0};
	struct addr addr;

	(void)state;
	n_answers = 0;
	server = -1;
	addr_parse(STR("127.0.0.1"), &options.addr);
	return loop_init(&loop) || sock_listen(&options, &listener) ||
	       sock_local(listener, &addr, &port) || (redis_init(&clients, &loop, NULL, NULL), 0);
}

static int tear_down(void **state)
{
	(void)state;
	redis_done(&clients);
	loop_done(&loop);
	redis_target_unref(target);
	close(listener);
	if (server >= 0)
		close(server);
	return 0;
}

static void commands_of_a_round_leave_together_and_answers_keep_their_order(void **state)
{
	(void)state;
	make_target(&(struct redis_options){.read_ns = 1000 * NS_PER_MS});
	ask("a", 0);
	ask("b", 1);
	struct redis_pending *third = ask("c", 99);

	redis_cancel(third);
	ask("d", 2);
	accept_one();
	assert_string_equal(hear(),
			    "*2\r\n$4\r\nECHO\r\n$1\r\na\r\n*2\r\n$4\r\nECHO\r\n$1\r\nb\r\n"
			    "*2\r\n$4\r\nECHO\r\n$1\r\nc\r\n*2\r\n$4\r\nECHO\r\n$1\r\nd\r\n");
	say("$1\r\na\r\n:7\r\n$1\r\nc\r\n*2\r\n$2\r\nxy\r\n:9");
	assert_int_equal(n_answers, 2);
	say("\r\n");
	assert_int_equal(n_answers, 3);
	assert_string_equal(answers[0].text, "a");
	assert_int_equal(answers[1].integer, 7);
	assert_string_equal(answers[2].text, "xy");
	assert_int_equal(answers[2].n, 2);
}

static void errors_of_the_server_are_answers(void **state)
{
	(void)state;
	make_target(&(struct redis_options){0});
	ask("a", 0);
	accept_one();
	hear();
	say("-NOSCRIPT no such\r\n");
	assert_int_equal(answers[0].error, -EPROTO);
	assert_string_equal(answers[0].text, "NOSCRIPT no such");
	ask("b", 1);
	hear();
	say("$-1\r\n");
	assert_int_equal(answers[1].error, 0);
	assert_string_equal(answers[1].text, "");
}

static void it_says_who_it_is_and_which_database(void **state)
{
	(void)state;
	make_target(&(struct redis_options){.username = STR("u"), .password = STR("p"), .db = 3});
	ask("a", 0);
	accept_one();
	assert_string_equal(hear(), "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n"
				    "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
				    "*2\r\n$4\r\nECHO\r\n$1\r\na\r\n");
	say("+OK\r\n-ERR no such database\r\n$1\r\na\r\n");
	assert_int_equal(answers[0].error, -EACCES);
}

static void what_was_sent_over_a_used_connection_is_sent_once_more(void **state)
{
	(void)state;
	make_target(&(struct redis_options){0});
	ask("a", 0);
	accept_one();
	hear();
	say("+OK\r\n");
	ask("b", 1);
	hear();
	close(server);
	accept_one();
	assert_string_equal(hear(), "*2\r\n$4\r\nECHO\r\n$1\r\nb\r\n");
	/* A second time it fails. */
	close(server);
	server = -1;
	rounds(20);
	assert_int_equal(n_answers, 2);
	assert_int_equal(answers[1].error, -ECONNRESET);
}

static void a_closed_idle_connection_is_made_anew(void **state)
{
	(void)state;
	make_target(&(struct redis_options){0});
	ask("a", 0);
	accept_one();
	hear();
	say("+OK\r\n");
	close(server);
	rounds(5);
	ask("b", 1);
	accept_one();
	hear();
	say("+OK\r\n");
	assert_int_equal(n_answers, 2);
	assert_int_equal(answers[1].error, 0);
}

static void a_silent_server_is_given_up(void **state)
{
	(void)state;
	make_target(&(struct redis_options){.read_ns = 30 * NS_PER_MS});
	ask("a", 0);
	accept_one();
	for (int i = 0; i < 100 && !n_answers; i++)
		rounds(1);
	assert_int_equal(n_answers, 1);
	assert_int_equal(answers[0].error, -ETIMEDOUT);
}

static void a_refused_connection_is_told(void **state)
{
	(void)state;
	make_target(&(struct redis_options){.dial_ns = 1000 * NS_PER_MS});
	close(listener);
	listener = -1;
	ask("a", 0);
	for (int i = 0; i < 100 && !n_answers; i++)
		rounds(1);
	assert_int_equal(answers[0].error, -ECONNREFUSED);
}

static void garbage_ends_the_connection(void **state)
{
	(void)state;
	make_target(&(struct redis_options){0});
	ask("a", 0);
	accept_one();
	hear();
	say("what?\r\n");
	assert_int_equal(n_answers, 1);
	assert_int_equal(answers[0].error, -EPROTO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commands_of_a_round_leave_together_and_answers_keep_their_order),
		TEST(errors_of_the_server_are_answers),
		TEST(it_says_who_it_is_and_which_database),
		TEST(what_was_sent_over_a_used_connection_is_sent_once_more),
		TEST(a_closed_idle_connection_is_made_anew),
		TEST(a_silent_server_is_given_up),
		TEST(a_refused_connection_is_told),
		TEST(garbage_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
