// SPDX-License-Identifier: Apache-2.0
/* cmd_version_test: what a bug report needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/command.h"
#include "capture.h"

static void it_names_version_abi_and_openssl(void **state)
{
	struct command_line line = {.command = &command_version};

	(void)state;
	capture_begin(1);
	assert_int_equal(command_version.run(&line), EXIT_OK);
	const char *text = capture_end();

	assert_non_null(strstr(text, TIDEGATE_VERSION));
	assert_non_null(strstr(text, "ABI"));
	assert_non_null(strstr(text, "OpenSSL"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_names_version_abi_and_openssl)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
