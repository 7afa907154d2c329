// SPDX-License-Identifier: Apache-2.0
/* header_test: the list keeps order and spelling, finds without case, and deletes by marking. */

#include "http/header.h"

#include "check.h"

static struct arena arena;
static struct header slots[4];
static struct headers headers;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 65536, 0);
	headers = (struct headers){.at = slots, .cap = 4, .arena = &arena};
	header_add(&headers, STR("Host"), STR("a"));
	header_add(&headers, STR("x-one"), STR("1"));
	header_add(&headers, STR("X-Two"), STR(""));
	header_add(&headers, STR("X-ONE"), STR("2"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void names_are_found_without_case(void **state)
{
	struct header *found = header_find_name(&headers, STR("X-One"));

	(void)state;
	CHECK_STR("first", found->value, STR("1"));
	found = header_next_same(&headers, found);
	CHECK_STR("next", found->value, STR("2"));
	assert_null(header_next_same(&headers, found));
	assert_ptr_equal(header_find(&headers, HEADER_HOST),
			 header_find_name(&headers, STR("hOST")));
	assert_null(header_find(&headers, HEADER_COOKIE));
	assert_null(header_find_name(&headers, STR("X-Three")));
}

static void absent_and_empty_are_told_apart(void **state)
{
	(void)state;
	header_add_id(&headers, HEADER_COOKIE, (struct str){0});
	assert_non_null(header_value(&headers, HEADER_COOKIE).at);
	assert_int_equal(header_value(&headers, HEADER_COOKIE).len, 0);
	assert_null(header_value(&headers, HEADER_DATE).at);
}

static void setting_replaces_all_of_a_name_in_the_first_place(void **state)
{
	(void)state;
	header_set(&headers, STR("X-One"), STR("3"));
	CHECK_STR("value", headers.at[1].value, STR("3"));
	CHECK_STR("name", headers.at[1].name, STR("X-One"));
	assert_true(headers.at[3].gone);
	header_set(&headers, STR("X-Three"), STR("4"));
	CHECK_STR("added", headers.at[4].value, STR("4"));
	header_set_id(&headers, HEADER_HOST, STR("b"));
	CHECK_STR("host", header_value(&headers, HEADER_HOST), STR("b"));
	assert_int_equal(headers.n, 5);
}

static void what_is_removed_is_not_found(void **state)
{
	(void)state;
	header_remove(&headers, STR("x-ONE"));
	assert_null(header_find_name(&headers, STR("X-One")));
	header_remove_id(&headers, HEADER_HOST);
	assert_null(header_value(&headers, HEADER_HOST).at);
	assert_non_null(header_find_name(&headers, STR("X-Two")));
}

static void the_list_grows_in_the_arena_until_it_is_full(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		header_add(&headers, STR("N"), STR("v"));
	assert_int_equal(headers.n, 104);
	CHECK_STR("kept", headers.at[1].value, STR("1"));
	assert_false(arena.failed);
	for (int i = 0; i < 5000; i++)
		header_add(&headers, STR("N"), STR("v"));
	assert_true(arena.failed);
	assert_true(headers.n <= headers.cap);
	headers.arena = NULL;
	headers.n = headers.cap;
	assert_false(header_room(&headers));
}

static void lines_are_joined_in_order(void **state)
{
	(void)state;
	assert_null(header_joined(&headers, HEADER_X_FORWARDED_FOR).at);
	header_add_id(&headers, HEADER_X_FORWARDED_FOR, STR("1"));
	CHECK_STR("one", header_joined(&headers, HEADER_X_FORWARDED_FOR), STR("1"));
	header_add_id(&headers, HEADER_X_FORWARDED_FOR, STR("2, 3"));
	header_add_id(&headers, HEADER_X_FORWARDED_FOR, STR("4"));
	CHECK_STR("all", header_joined(&headers, HEADER_X_FORWARDED_FOR), STR("1, 2, 3, 4"));
}

static void lists_are_searched_by_whole_elements(void **state)
{
	(void)state;
	assert_true(header_list_has(STR("a, Close ,b"), STR("close")));
	assert_true(header_list_has(STR("close"), STR("close")));
	assert_true(header_list_has(STR(",,\tclose"), STR("close")));
	assert_false(header_list_has(STR("closed, x-close, close x"), STR("close")));
	assert_false(header_list_has(STR(""), STR("close")));
	assert_false(header_list_has((struct str){0}, STR("close")));
}

static void cookies_are_found_by_exact_name(void **state)
{
	static const struct {
		const char *name, *value; /* NULL: absent */
	} rows[] = {{"a", "1"},	 {"bb", "x=y"}, {"c", ""},  {"d", "q"}, {"A", NULL},
		    {"b", NULL}, {"e", NULL},	{"f", "2"}, {"", NULL}};

	(void)state;
	header_add(&headers, STR("Cookie"), STR("a=1; bb=x=y;c=; d=\"q\"; e;a=9"));
	header_add(&headers, STR("cookie"), STR(" f=2"));
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str value = header_cookie(&headers, str_of(rows[i].name));

		CHECK_INT(rows[i].name, value.at != NULL, rows[i].value != NULL);
		CHECK_STR(rows[i].name, value, str_of(rows[i].value));
	}
}

static void names_and_values_are_validated(void **state)
{
	(void)state;
	assert_true(header_name_valid(STR("X-a_b.c~1!#$%&'*+^`|")));
	assert_false(header_name_valid(STR("")));
	assert_false(header_name_valid(STR("a b")));
	assert_false(header_name_valid(STR("a:")));
	assert_false(header_name_valid(STR("a\xe9")));
	assert_true(header_value_valid(STR("")));
	assert_true(header_value_valid(STR("a\tb \xff")));
	assert_false(header_value_valid(STR("a\r\nb")));
	assert_false(header_value_valid(STR("a\0")));
	assert_false(header_value_valid(STR("\x7f")));
}

static void quoted_strings_are_escaped(void **state)
{
	static const struct {
		const char *text, *quoted;
	} rows[] = {{"", "\"\""}, {"a b", "\"a b\""}, {"a\"b\\", "\"a\\\"b\\\\\""}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_STR(rows[i].text, header_quoted(str_of(rows[i].text), &arena),
			  str_of(rows[i].quoted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(quoted_strings_are_escaped, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_found_without_case, setup, teardown),
		cmocka_unit_test_setup_teardown(absent_and_empty_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(setting_replaces_all_of_a_name_in_the_first_place,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_removed_is_not_found, setup, teardown),
		cmocka_unit_test_setup_teardown(the_list_grows_in_the_arena_until_it_is_full, setup,
						teardown),
		cmocka_unit_test_setup_teardown(lines_are_joined_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_are_searched_by_whole_elements, setup,
						teardown),
		cmocka_unit_test_setup_teardown(cookies_are_found_by_exact_name, setup, teardown),
		cmocka_unit_test_setup_teardown(names_and_values_are_validated, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
