// SPDX-License-Identifier: Apache-2.0
/* access_line_test: what stands in the log after a request. */

#include "proxy/access_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy_fixture.h"

static char path[] = "/tmp/access_line_XXXXXX";
static char text[65536];
static struct static_access_log conf;

static void run_with_log(const char *format, const char *answer)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	close(mkstemp(path));
	conf = (struct static_access_log){.file_path = str_of(path), .format = str_of(format)};
	fixture_prepare((const char *const[]){answer, NULL});
	fixture.config.access_log = &conf;
	fixture_run();
}

static const char *end_and_read(void)
{
	FILE *file;
	size_t n;

	fixture_end();
	file = fopen(path, "r");
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = 0;
	fclose(file);
	unlink(path);
	return text;
}

static void a_request_is_a_line_of_json(void **state)
{
	(void)state;
	run_with_log("json", OK_ANSWER);
	fixture_ask("GET /a\"b?c=%22 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: "
		    "\"quoted\"\r\n\r\n");
	fixture_ask(
		"POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
	const char *got = end_and_read();

	assert_has(got, "\"RequestMethod\":\"GET\"");
	assert_has(got, "\"DownstreamStatus\":200");
	assert_has(got, "\"OriginStatus\":200");
	assert_has(got, "\"DownstreamContentSize\":2");
	assert_has(got, "\"RouterName\":\"route-0@test\"");
	assert_has(got, "\"ServiceName\":\"service-0@test\"");
	assert_has(got, "\"ClientHost\":\"127.0.0.1\"");
	assert_has(got, "\"RequestContentSize\":3");
	assert_has(got, "\"RequestCount\":2");
	assert_has(got, "\"entryPointName\":\"web\"");
}

static void a_failure_is_a_line_of_text(void **state)
{
	(void)state;
	run_with_log("common", "");
	fixture_ask(GET_CLOSE);
	fixture_ask("nonsense\r\n\r\n");
	const char *got = end_and_read();

	assert_begins(got, "127.0.0.1 - - [");
	assert_has(got, "\"GET /a?b HTTP/1.1\" 502 ");
	assert_has(got, " 400 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_a_line_of_json),
		cmocka_unit_test(a_failure_is_a_line_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
