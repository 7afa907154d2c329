// SPDX-License-Identifier: Apache-2.0
/* list: order, removal while walking, and nodes that are in no list. */

#include "base/list.h"

#include "check.h"

struct item {
	int value;
	struct list node;
};

static int sum_in_order(struct list *head)
{
	int sum = 0;

	LIST_EACH (head, it)
		sum = sum * 10 + LIST_OF(it, struct item, node)->value;
	return sum;
}

static void items_keep_the_order_they_were_added_in(void **state)
{
	struct item one = {.value = 1}, two = {.value = 2}, three = {.value = 3};
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	list_add_back(&head, &two.node);
	list_add_back(&head, &three.node);
	list_add_front(&head, &one.node);
	assert_false(list_empty(&head));
	assert_int_equal(sum_in_order(&head), 123);
}

static void an_item_may_leave_while_the_list_is_walked(void **state)
{
	struct item items[4];
	struct list head;

	(void)state;
	list_init(&head);
	for (int i = 0; i < 4; i++) {
		items[i].value = i + 1;
		list_add_back(&head, &items[i].node);
	}
	LIST_EACH (&head, it)
		if (LIST_OF(it, struct item, node)->value % 2)
			list_del(it);
	assert_int_equal(sum_in_order(&head), 24);
}

static void removing_twice_is_harmless(void **state)
{
	struct item one = {.value = 1}, two = {.value = 2};
	struct list head;

	(void)state;
	list_init(&head);
	list_add_back(&head, &one.node);
	list_add_back(&head, &two.node);
	list_del(&one.node);
	list_del(&one.node);
	assert_int_equal(sum_in_order(&head), 2);
	list_init(&one.node);
	list_del(&one.node);
	assert_true(list_empty(&one.node));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_keep_the_order_they_were_added_in),
		cmocka_unit_test(an_item_may_leave_while_the_list_is_walked),
		cmocka_unit_test(removing_twice_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
