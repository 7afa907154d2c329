// SPDX-License-Identifier: Apache-2.0
/* kernel_list_test: lists as people publish them, and what is wrong with one by line. */
#include "plan/kernel_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"

static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 256 << 20, 1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void published_lists_are_read(void **state)
{
	static const struct {
		const char *name, *text;
		size_t n;
		const char *last;
	} rows[] = {
		{"empty", "", 0, NULL},
		{"one host", "192.0.2.7", 1, "192.0.2.7/32"},
		{"with a newline", "192.0.2.7\n", 1, "192.0.2.7/32"},
		{"DOS lines", "192.0.2.7\r\n10.0.0.0/8\r\n", 2, "10.0.0.0/8"},
		{"comments", "# who\n\n192.0.2.0/24 ; SBL1\n  2001:db8::/32\t# why\n;end", 2,
		 "2001:db8::/32"},
		{"a comment without a blank", "192.0.2.0/24#x", 1, "192.0.2.0/24"},
		{"host bits are cleared", "192.0.2.77/24", 1, "192.0.2.0/24"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct kernel_list list;
		struct kernel_list_fault fault;
		char text[ADDR_TEXT_MAX];

		CHECK_INT(
			rows[i].name,
			kernel_list_parse(str_of(rows[i].text), KERNEL_DENY, &arena, &list, &fault),
			0);
		CHECK_INT(rows[i].name, list.n, rows[i].n);
		if (!rows[i].n)
			continue;
		cidr_print(&list.at[list.n - 1].cidr, text);
		assert_string_equal(text, rows[i].last);
		CHECK_INT(rows[i].name, list.at[0].action, KERNEL_DENY);
	}
}

static void the_first_bad_line_is_told(void **state)
{
	struct kernel_list list = {.n = 77};
	struct kernel_list_fault fault;

	(void)state;
	CHECK_INT("bad",
		  kernel_list_parse(STR("# x\n10.0.0.0/8\n10.0.0.0/33 # y\nnonsense\n"),
				    KERNEL_ALLOW, &arena, &list, &fault),
		  -EINVAL);
	CHECK_INT("line", fault.line, 3);
	assert_true(str_eq(fault.text, STR("10.0.0.0/33")));
	CHECK_INT("left alone", list.n, 77);
}

static void the_longest_match_is_the_better_one(void **state)
{
	struct kernel_list allow, deny;
	struct kernel_list_fault fault;
	struct addr source;

	(void)state;
	assert_int_equal(kernel_list_parse(STR("10.0.0.0/8\n10.1.0.0/16\n10.1.1.0/24"),
					   KERNEL_ALLOW, &arena, &allow, &fault),
			 0);
	assert_int_equal(
		kernel_list_parse(STR("10.1.0.0/16\n::/0"), KERNEL_DENY, &arena, &deny, &fault), 0);
	addr_parse(STR("10.1.2.3"), &source);
	const struct kernel_acl *best = kernel_list_match(&allow, &source, NULL);

	assert_ptr_equal(best, &allow.at[1]);
	assert_ptr_equal(kernel_list_match(&deny, &source, best), &deny.at[0]);
	assert_ptr_equal(kernel_list_match(&allow, &source, &deny.at[0]), &deny.at[0]);
	addr_parse(STR("11.0.0.1"), &source);
	assert_null(kernel_list_match(&allow, &source, NULL));
	assert_null(kernel_list_match(&deny, &source, NULL));
}

static void a_million_lines_are_read_within_reason(void **state)
{
	enum { N = 1000000, LINE_MAX_BYTES = 24 };
	char *text = malloc(N * LINE_MAX_BYTES), *end = text;
	struct kernel_list list;
	struct kernel_list_fault fault;

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		end += sprintf(end, "%u.%u.%u.0/24\n", i >> 16, i >> 8 & 255, i & 255);
	uint64_t begun_ns = clock_mono_ns();

	CHECK_INT("parse",
		  kernel_list_parse(str_n(text, (size_t)(end - text)), KERNEL_DENY, &arena, &list,
				    &fault),
		  0);
	uint64_t took_ns = clock_mono_ns() - begun_ns;

	print_message("1,000,000 lines: %.0f ms\n", (double)took_ns / 1e6);
	CHECK_INT("rows", list.n, N);
	assert_true(took_ns < 5 * NS_PER_SEC);
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(published_lists_are_read),
		TEST(the_first_bad_line_is_told),
		TEST(the_longest_match_is_the_better_one),
		TEST(a_million_lines_are_read_within_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
