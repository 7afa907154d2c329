// SPDX-License-Identifier: Apache-2.0
/* command_test: command lines taken apart: own flags, static options, what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/command.h"
#include "capture.h"

static const struct command_flag flags[] = {{"--json", NULL, "as JSON"},
					    {"--header", "K=V", "a header"}};
static const struct command probe = {
	.name = "probe", .help = "a test", .flags = flags, .n_flags = 2};

static void own_flags_and_options_are_told_apart(void **state)
{
	(void)state;
	char *argv[] = {(char *)"--json", (char *)"--header", (char *)"a=1",
			(char *)"--entryPoints.web.address=:81", (char *)"--header=b=2"};
	struct command_line line;

	assert_int_equal(command_line_parse(&probe, 5, argv, &line), 0);
	assert_true(command_flag_set(&line, 0));
	assert_int_equal(line.values[1].n, 2);
	assert_true(str_eq(line.values[1].at[0], STR("a=1")));
	assert_true(str_eq(command_value(&line, 1), STR("b=2")));
	assert_int_equal(static_entry_point_find(&line.config, STR("web"))->listen.port, 81);
	command_line_done(&line);
}

static void what_is_wrong_is_said_in_one_sentence(void **state)
{
	(void)state;
	static const struct {
		const char *word, *said;
	} rows[] = {
		{"--json=1", "--json takes no value"},
		{"--header", "--header needs a value"},
		{"--entryPoints.web.adress=:81", "address"},
		{"--nothing.like.this=1", "nothing"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *argv[] = {(char *)rows[i].word};
		struct command_line line;

		capture_begin(2);
		int rc = command_line_parse(&probe, 1, argv, &line);
		const char *said = capture_end();

		assert_int_equal(rc, EXIT_USAGE);
		assert_non_null(strstr(said, rows[i].said));
		command_line_done(&line);
	}
}

static void a_flag_not_given_has_no_value(void **state)
{
	(void)state;
	struct command_line line;

	assert_int_equal(command_line_parse(&probe, 0, NULL, &line), 0);
	assert_false(command_flag_set(&line, 0));
	assert_null(command_value(&line, 1).at);
	command_line_done(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_flags_and_options_are_told_apart),
		cmocka_unit_test(what_is_wrong_is_said_in_one_sentence),
		cmocka_unit_test(a_flag_not_given_has_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
