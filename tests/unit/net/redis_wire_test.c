// SPDX-License-Identifier: Apache-2.0
/* redis_wire_test: commands as bytes; answers over the wire are in redis_test. */

#include "net/redis_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

static void commands_are_binary_safe(void **state)
{
	const struct str args[] = {STR("SET"), STR("a\0b"), {NULL, 0}};
	struct str many[33];
	size_t n;
	char *bytes = redis_wire_command(args, 3, &n);

	(void)state;
	assert_int_equal(n, 28);
	assert_memory_equal(bytes, "*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$0\r\n\r\n", n);
	free(bytes);
	for (size_t i = 0; i < 33; i++)
		many[i] = STR("x");
	assert_null(redis_wire_command(many, 33, &n));
}

/* Whether all of it can be read, said again and again up to a megabyte. */
static bool is_read(const char *text)
{
	redisReplyObjectFunctions functions;
	redisReader *reader = redis_wire_reader(&functions);
	size_t n = strlen(text);
	bool ok = true;
	void *reply;

	for (size_t fed = 0; ok && fed < 1 << 20; fed += n) {
		ok = redis_wire_feed(reader, text, n);
		for (reply = reader; ok && reply;) {
			ok = redisReaderGetReply(reader, &reply) == REDIS_OK;
			if (ok && reply)
				freeReplyObject(reply);
		}
	}
	redisReaderFree(reader);
	return ok;
}

static void what_is_announced_costs_nothing(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{"*3\r\n$4\r\ntrue\r\n:1\r\n$-1\r\n", true},
		{"*2\r\n*1\r\n+a\r\n*0\r\n", true},
		{"*65\r\n", false},
		{"*2147483647\r\n", false},
		{"*1\r\n*1000000\r\n", false},
		{"$2147483647\r\n", false},
		{"$100000\r\n", false},
		{"+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (is_read(rows[i].text) != rows[i].ok)
			fail_msg("%s", rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_binary_safe),
		cmocka_unit_test(what_is_announced_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
