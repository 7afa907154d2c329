// SPDX-License-Identifier: Apache-2.0
/* owned_header_test: reference/security.md A2.4. */

#include "mw_lab.h"

#include "mw/owned_header.h"

static void every_spelling_of_a_name_goes(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_request(&lab, "GET http://a.test/",
		    "X-Auth-User: a\nx_auth_user: b\nX-AUTH_USER: c\nX-Auth-Users: d\nXAuth: e");
	owned_header_drop(&lab.request.headers, STR("X-Auth-User"));
	assert_string_equal(lab_print(&lab, &lab.request.headers), "X-Auth-Users: d\nXAuth: e\n");
	owned_header_drop(&lab.request.headers, STR(""));
	assert_string_equal(lab_print(&lab, &lab.request.headers), "X-Auth-Users: d\nXAuth: e\n");
	assert_true(owned_header_is_alias(STR("a_b"), STR("A-B")));
	assert_false(owned_header_is_alias(STR("a-b"), STR("a-bc")));
	lab_done(&lab);
}

static void names_that_frame_a_message_are_known(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_request(&lab, "GET http://a.test/",
		    "Host: a\nContent-Length: 1\ntransfer-encoding: chunked\nTrailers: x\nUpgrade: "
		    "h2c\nConnection: close\nX: y\nCookie: a=b");
	for (size_t i = 0; i < lab.request.headers.n; i++)
		assert_int_equal(owned_header_is_framing(&lab.request.headers.at[i]), i < 6);
	lab_done(&lab);
}

static void names_are_spelled_as_go_does(void **state)
{
	static const char *const rows[][2] = {
		{"x-auth-user", "X-Auth-User"},
		{"X-AUTH_USER", "X-Auth_user"},
		{"www-authenticate", "Www-Authenticate"},
		{"a b", "a b"},
		{"x--1a", "X--1a"},
	};
	struct lab lab;

	(void)state;
	lab_init(&lab);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		lab_assert_str(owned_header_canonical(str_of(rows[i][0]), &lab.arena), rows[i][1]);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_of_a_name_goes),
		cmocka_unit_test(names_that_frame_a_message_are_known),
		cmocka_unit_test(names_are_spelled_as_go_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
