// SPDX-License-Identifier: Apache-2.0
/* admin_client_test: answers of a peer that may say anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/admin_client.h"

static char path[64];
static int listener;
static const char *says;

static void *peer(void *argument)
{
	char request[1024];
	int fd = accept(listener, NULL, NULL);

	(void)argument;
	if (recv(fd, request, sizeof(request), 0) > 0 &&
	    send(fd, says, strlen(says), MSG_NOSIGNAL) < 0)
		perror("send");
	close(fd);
	return NULL;
}

static int listen_here(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	(void)state;
	snprintf(path, sizeof(path), "/tmp/tidegate-client-%d.sock", getpid());
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	return bind(listener, (struct sockaddr *)&sa, sizeof(sa)) || listen(listener, 4);
}

static int clean_up(void **state)
{
	(void)state;
	close(listener);
	return unlink(path);
}

static void answers_are_json_or_a_fault(void **state)
{
	static const struct {
		const char *says;
		int want;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\": 12}", 0},
		{"HTTP/1.1 404 Not Found\r\n\r\n{}", -EPROTO},
		{"HTTP/1.1 200 OK\r\n\r\n{\"a\": ", -EPROTO},
		{"HTTP/1.1 200 OK\r\n", -EPROTO},
		{"", -EPROTO},
		{"SSH-2.0\r\n\r\n", -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		pthread_t thread;
		json_t *json = NULL;

		says = rows[i].says;
		pthread_create(&thread, NULL, peer, NULL);
		assert_int_equal(admin_client_get(str_of(path), "/x", &json), rows[i].want);
		if (rows[i].want == 0)
			assert_int_equal(json_integer_value(json_object_get(json, "a")), 12);
		json_decref(json);
		pthread_join(thread, NULL);
	}
}

static void nobody_there_is_advice_not_a_riddle(void **state)
{
	json_t *json;
	int rc = admin_client_get(STR("/tmp/tidegate-nobody.sock"), "/x", &json);

	(void)state;
	assert_int_equal(rc, -ENOENT);
	assert_non_null(strstr(admin_client_advice(rc), "--admin.socket"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_json_or_a_fault),
		cmocka_unit_test(nobody_there_is_advice_not_a_riddle),
	};

	return cmocka_run_group_tests(tests, listen_here, clean_up);
}
