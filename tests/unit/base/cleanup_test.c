// SPDX-License-Identifier: Apache-2.0
/* cleanup: what leaves its scope is released once, what was taken is not, and TRY hands errors on.
 */

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>

#include "check.h"

static int released;

static void note(const int *step)
{
	released += *step;
}

static int closed_after(bool take)
{
	int kept = -1;
	int fd_number;
	{
		AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		fd_number = fd;
		if (take) {
			kept = fd;
			fd = -1;
		}
	}
	bool is_open = fcntl(fd_number, F_GETFD) >= 0;

	if (kept >= 0)
		close(kept);
	return !is_open;
}

static void descriptors_are_closed_unless_taken(void **state)
{
	(void)state;
	assert_true(closed_after(false));
	assert_false(closed_after(true));
}

static char *keep(void)
{
	AUTO_FREE char *text = strdup("kept");
	AUTO_FREE char *none = NULL;

	(void)none;
	return TAKE(text);
}

static void memory_that_was_taken_lives_on(void **state)
{
	char *text = keep();

	(void)state;
	assert_string_equal(text, "kept");
	free(text);
}

static int tries(int result)
{
	AUTO(note) int step = 1;

	TRY(result);
	return 6 + step;
}

static void errors_go_to_the_caller(void **state)
{
	(void)state;
	assert_int_equal(tries(-ENOENT), -ENOENT);
	assert_int_equal(tries(0), 7);
	assert_int_equal(tries(3), 7);
	/* Each way out released what was held. */
	assert_int_equal(released, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_are_closed_unless_taken),
		cmocka_unit_test(memory_that_was_taken_lives_on),
		cmocka_unit_test(errors_go_to_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
