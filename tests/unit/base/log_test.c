// SPDX-License-Identifier: Apache-2.0
/* log: one line per call, no forged fields, repeats held back. */

#include "base/log.h"

#include <errno.h>
#include <unistd.h>

#include "capture.h"
#include "check.h"

/* What the line says after time=... ; the time is checked apart. */
static struct str after_time(const char *text)
{
	ptrdiff_t level = str_search(str_of(text), STR("level"));

	assert_true(level > 0);
	return str_from(str_of(text), (size_t)level);
}

static void a_line_is_logfmt_with_utc_time(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_LOGFMT);
	capture_begin(STDERR_FILENO);
	LOG(LOG_WARN, "cannot bind, retrying", LOG_C("address", "1.2.3.4:80"), LOG_I("tries", -3),
	    LOG_ERRNO(-EADDRINUSE));
	const char *text = capture_end();

	CHECK_STR("line", after_time(text),
		  STR("level=warn msg=\"cannot bind, retrying\" address=1.2.3.4:80 tries=-3 "
		      "error=\"Address already in use\"\n"));
	assert_memory_equal(text, "time=2", 6);
	assert_int_equal(text[29 - 1], 'Z');
}

static void input_cannot_end_a_line_or_forge_a_field(void **state)
{
	static const struct {
		const char *name;
		struct str value, logfmt, json;
	} rows[] = {
		{"line end", STR("a\nlevel=error"), STR("\"a\\u000alevel=error\""),
		 STR("\"a\\u000alevel=error\"")},
		{"quote", STR("a\" b=\"c"), STR("\"a\\\" b=\\\"c\""), STR("\"a\\\" b=\\\"c\"")},
		{"equals", STR("a=b"), STR("\"a=b\""), STR("\"a=b\"")},
		{"backslash", STR("a\\"), STR("\"a\\\\\""), STR("\"a\\\\\"")},
		{"empty", STR(""), STR("\"\""), STR("\"\"")},
		{"raw byte", STR("\xff"), STR("\"\\xff\""), STR("\"\\ufffd\"")},
		{"escape sequence", STR("\x1b[2J"), STR("\"\\u001b[2J\""), STR("\"\\u001b[2J\"")},
		{"c1 control",
		 STR("\xc2\x9b"
		     "2J"),
		 STR("\"\\u009b2J\""), STR("\"\\u009b2J\"")},
		{"utf-8", STR("\xc3\xa4"), STR("\"\xc3\xa4\""), STR("\"\xc3\xa4\"")},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ROWS(rows); i++) {
		bool json = i % 2;
		struct str wanted = json ? rows[i / 2].json : rows[i / 2].logfmt;

		log_init(LOG_INFO, json ? LOG_JSON : LOG_LOGFMT);
		log_flush();
		capture_begin(STDERR_FILENO);
		LOG(LOG_INFO, "m", LOG_S("v", rows[i / 2].value));
		const char *text = capture_end();
		struct str line = str_of(text);
		ptrdiff_t at = str_search(line, json ? STR("\"v\":") : STR(" v="));

		assert_true(at > 0);
		struct str value = str_from(line, (size_t)at + (json ? 4 : 3));

		CHECK_STR(rows[i / 2].name, str_take(value, value.len - (json ? 2 : 1)), wanted);
		assert_int_equal(str_find(line, '\n'), line.len - 1);
		assert_int_equal(line.at[line.len - 2] == '}', json);
	}
}

static void repeats_are_counted_and_reported_once(void **state)
{
	(void)state;
	log_init(LOG_INFO, LOG_LOGFMT);
	log_flush();
	capture_begin(STDERR_FILENO);
	for (int i = 0; i < 5; i++)
		LOG(LOG_WARN, "backend is down", LOG_C("url", "http://a"), LOG_I("i", i));
	LOG(LOG_WARN, "backend is down", LOG_C("url", "http://b"));
	log_flush();
	log_flush();
	const char *text = capture_end();
	struct str rest = str_of(text), line;
	size_t lines = 0, reports = 0;

	while (str_next(&rest, '\n', &line) && line.len) {
		lines++;
		if (str_search(line, STR("suppressed=4")) >= 0)
			reports++;
	}
	assert_int_equal(lines, 3);
	assert_int_equal(reports, 1);
}

static void what_its_caller_tells_once_is_not_held_back(void **state)
{
	const struct log_field fields[] = {LOG_C("object", "a"), LOG_I("line", 1)};

	(void)state;
	capture_begin(STDERR_FILENO);
	for (int i = 0; i < 3; i++)
		log_fields_always(LOG_WARN, "manifest fault", fields, 2);
	log_flush();
	const char *text = capture_end();
	struct str rest = str_of(text), line;
	size_t lines = 0;

	while (str_next(&rest, '\n', &line) && line.len)
		lines += str_search(line, STR("object=a")) >= 0;
	assert_int_equal(lines, 3);
	assert_true(str_search(str_of(text), STR("suppressed")) < 0);
}

static void levels_below_the_chosen_one_are_silent(void **state)
{
	(void)state;
	log_init(LOG_ERROR, LOG_LOGFMT);
	capture_begin(STDERR_FILENO);
	LOG(LOG_WARN, "not this");
	LOG(LOG_INFO, "nor this", LOG_I("n", 1));
	const char *text = capture_end();

	assert_string_equal(text, "");
	assert_true(log_on(LOG_ERROR));
	assert_false(log_on(LOG_DEBUG));
}

static void debug_lines_are_never_held_back(void **state)
{
	size_t lines = 0;

	(void)state;
	log_init(LOG_TRACE, LOG_LOGFMT);
	capture_begin(STDERR_FILENO);
	for (int i = 0; i < 4; i++)
		LOG(LOG_DEBUG, "same");
	const char *text = capture_end();

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 4);
}

static void a_field_that_does_not_fit_is_left_out_whole(void **state)
{
	static char longest[4000];
	struct str value = {longest, sizeof(longest)};

	(void)state;
	memset(longest, '\n', sizeof(longest));
	log_init(LOG_INFO, LOG_JSON);
	log_flush();
	capture_begin(STDERR_FILENO);
	LOG(LOG_INFO, "long", LOG_I("n", 1), LOG_S("a", value), LOG_I("last", 2));
	const char *text = capture_end();

	assert_true(str_ends(str_of(text), STR("\"n\":1,\"last\":2}\n")));
}

static void error_numbers_have_words(void **state)
{
	(void)state;
	assert_string_equal(log_strerror(-ENOENT), "No such file or directory");
	assert_string_equal(log_strerror(ENOENT), "No such file or directory");
	assert_string_equal(log_strerror(123456), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_logfmt_with_utc_time),
		cmocka_unit_test(input_cannot_end_a_line_or_forge_a_field),
		cmocka_unit_test(repeats_are_counted_and_reported_once),
		cmocka_unit_test(what_its_caller_tells_once_is_not_held_back),
		cmocka_unit_test(levels_below_the_chosen_one_are_silent),
		cmocka_unit_test(debug_lines_are_never_held_back),
		cmocka_unit_test(a_field_that_does_not_fit_is_left_out_whole),
		cmocka_unit_test(error_numbers_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
