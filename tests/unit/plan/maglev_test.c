// SPDX-License-Identifier: Apache-2.0
/* maglev: balance, weights, and how little changes. */
#include "plan/maglev.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "flow_hash.h"

enum { MEMBERS_MAX = 10000, SLOTS_MAX = 1 << 16 };

static struct arena arena;
static struct maglev_member members[MEMBERS_MAX];
static uint16_t ring[SLOTS_MAX], other[SLOTS_MAX];

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 64 << 20, 1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void set_members(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		members[i] = (struct maglev_member){
			.key = maglev_key(&i, sizeof(i)), .weight = 1, .id = (uint16_t)(i + 1)};
}

static void build(uint32_t n, uint32_t n_slots, uint16_t *ret_ring)
{
	CHECK_INT("build", maglev_build(members, n, n_slots, &arena, ret_ring), 0);
	for (uint32_t i = 0; i < n_slots; i++)
		if (!ret_ring[i])
			fail_msg("slot %u is nobody's", i);
}

static uint32_t share(const uint16_t *of, uint32_t n_slots, uint16_t id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_slots; i++)
		n += of[i] == id;
	return n;
}

static void sizes_are_primes_that_fill_their_lines(void **state)
{
	(void)state;
	for (uint32_t class = 0; class < 4; class ++) {
		uint32_t n = ring_slots(class);

		for (uint32_t i = 2; i * i <= n; i++)
			assert_int_not_equal(n % i, 0);
		assert_in_range(n, ring_lines(class) * 32 - 31, ring_lines(class) * 32);
		/* No hash leads out of the ring. */
		assert_true(ring_slot(class, UINT64_MAX) < n);
	}
	CHECK_INT("few members", ring_slots(maglev_class(10)), 4093);
	CHECK_INT("more", ring_slots(maglev_class(100)), 16381);
	CHECK_INT("many members", ring_slots(maglev_class(1000)), 65521);
}

static void everybody_gets_the_same(void **state)
{
	static const uint32_t counts[] = {1, 2, 3, 10, 100, 1000};

	(void)state;
	for (size_t i = 0; i < ROWS(counts); i++) {
		uint32_t n_slots = ring_slots(maglev_class(counts[i]));

		set_members(counts[i]);
		build(counts[i], n_slots, ring);
		for (uint32_t id = 1; id <= counts[i]; id++)
			assert_in_range(share(ring, n_slots, (uint16_t)id) + 1,
					n_slots / counts[i] + 1, n_slots / counts[i] + 2);
	}
}

static void shares_follow_weights(void **state)
{
	static const uint32_t weights[] = {100, 50, 200, 1, 0, 7};
	uint32_t n_slots = ring_slots(3), sum = 358;

	(void)state;
	set_members(6);
	for (int i = 0; i < 6; i++)
		members[i].weight = weights[i];
	build(6, n_slots, ring);
	for (int i = 0; i < 6; i++) {
		uint32_t want = (uint32_t)((uint64_t)n_slots * weights[i] / sum);
		uint32_t got = share(ring, n_slots, (uint16_t)(i + 1));

		assert_in_range(got + 5, want, want + 10);
	}
}

static void order_does_not_matter(void **state)
{
	(void)state;
	set_members(50);
	build(50, ring_slots(2), ring);
	set_members(50);
	for (int i = 0; i < 25; i++) {
		struct maglev_member kept = members[i];

		members[i] = members[49 - i];
		members[49 - i] = kept;
	}
	build(50, ring_slots(2), other);
	assert_memory_equal(ring, other, ring_slots(2) * sizeof(*ring));
}

/* Slots that change hands between two who stay, when one of n leaves, in percent. */
static double disturbed(uint32_t n, uint32_t class)
{
	uint32_t n_slots = ring_slots(class), moved = 0;
	uint16_t gone = 1;

	set_members(n);
	build(n, n_slots, ring);
	set_members(n);
	members[0] = members[n - 1];
	build(n - 1, n_slots, other);
	for (uint32_t i = 0; i < n_slots; i++)
		moved += ring[i] != other[i] && ring[i] != gone;
	return 100.0 * moved / n_slots;
}

static void few_others_move_when_one_leaves(void **state)
{
	static const struct {
		uint32_t n, class;
		double most;
	} rows[] = {{4, 2, 1.5},  {10, 2, 1.5},	 {100, 2, 2.5},
		    {10, 3, 0.6}, {100, 3, 1.0}, {1000, 3, 1.2}};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		double got = disturbed(rows[i].n, rows[i].class);

		print_message("one of %u leaves a ring of %u: %.2f %% of the others' slots move\n",
			      rows[i].n, ring_slots(rows[i].class), got);
		assert_true(got <= rows[i].most);
	}
}

static void nobody_has_weight(void **state)
{
	(void)state;
	set_members(3);
	for (int i = 0; i < 3; i++)
		members[i].weight = 0;
	CHECK_INT("build", maglev_build(members, 3, 1021, &arena, ring), 0);
	CHECK_INT("empty", share(ring, 1021, 0), 1021);
	CHECK_INT("build", maglev_build(members, 0, 1021, &arena, ring), 0);
}

static void ten_thousand_members_take_a_moment(void **state)
{
	uint64_t begun_ns = clock_mono_ns();

	(void)state;
	set_members(10000);
	build(10000, ring_slots(3), ring);
	print_message("10,000 members: %.1f ms\n", (double)(clock_mono_ns() - begun_ns) / 1e6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(sizes_are_primes_that_fill_their_lines),
		TEST(everybody_gets_the_same),
		TEST(shares_follow_weights),
		TEST(order_does_not_matter),
		TEST(few_others_move_when_one_leaves),
		TEST(nobody_has_weight),
		TEST(ten_thousand_members_take_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
