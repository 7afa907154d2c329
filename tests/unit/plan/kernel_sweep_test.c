// SPDX-License-Identifier: Apache-2.0
/* kernel_sweep: marks go when their flows are gone, backends when theirs are. */
#include "plan/kernel_sweep.h"

#include "kernel_fleet_fixture.h"

#define SECOND 1000000000ULL

/* A service that lost backend 4, its window closed. */
static void shrink(struct fleet_lab *lab)
{
	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_apply(lab, SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 1, 3);
	fleet_apply(lab, 2 * SECOND);
}

static uint32_t marks(struct fleet_lab *lab)
{
	uint32_t ring = fleet_row(lab, "a")->ring, n = 0;

	for (uint32_t i = 0; i < ring_slots(ring); i++)
		n += !!(fleet_ring(lab, ring)[i] & ABI_RING_CHECK);
	return n;
}

static uint16_t id_of(struct fleet_lab *lab, uint32_t addr)
{
	for (uint16_t i = 1; i < ABI_BACKENDS; i++)
		if (lab->tables.backends[i].mode && lab->tables.backends[i].addr.word[3] == addr)
			return i;
	return 0;
}

static void nothing_is_judged_while_a_window_is_open(void **state)
{
	struct fleet_lab *lab = *state;

	shrink(lab);
	uint32_t n = marks(lab);

	assert_true(kernel_sweep_is_due(lab->fleet));
	assert_int_equal(kernel_sweep_begin(lab->fleet, 3 * SECOND), 0);
	kernel_sweep_end(lab->fleet);
	CHECK_INT("marks", marks(lab), n);
	CHECK_INT("backends", fleet_used(lab), 4);
	/* Closed while a sweep is under way: the next one's business. */
	assert_int_equal(kernel_sweep_begin(lab->fleet, 4 * SECOND), 0);
	kernel_fleet_tick(lab->fleet, 2 * SECOND + KERNEL_FLEET_WINDOW_NS);
	kernel_sweep_end(lab->fleet);
	CHECK_INT("marks", marks(lab), n);
}

static void marks_and_backends_go_with_their_flows(void **state)
{
	struct fleet_lab *lab = *state;
	uint64_t now_ns = 3 * SECOND + KERNEL_FLEET_WINDOW_NS;
	struct abi_stick_key key = {.proto = IPPROTO_TCP};

	shrink(lab);
	kernel_fleet_tick(lab->fleet, now_ns);
	struct abi_stick stick = {
		.seen_ns = 100 * SECOND,
		.backend = id_of(lab, 4),
		.tag = lab->tables.backends[id_of(lab, 4)].tag,
		.service = (uint16_t)(fleet_row(lab, "a") - lab->tables.services),
	};

	while (!(fleet_ring(lab, fleet_row(lab, "a")->ring)[stick.slot] & ABI_RING_CHECK))
		stick.slot++;
	assert_int_equal(kernel_sweep_begin(lab->fleet, now_ns + 1), 0);
	assert_true(kernel_sweep_see(lab->fleet, &key, &stick, 200 * SECOND));
	kernel_sweep_end(lab->fleet);
	CHECK_INT("marks", marks(lab), 1);
	CHECK_INT("backends", fleet_used(lab), 4);
	assert_true(kernel_sweep_is_due(lab->fleet));
	/* An hour later it is over; UDP is over earlier. */
	assert_int_equal(kernel_sweep_begin(lab->fleet, now_ns + 2), 0);
	assert_false(kernel_sweep_see(lab->fleet, &key, &stick, 3701 * SECOND));
	key.proto = IPPROTO_UDP;
	assert_false(kernel_sweep_see(lab->fleet, &key, &stick, 281 * SECOND));
	assert_true(kernel_sweep_end(lab->fleet));
	kernel_fleet_await(lab->fleet);
	kernel_fleet_settle(lab->fleet);
	CHECK_INT("marks", marks(lab), 0);
	CHECK_INT("backends", fleet_used(lab), 3);
	assert_false(kernel_sweep_is_due(lab->fleet));
}

static void flows_of_a_slots_last_backend_are_not_this_ones(void **state)
{
	struct fleet_lab *lab = *state;
	struct abi_stick_key key = {.proto = IPPROTO_TCP};

	shrink(lab);
	struct abi_stick stick = {
		.backend = id_of(lab, 1),
		.tag = (uint16_t)(lab->tables.backends[id_of(lab, 1)].tag + 1),
	};

	assert_int_equal(kernel_sweep_begin(lab->fleet, SECOND), 0);
	assert_false(kernel_sweep_see(lab->fleet, &key, &stick, SECOND));
	kernel_sweep_end(lab->fleet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLEET_TEST(nothing_is_judged_while_a_window_is_open),
		FLEET_TEST(marks_and_backends_go_with_their_flows),
		FLEET_TEST(flows_of_a_slots_last_backend_are_not_this_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
