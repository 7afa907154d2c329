// SPDX-License-Identifier: Apache-2.0
/* die: a broken promise says where and aborts; a kept one costs nothing. */

#include "base/die.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "check.h"

static void a_kept_promise_goes_on(void **state)
{
	int evaluated = 0;

	(void)state;
	ASSERT(++evaluated == 1);
	assert_int_equal(evaluated, 1);
}

static void a_broken_promise_says_where_and_aborts(void **state)
{
	int status;

	(void)state;
	capture_begin(STDERR_FILENO);
	pid_t child = fork();

	if (child == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		ASSERT(1 + 1 == 3);
		_exit(0);
	}
	waitpid(child, &status, 0);
	const char *text = capture_end();

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_true(str_search(str_of(text), STR("die_test.c:")) > 0);
	assert_true(str_search(str_of(text), STR("violated=\"1 + 1 == 3\"\n")) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kept_promise_goes_on),
		cmocka_unit_test(a_broken_promise_says_where_and_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
