// SPDX-License-Identifier: Apache-2.0
/* commands_test: the list is complete and every command explains itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/command.h"
#include "capture.h"

static void every_command_has_a_name_a_sentence_and_does_something(void **state)
{
	(void)state;
	assert_true(n_commands >= 7);
	for (size_t i = 0; i < n_commands; i++) {
		assert_non_null(commands[i]->run);
		assert_true(strlen(commands[i]->help) > 10);
		assert_true(commands[i]->n_flags <= COMMAND_FLAGS_MAX);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(commands[i]->name, commands[k]->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_has_a_name_a_sentence_and_does_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
