// SPDX-License-Identifier: Apache-2.0
/* arena: its cap, its alignment, what a reset keeps, and texts. */

#include "base/arena.h"
#include "check.h"

static void nothing_is_taken_before_the_first_allocation(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	assert_int_equal(arena.total_bytes, 0);
	arena_reset(&arena);
	arena_done(&arena);
	arena_done(NULL);
}

static void allocations_are_aligned_and_apart(void **state)
{
	struct arena arena;
	char *before = NULL;

	(void)state;
	arena_init(&arena, 1 << 20, 256);
	for (size_t i = 0; i < 500; i++) {
		size_t align = 1u << (i % 7), n = 1 + i % 90;
		char *p = arena_alloc(&arena, n, align);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % align, 0);
		assert_ptr_not_equal(p, before);
		memset(p, 0xaa, n);
		before = p;
	}
	assert_false(arena.failed);
	arena_done(&arena);
}

static void a_large_piece_leaves_the_room_of_the_head(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 1024);
	char *a = arena_alloc(&arena, 8, 8);

	assert_non_null(arena_alloc(&arena, 5000, 8));
	assert_ptr_equal(arena_alloc(&arena, 8, 8), a + 8);
	arena_done(&arena);
}

static void the_cap_is_kept_and_failure_sticks(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000, 512);
	assert_non_null(arena_alloc(&arena, 400, 1));
	assert_null(arena_alloc(&arena, 800, 1));
	assert_true(arena.failed);
	/* What still fits is given, the flag stays: one check after a batch is enough. */
	assert_non_null(arena_alloc(&arena, 10, 1));
	assert_true(arena.failed);
	assert_true(arena.total_bytes <= 1000);
	arena_reset(&arena);
	assert_false(arena.failed);
	arena_done(&arena);
}

static void sizes_that_wrap_are_refused(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, SIZE_MAX, 0);
	assert_non_null(arena_alloc(&arena, 3, 1));
	assert_null(arena_alloc(&arena, SIZE_MAX, 8));
	assert_null(arena_alloc(&arena, SIZE_MAX - 3, 64));
	assert_null(arena_zero(&arena, SIZE_MAX / 2, 3));
	assert_true(arena.failed);
	arena_done(&arena);
}

static void a_reset_keeps_one_ordinary_block(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 512);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++)
			assert_non_null(arena_alloc(&arena, 100, 8));
		assert_non_null(arena_alloc(&arena, 9000, 8));
		arena_reset(&arena);
		assert_int_equal(arena.total_bytes, 512);
	}
	arena_done(&arena);
}

static void a_first_piece_larger_than_a_block_is_not_kept(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 512);
	assert_non_null(arena_alloc(&arena, 9000, 8));
	arena_reset(&arena);
	assert_int_equal(arena.total_bytes, 0);
	assert_non_null(arena_alloc(&arena, 8, 8));
	arena_done(&arena);
}

static void arrays_are_zeroed_after_a_reset_too(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	memset(arena_alloc(&arena, 1000, 1), 0xff, 1000);
	arena_reset(&arena);
	const uint64_t *words = ARENA_ARRAY(&arena, uint64_t, 100);

	for (int i = 0; i < 100; i++)
		assert_int_equal(words[i], 0);
	arena_done(&arena);
}

static void copies_end_with_a_nul(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	struct str copy = arena_str(&arena, STR("GET"));

	CHECK_STR("copy", copy, STR("GET"));
	assert_int_equal(copy.at[3], 0);
	CHECK_STR("lower", arena_lower(&arena, STR("ExAmple.ORG\xc3\x84")),
		  STR("example.org\xc3\x84"));
	CHECK_STR("empty", arena_str(&arena, (struct str){0}), STR(""));
	CHECK_STR("printed", arena_printf(&arena, "%s-%d", "a", 7), STR("a-7"));
	arena_done(&arena);
}

static void joining_extends_the_newest_text_in_place(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	struct str a = arena_str(&arena, STR("foo"));
	struct str b = arena_join(&arena, a, STR("bar"));

	assert_ptr_equal(a.at, b.at);
	CHECK_STR("joined", b, STR("foobar"));
	assert_int_equal(b.at[6], 0);
	arena_str(&arena, STR("something newer"));
	struct str c = arena_join(&arena, b, STR("!"));

	assert_ptr_not_equal(b.at, c.at);
	CHECK_STR("copied", c, STR("foobar!"));
	CHECK_STR("the old one is as it was", b, STR("foobar"));
	CHECK_STR("with itself", arena_join(&arena, c, c), STR("foobar!foobar!"));
	arena_done(&arena);
}

static void texts_of_a_full_arena_are_empty(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 4, 4);
	assert_null(arena_str(&arena, STR("too long")).at);
	assert_null(arena_printf(&arena, "%s", "too long").at);
	assert_null(arena_join(&arena, STR("too"), STR("long")).at);
	assert_true(arena.failed);
	arena_done(&arena);
}

static void room_grows_and_keeps_what_is_there(void **state)
{
	struct arena arena;
	uint32_t *at = NULL, *before;
	size_t room = 0;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	for (uint32_t n = 0; n < 1000; n++) {
		before = at;
		at = arena_room(&arena, at, n, &room, sizeof(*at));
		assert_non_null(at);
		assert_int_equal(at == before, n && (n < 4 || n & (n - 1)));
		at[n] = n;
	}
	for (uint32_t n = 0; n < 1000; n++)
		assert_int_equal(at[n], n);
	while (at)
		at = arena_room(&arena, at, room, &room, sizeof(*at));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_taken_before_the_first_allocation),
		cmocka_unit_test(allocations_are_aligned_and_apart),
		cmocka_unit_test(a_large_piece_leaves_the_room_of_the_head),
		cmocka_unit_test(the_cap_is_kept_and_failure_sticks),
		cmocka_unit_test(sizes_that_wrap_are_refused),
		cmocka_unit_test(a_reset_keeps_one_ordinary_block),
		cmocka_unit_test(a_first_piece_larger_than_a_block_is_not_kept),
		cmocka_unit_test(arrays_are_zeroed_after_a_reset_too),
		cmocka_unit_test(copies_end_with_a_nul),
		cmocka_unit_test(joining_extends_the_newest_text_in_place),
		cmocka_unit_test(room_grows_and_keeps_what_is_there),
		cmocka_unit_test(texts_of_a_full_arena_are_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
