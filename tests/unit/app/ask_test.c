// SPDX-License-Identifier: Apache-2.0
/* ask_test: nobody to ask is said with advice; members that are no text read as empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/ask.h"
#include "capture.h"

static void never(const json_t *answer)
{
	(void)answer;
	fail();
}

static void nobody_to_ask_is_said_with_advice(void **state)
{
	struct command_line line = {.command = &command_status};

	(void)state;
	line.config.admin.socket = STR("/tmp/tidegate-nobody.sock");
	capture_begin(2);
	int rc = ask(&line, "/api/status", 0, never);
	const char *said = capture_end();

	assert_int_equal(rc, EXIT_FAULTS);
	assert_non_null(
		strstr(said, "tidegate status: /tmp/tidegate-nobody.sock: no proxy serves"));
}

static void members_that_are_no_text_read_as_empty(void **state)
{
	json_t *object = json_pack("{s:s, s:i}", "a", "text", "n", 1);

	(void)state;
	assert_string_equal(ask_text(object, "a"), "text");
	assert_string_equal(ask_text(object, "n"), "");
	assert_string_equal(ask_text(object, "missing"), "");
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_to_ask_is_said_with_advice),
		cmocka_unit_test(members_that_are_no_text_read_as_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
