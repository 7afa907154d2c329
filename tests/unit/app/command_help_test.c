// SPDX-License-Identifier: Apache-2.0
/* command_help_test: help is made from the tables, with defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/command.h"
#include "capture.h"

static void help_lists_flags_and_options_with_defaults(void **state)
{
	static const char *const wanted[] = {
		"usage: tidegate explain",
		"--entryPoints.NAME.address=",
		"--manifests=",
		"--kernelPlane=auto|native|generic|tc|pinned|off",
		"(default 60s)",
		"--providers.kubernetesCRD.allowCrossNamespace=",
	};

	(void)state;
	capture_begin(1);
	command_help(&command_explain);
	const char *text = capture_end();

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (!strstr(text, wanted[i]))
			fail_msg("help does not say %s", wanted[i]);
}

static void what_is_not_offered_is_not_listed(void **state)
{
	(void)state;
	capture_begin(1);
	command_help(&command_run);
	const char *text = capture_end();

	assert_null(strstr(text, "--providers.consul"));
	assert_null(strstr(text, "--metrics.datadog"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_lists_flags_and_options_with_defaults),
		cmocka_unit_test(what_is_not_offered_is_not_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
