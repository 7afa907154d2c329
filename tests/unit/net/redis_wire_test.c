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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_binary_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
