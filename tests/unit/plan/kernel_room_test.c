// SPDX-License-Identifier: Apache-2.0
/* kernel_room: rings do not overlap, come back, and get smaller when there is little room. */
#include "plan/kernel_room.h"

#include "check.h"
#include "flow_hash.h"

static void rings_do_not_overlap(void **state)
{
	static bool taken[1 << 14];
	struct kernel_room room;

	(void)state;
	memset(taken, 0, sizeof(taken));
	assert_int_equal(kernel_room_init(&room, ROWS(taken)), 0);
	for (uint32_t i = 0;; i++) {
		uint32_t ring = kernel_room_take(&room, i % 4, false);

		if (!ring)
			break;
		CHECK_INT("class", ring & 3, i % 4);
		for (uint32_t k = 0; k < ring_lines(ring); k++) {
			assert_in_range((ring >> 2) + k, 1, ROWS(taken) - 1);
			assert_false(taken[(ring >> 2) + k]);
			taken[(ring >> 2) + k] = true;
		}
	}
	kernel_room_done(&room);
}

static void a_retired_ring_is_free_after_a_grace(void **state)
{
	struct kernel_room room;

	(void)state;
	assert_int_equal(kernel_room_init(&room, 4 * 32), 0);
	uint32_t first = kernel_room_take(&room, 0, false);
	uint32_t n_free = room.n_free;

	kernel_room_take(&room, 0, false);
	kernel_room_take(&room, 0, false);
	CHECK_INT("full", kernel_room_take(&room, 0, false), 0);
	kernel_room_retire(&room, first);
	CHECK_INT("not yet", kernel_room_take(&room, 0, false), 0);
	kernel_room_settle(&room);
	CHECK_INT("nobody waited for it", kernel_room_take(&room, 0, false), 0);
	assert_true(kernel_room_await(&room));
	kernel_room_settle(&room);
	CHECK_INT("now", kernel_room_take(&room, 0, false), first);
	kernel_room_drop(&room, first);
	CHECK_INT("dropped", kernel_room_take(&room, 0, false), first);
	kernel_room_retire(&room, 0); /* no ring */
	assert_false(kernel_room_await(&room));
	kernel_room_settle(&room);
	CHECK_INT("none free", room.n_free, n_free - 2);
	kernel_room_done(&room);
}

static void rings_shrink_before_room_ends(void **state)
{
	struct kernel_room room;
	uint32_t n[4] = {0};

	(void)state;
	assert_int_equal(kernel_room_init(&room, 1 << 14), 0);
	for (uint32_t ring; (ring = kernel_room_take(&room, 2, true));)
		n[ring & 3]++;
	assert_in_range(n[2], 10, 16);
	assert_in_range(n[1], 10, 40);
	assert_in_range(n[0], 64, 200);
	kernel_room_done(&room);
}

static void what_was_there_before_is_claimed(void **state)
{
	struct kernel_room room;

	(void)state;
	assert_int_equal(kernel_room_init(&room, 1 << 10), 0);
	uint32_t ring = kernel_room_take(&room, 1, false);
	struct kernel_room other;

	assert_int_equal(kernel_room_init(&other, 1 << 10), 0);
	kernel_room_claim(&other, ring);
	CHECK_INT("free", other.n_free, room.n_free);
	assert_int_not_equal(kernel_room_take(&other, 1, false), ring);
	kernel_room_done(&room);
	kernel_room_done(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_do_not_overlap),
		cmocka_unit_test(a_retired_ring_is_free_after_a_grace),
		cmocka_unit_test(rings_shrink_before_room_ends),
		cmocka_unit_test(what_was_there_before_is_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
