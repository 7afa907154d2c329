// SPDX-License-Identifier: Apache-2.0
/* fail_test: the table is whole, and its words are what operators may rely on. */

#include "http/fail.h"

#include "check.h"
#include "http/status.h"

static void every_failure_has_a_status_a_word_and_a_sentence(void **state)
{
	(void)state;
	for (int i = FAIL_NONE + 1; i < FAIL__COUNT; i++) {
		const struct fail_row *row = fail_row((enum fail)i);

		assert_true(row->log.len > 0);
		assert_true(status_text(row->status).len > 0);
		assert_true(row->sentence.len > 0);
		for (size_t at = 0; at < row->log.len; at++)
			assert_true((row->log.at[at] >= 'a' && row->log.at[at] <= 'z') ||
				    row->log.at[at] == '-');
		for (int other = FAIL_NONE + 1; other < i; other++)
			assert_false(str_eq(row->log, fail_row((enum fail)other)->log));
	}
	assert_int_equal(fail_row(FAIL_NONE)->status, 0);
}

static void bodies_are_the_references(void **state)
{
	(void)state;
	CHECK_STR("b.4", fail_row(FAIL_NO_ROUTE)->body, STR("404 page not found\n"));
	CHECK_STR("b.4", fail_row(FAIL_NO_SERVER)->body, STR("no available server\n"));
	CHECK_STR("b.4", fail_row(FAIL_CLIENT_CLOSED)->body, STR("Client Closed Request"));
	CHECK_STR("b.4", fail_row(FAIL_UPSTREAM_CLOSED)->body, STR("Bad Gateway"));
	CHECK_STR("b.5", fail_row(FAIL_MISDIRECTED)->body, STR("Misdirected Request\n"));
	CHECK_STR("e", fail_row(FAIL_HEADER_UNDERSCORE)->body, STR("Bad Request\n"));
	assert_int_equal(fail_row(FAIL_CONNECT_REFUSED)->status, 501);
	assert_true(fail_row(FAIL_LENGTH_AND_CODING)->closes);
	assert_false(fail_row(FAIL_NO_ROUTE)->closes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failure_has_a_status_a_word_and_a_sentence),
		cmocka_unit_test(bodies_are_the_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
