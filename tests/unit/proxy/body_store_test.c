// SPDX-License-Identifier: Apache-2.0
/* body_store_test: what goes in comes out, from memory and from the file. */

#include "proxy/body_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void bytes_come_back_in_order(void **state)
{
	struct body_spool spool = {.folder = "/tmp", .max_bytes = 100};
	struct body_store store;
	char got[64];
	size_t n = 0;
	ssize_t some;

	(void)state;
	body_store_init(&store, &spool, 10);
	assert_int_equal(body_store_add(&store, "0123456", 7), 0);
	assert_int_equal(spool.used_bytes, 0);
	assert_int_equal(body_store_add(&store, "789abcdef", 9), 0);
	assert_int_equal(body_store_add(&store, "g", 1), 0);
	assert_int_equal(body_store_len(&store), 17);
	assert_int_equal(spool.used_bytes, 7);
	/* Twice. */
	for (int i = 0; i < 2; i++) {
		n = 0;
		while ((some = body_store_read(&store, n, got + n, 4)) > 0)
			n += (size_t)some;
		assert_int_equal(some, 0);
		assert_int_equal(n, 17);
		assert_memory_equal(got, "0123456789abcdefg", 17);
	}
	assert_true(str_eq(body_store_memory(&store), STR("0123456789")));
	body_store_done(&store);
	assert_int_equal(spool.used_bytes, 0);
	body_store_done(&store);
}

static void files_are_bounded_together(void **state)
{
	struct body_spool spool = {.folder = "/tmp", .max_bytes = 10};
	struct body_store a, b, alone;

	(void)state;
	body_store_init(&a, &spool, 1);
	body_store_init(&b, &spool, 1);
	body_store_init(&alone, NULL, 1);
	assert_int_equal(body_store_add(&a, "12345678", 8), 0);
	assert_int_equal(body_store_add(&b, "12345678", 8), -ENOSPC);
	assert_int_equal(body_store_add(&alone, "12", 2), -ENOSPC);
	body_store_done(&a);
	body_store_done(&b);
	body_store_init(&b, &spool, 1);
	assert_int_equal(body_store_add(&b, "12345678", 8), 0);
	body_store_done(&b);
	body_store_done(&alone);
	assert_int_equal(spool.used_bytes, 0);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
	struct body_spool spool = {.folder = "/nowhere/at/all", .max_bytes = 10};
	struct body_store store;

	(void)state;
	body_store_init(&store, &spool, 1);
	assert_int_equal(body_store_add(&store, "1", 1), 0);
	assert_int_equal(body_store_add(&store, "2", 1), -ENOENT);
	body_store_done(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_back_in_order),
		cmocka_unit_test(files_are_bounded_together),
		cmocka_unit_test(a_folder_that_is_not_there_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
