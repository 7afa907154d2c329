// SPDX-License-Identifier: Apache-2.0
/* rest_client_test: requests to a server of one answer, on a socket of the test's own. */
#include "source/rest_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
	int listener;
	const char *answer;
	char asked[4096], url[64], got[4096];
	pthread_t thread;
	struct kube_config config;
	struct rest_client *client;
	struct rest_result result;
	char message[256], body[256];
	int n_done, head;
	bool stop;
};

static void *serve(void *context)
{
	struct scene *s = context;
	int fd = accept(s->listener, NULL, NULL);
	ssize_t n = fd < 0 ? -1 : read(fd, s->asked, sizeof(s->asked) - 1);

	if (n > 0 && s->answer && write(fd, s->answer, strlen(s->answer)) < 0)
		perror("write");
	if (!s->answer && n > 0)
		(void)!read(fd, s->got, 1); /* until the client goes */
	close(fd);
	return NULL;
}

static bool on_data(void *context, struct str bytes)
{
	struct scene *s = context;

	snprintf(s->got + strlen(s->got), sizeof(s->got) - strlen(s->got), STR_FMT, STR_ARG(bytes));
	return !s->stop;
}

static void on_head(void *context, int status)
{
	((struct scene *)context)->head = status;
}

static void on_done(void *context, const struct rest_result *result)
{
	struct scene *s = context;

	s->result = *result;
	snprintf(s->message, sizeof(s->message), "%s", result->message);
	snprintf(s->body, sizeof(s->body), STR_FMT, STR_ARG(result->body));
	s->n_done++;
}

static void ask(struct scene *s, const char *answer, const struct rest_conf *more)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	const char *message;

	s->answer = answer;
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(s->listener, 5), 0);
	getsockname(s->listener, (struct sockaddr *)&address, &size);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	s->config.server = str_of(s->url);
	s->config.token = STR("secret");
	pthread_create(&s->thread, NULL, serve, s);
	s->client = rest_client_new(&s->config, "9.9");
	struct rest_conf conf = *more;

	conf.path = "/api/v1/services?limit=1";
	conf.on_head = on_head;
	conf.on_data = on_data;
	conf.on_done = on_done;
	conf.context = s;
	assert_non_null(rest_client_start(s->client, &conf, &message));
}

static void wait_done(struct scene *s)
{
	for (int i = 0; i < 100 && !s->n_done; i++) {
		struct pollfd wait = {.fd = rest_client_fd(s->client), .events = POLLIN};

		poll(&wait, 1, 100);
		rest_client_run(s->client);
	}
	assert_int_equal(s->n_done, 1);
}

static void finish(struct scene *s)
{
	rest_client_free(s->client);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

static void a_good_answer_comes_in_pieces(void **state)
{
	struct scene s = {0};

	(void)state;
	ask(&s,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	    &(struct rest_conf){0});
	wait_done(&s);
	assert_string_equal(s.got, "abcde");
	assert_int_equal(s.result.status, 200);
	assert_int_equal(s.head, 200);
	assert_string_equal(s.message, "");
	assert_non_null(strstr(s.asked, "GET /api/v1/services?limit=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(s.asked, "Authorization: Bearer secret\r\n"));
	assert_non_null(strstr(s.asked, "User-Agent: tidegate/9.9 (linux/"));
	assert_int_equal(rest_client_stats(s.client).http_version, 11);
	finish(&s);
}

static void a_refusal_is_given_as_a_whole(void **state)
{
	struct scene s = {0};

	(void)state;
	ask(&s, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy",
	    &(struct rest_conf){
		    .method = "PUT", .body = STR("{}"), .content_type = "application/json"});
	wait_done(&s);
	assert_int_equal(s.result.status, 429);
	assert_int_equal(s.result.retry_after_s, 7);
	assert_string_equal(s.body, "busy");
	assert_string_equal(s.got, "");
	assert_non_null(strstr(s.asked, "PUT "));
	assert_non_null(strstr(s.asked, "\r\n\r\n{}"));
	finish(&s);
}

static void an_answer_that_breaks_off_is_cut(void **state)
{
	struct scene s = {0};

	(void)state;
	ask(&s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	    &(struct rest_conf){0});
	wait_done(&s);
	assert_true(s.result.is_cut && s.result.is_network);
	assert_string_equal(s.got, "abc");
	finish(&s);
}

static void a_reader_may_stop(void **state)
{
	struct scene s = {.stop = true};

	(void)state;
	ask(&s, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", &(struct rest_conf){0});
	wait_done(&s);
	assert_true(s.result.is_stopped && !s.result.is_network);
	finish(&s);
}

static void an_answer_that_does_not_come_is_not_waited_for(void **state)
{
	struct scene s = {0};

	(void)state;
	ask(&s, NULL, &(struct rest_conf){.head_s = 1});
	wait_done(&s);
	assert_int_equal(s.result.status, 0);
	assert_true(s.result.is_network);
	assert_string_equal(s.message, "no answer in time");
	finish(&s);
}

static void a_redirection_is_not_followed(void **state)
{
	struct scene s = {0};

	(void)state;
	ask(&s, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
	    &(struct rest_conf){0});
	wait_done(&s);
	assert_int_equal(s.result.status, 302);
	finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_answer_comes_in_pieces),
		cmocka_unit_test(a_refusal_is_given_as_a_whole),
		cmocka_unit_test(an_answer_that_breaks_off_is_cut),
		cmocka_unit_test(a_reader_may_stop),
		cmocka_unit_test(an_answer_that_does_not_come_is_not_waited_for),
		cmocka_unit_test(a_redirection_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
