// SPDX-License-Identifier: Apache-2.0
/* kept_list_test: a list is read once for its content, and outlives what it came from. */
#include "plan/kept_list.h"

#include "compile_fixture.h"

static const struct kernel_list *get(struct fixture *f, struct part *part, const char *text,
				     uint64_t hash, enum kernel_action action,
				     struct kept_list_fault *ret_fault)
{
	struct kept_list_text from = {
		.key = STR("k"), .text = {0}, .content_hash = hash, .action = action};

	if (text)
		from.text = str_of(text);
	registry_begin(f->registry, part);
	return kept_list(f->registry, part, &from, ret_fault);
}

static void a_text_is_read_once(void **state)
{
	struct fixture *f = *state;
	struct part *first = part_new(0), *second = part_new(0);
	struct kept_list_fault fault;
	const struct kernel_list *list =
		get(f, first, "10.0.0.1\n10.0.0.2", 1, KERNEL_DENY, &fault);

	assert_int_equal(list->n, 2);
	/* By its hash, so the text itself is not looked at. */
	assert_ptr_equal(get(f, second, "nonsense", 1, KERNEL_DENY, &fault), list);
	assert_int_equal(fault.line, 0);
	part_free(first);
	assert_int_equal(list->at[1].action, KERNEL_DENY);
	part_free(second);
}

static void the_last_good_one_stays_with_its_snapshots(void **state)
{
	struct fixture *f = *state;
	struct part *first = part_new(0), *second = part_new(0), *third = part_new(0);
	struct kept_list_fault fault;
	const struct kernel_list *list = get(f, first, "10.0.0.1", 1, KERNEL_DENY, &fault);

	assert_ptr_equal(get(f, second, "#\n\nhere.not\n", 2, KERNEL_DENY, &fault), list);
	assert_int_equal(fault.line, 3);
	assert_string_equal(fault.word, "here.not");
	part_free(first);
	assert_ptr_not_equal(get(f, third, "10.0.0.1\n10.0.0.3", 3, KERNEL_DENY, &fault), list);
	assert_int_equal(fault.line, 0);
	assert_int_equal(list->n, 1);
	part_free(second);
	part_free(third);
}

static void without_a_text_deny_stays_and_allow_goes(void **state)
{
	struct fixture *f = *state;
	struct part *first = part_new(0), *second = part_new(0);
	struct kept_list_fault fault;

	assert_non_null(get(f, first, "10.0.0.1", 1, KERNEL_DENY, &fault));
	assert_non_null(get(f, second, NULL, 0, KERNEL_DENY, &fault));
	part_free(first);
	assert_null(get(f, second, NULL, 0, KERNEL_ALLOW, &fault));
	part_free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_text_is_read_once),
		FIXTURE_TEST(the_last_good_one_stays_with_its_snapshots),
		FIXTURE_TEST(without_a_text_deny_stays_and_allow_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
