// SPDX-License-Identifier: Apache-2.0
/* notify_test: what systemd is told, over a path and over an abstract name; nothing without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture.h"
#include "control/notify.h"

static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, n);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
			 0);
	return fd;
}

static void states_arrive(void **state)
{
	char path[128], names[2][128], text[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/notify", capture_folder(NULL, NULL));
	unlink(path);
	snprintf(names[0], sizeof(names[0]), "%s", path);
	snprintf(names[1], sizeof(names[1]), "@tg-notify-%d", getpid());
	for (int i = 0; i < 2; i++) {
		int fd = listen_at(names[i]);
		struct notify notify;

		setenv("NOTIFY_SOCKET", names[i], 1);
		setenv("WATCHDOG_USEC", "30000000", 1);
		unsetenv("WATCHDOG_PID");
		notify_init(&notify);
		assert_true(notify.watchdog_ns == 30000000000ULL);
		notify_send(&notify, "READY=1");
		assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
		assert_memory_equal(text, "READY=1", 7);
		notify_done(&notify);
		close(fd);
	}
	unlink(path);
}

static void a_watchdog_may_be_anothers(void **state)
{
	struct notify notify;

	(void)state;
	setenv("NOTIFY_SOCKET", "@tg-nobody", 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_init(&notify);
	assert_int_equal(notify.watchdog_ns, 0);
	notify_send(&notify, "READY=1");
	notify_done(&notify);
}

static void without_systemd_nothing_happens(void **state)
{
	struct notify notify;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_init(&notify);
	assert_int_equal(notify.fd, -1);
	notify_send(&notify, "READY=1");
	notify_done(&notify);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_arrive),
		cmocka_unit_test(a_watchdog_may_be_anothers),
		cmocka_unit_test(without_systemd_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
