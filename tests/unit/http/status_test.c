// SPDX-License-Identifier: Apache-2.0
/* status_test: texts of known codes, none for others. */

#include "http/status.h"

#include "check.h"

static void known_codes_have_texts(void **state)
{
	(void)state;
	CHECK_STR("100", status_text(100), STR("Continue"));
	CHECK_STR("200", status_text(200), STR("OK"));
	CHECK_STR("308", status_text(308), STR("Permanent Redirect"));
	CHECK_STR("404", status_text(404), STR("Not Found"));
	CHECK_STR("421", status_text(421), STR("Misdirected Request"));
	CHECK_STR("429", status_text(429), STR("Too Many Requests"));
	CHECK_STR("499", status_text(499), STR("Client Closed Request"));
	CHECK_STR("504", status_text(504), STR("Gateway Timeout"));
	CHECK_STR("511", status_text(511), STR("Network Authentication Required"));
}

static void unknown_codes_have_none(void **state)
{
	static const uint16_t codes[] = {0, 99, 104, 299, 306, 430, 599, 600, 999, 65535};

	(void)state;
	for (size_t i = 0; i < ROWS(codes); i++)
		CHECK_INT("length", status_text(codes[i]).len, 0);
}

static void some_never_have_a_body(void **state)
{
	(void)state;
	assert_true(status_is_bodiless(101));
	assert_true(status_is_bodiless(204));
	assert_true(status_is_bodiless(304));
	assert_false(status_is_bodiless(200));
	assert_false(status_is_bodiless(205));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_codes_have_texts),
		cmocka_unit_test(unknown_codes_have_none),
		cmocka_unit_test(some_never_have_a_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
