// SPDX-License-Identifier: Apache-2.0
/* mw_body_test: what filters write to. */

#include "mw/mw_body.h"
#include "mw_lab.h"

static void pieces_of_any_size_are_joined(void **state)
{
	struct mw_body_out out;
	char expected[20000];
	size_t n = 0;

	(void)state;
	mw_body_init(&out, 1 << 20);
	mw_body_begin(&out, NULL);
	for (size_t size = 0; n + size <= sizeof(expected); size = size * 2 + 1) {
		memset(expected + n, 'a' + (int)(size % 26), size);
		mw_body_append(&out, str_n(expected + n, size));
		n += size;
	}
	assert_false(out.failed);
	assert_true(str_eq(mw_body_str(&out), str_n(expected, n)));
	mw_body_begin(&out, NULL);
	assert_int_equal(mw_body_str(&out).len, 0);
	mw_body_done(&out);
	mw_body_done(NULL);
}

static void room_may_be_used_in_part(void **state)
{
	struct mw_body_out out;

	(void)state;
	mw_body_init(&out, 100);
	mw_body_begin(&out, NULL);
	memcpy(mw_body_room(&out, 50), "abc", 3);
	mw_body_added(&out, 3);
	memcpy(mw_body_room(&out, 97), "de", 2);
	mw_body_added(&out, 2);
	lab_assert_str(mw_body_str(&out), "abcde");
	mw_body_done(&out);
}

static void the_limit_is_final_until_the_next_span(void **state)
{
	struct mw_body_out out;

	(void)state;
	mw_body_init(&out, 4);
	mw_body_begin(&out, NULL);
	mw_body_append(&out, STR("abcd"));
	assert_false(out.failed);
	mw_body_append(&out, STR("e"));
	assert_true(out.failed);
	assert_null(mw_body_room(&out, 1));
	assert_null(mw_body_room(&out, SIZE_MAX));
	mw_body_begin(&out, NULL);
	mw_body_append(&out, STR("e"));
	lab_assert_str(mw_body_str(&out), "e");
	mw_body_done(&out);
}

static void trailers_go_where_there_is_a_place(void **state)
{
	struct mw_body_out out;
	struct headers trailers = {0};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	trailers.arena = &arena;
	mw_body_init(&out, 4);
	mw_body_begin(&out, NULL);
	mw_body_trailer(&out, STR("Dropped"), STR("1"));
	mw_body_begin(&out, &trailers);
	mw_body_trailer(&out, STR("Kept"), STR("1"));
	assert_int_equal(trailers.n, 1);
	lab_assert_header(&trailers, "kept", "1");
	mw_body_done(&out);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_any_size_are_joined),
		cmocka_unit_test(room_may_be_used_in_part),
		cmocka_unit_test(the_limit_is_final_until_the_next_span),
		cmocka_unit_test(trailers_go_where_there_is_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
