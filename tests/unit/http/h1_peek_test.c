// SPDX-License-Identifier: Apache-2.0
/* h1_peek_test: the name in a first field Host, and nothing else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/h1_peek.h"

static void a_first_host_is_seen_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *host;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example"},
		{"GET / HTTP/1.1\nhOST: a.example:8080\r\n", "a.example"},
		{"GET / HTTP/1.1\r\nHost: a.exam", "a.exam"},
		{"GET / HTTP/1.1\r\nHost: \r\n", ""},
		{"GET / HTTP/1.1\r\nHost:a.example\r\n", ""},
		{"GET / HTTP/1.1\r\nAccept: x\r\nHost: a.example\r\n", ""},
		{"GET / HTTP/1.1\r\nHos", ""},
		{"GET / HTTP/1.1\r\n", ""},
		{"GET / HTTP/1.1", ""},
		{"", ""},
		{"GET / HTTP/1.1\r\nHost: [::1]:80\r\n", "["},
		{"GET / HTTP/1.1\r\nHost: a\tb\r\n", "a"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str host = h1_peek_host(str_of(rows[i].text));

		assert_true(str_eq(host, str_of(rows[i].host)));
	}
}

static void a_name_is_bounded(void **state)
{
	static char text[1024] = "GET / HTTP/1.1\r\nHost: ";
	size_t from = str_of(text).len;

	(void)state;
	for (size_t i = from; i < sizeof(text); i++)
		text[i] = 'a';
	assert_int_equal(h1_peek_host(str_n(text, sizeof(text))).len, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_host_is_seen_and_nothing_else),
		cmocka_unit_test(a_name_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
