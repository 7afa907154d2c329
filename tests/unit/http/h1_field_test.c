// SPDX-License-Identifier: Apache-2.0
/* h1_field_test: what is particular to trailers and answers; heads of requests are h1_parse_test's.
 */

#include "http/h1_field.h"

#include "check.h"

static const char *lines(struct str text, struct h1_facts *facts, struct headers *headers,
			 enum fail *fail)
{
	return h1_field_lines(text.at, text.at + text.len, 4, headers, facts, fail);
}

static void trailers_are_no_facts(void **state)
{
	struct str text = STR("Content-Length: x\r\nTransfer-Encoding: y\r\nHost: ?\r\n\r\nz");
	struct header slots[4];
	struct headers headers = {.at = slots, .cap = 4};
	struct h1_facts facts = {.is_trailer = true};
	enum fail fail;

	(void)state;
	assert_ptr_equal(lines(text, &facts, &headers, &fail), text.at + text.len - 1);
	assert_int_equal(headers.n, 3);
	assert_false(facts.has_length || facts.is_chunked || facts.has_host);
}

static void hosts_mean_nothing_in_answers(void **state)
{
	struct header slots[4];
	struct headers headers = {.at = slots, .cap = 4};
	struct h1_facts facts = {.is_response = true, .version_minor = 1};
	enum fail fail;

	(void)state;
	assert_non_null(
		lines(STR("Host: a\r\nHost: b c\r\nExpect: x\r\n\r\n"), &facts, &headers, &fail));
	assert_false(facts.has_host || facts.expect_continue);
}

static void slots_and_limits_are_kept(void **state)
{
	struct header slots[2];
	struct headers headers = {.at = slots, .cap = 2};
	struct h1_facts facts = {.version_minor = 1};
	enum fail fail;

	(void)state;
	assert_null(lines(STR("A: 1\r\nB: 2\r\nC: 3\r\n\r\n"), &facts, &headers, &fail));
	assert_int_equal(fail, FAIL_TOO_MANY_HEADERS);
	headers.n = 0;
	assert_null(lines(STR("A: 1\r\nB: 2\r\n"), &facts, &headers, &fail));
	assert_int_equal(fail, FAIL_NONE);
	assert_int_equal(headers.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trailers_are_no_facts),
		cmocka_unit_test(hosts_mean_nothing_in_answers),
		cmocka_unit_test(slots_and_limits_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
