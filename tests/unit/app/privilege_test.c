// SPDX-License-Identifier: Apache-2.0
/* privilege_test: in a child, since it cannot be undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/privilege.h"

/* Which check failed, as an exit code; 0: none. */
static int check_after_drop(void)
{
	struct privilege_result result;
	cap_flag_value_t value = CAP_SET;

	if (privilege_drop(true, &result) != 0 || !result.seccomp || !result.no_new_privs)
		return 1;
	cap_t caps = cap_get_proc();

	if (!caps || cap_get_flag(caps, CAP_NET_ADMIN, CAP_EFFECTIVE, &value) || value != CAP_CLEAR)
		return 2;
	cap_free(caps);
	execl("/bin/true", "true", NULL);
	if (errno != EPERM)
		return 3;
	if (mount("none", "/mnt", "tmpfs", 0, NULL) == 0)
		return 4;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || listen(fd, 1) == 0)
		return 5;
	if (socket(AF_PACKET, SOCK_RAW, 0) >= 0)
		return 6;
	return 0;
}

static void nothing_comes_back_after_the_drop(void **state)
{
	(void)state;
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(check_after_drop());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_limit_of_files_is_at_least_what_it_was(void **state)
{
	(void)state;
	assert_true(privilege_raise_files() >= 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_comes_back_after_the_drop),
		cmocka_unit_test(the_limit_of_files_is_at_least_what_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
