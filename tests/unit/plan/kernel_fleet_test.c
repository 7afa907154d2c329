// SPDX-License-Identifier: Apache-2.0
/* kernel_fleet: windows open and close, what is gone is freed, what is there is taken over. */
#include "plan/kernel_fleet.h"

#include "kernel_fleet_fixture.h"

#define SECOND 1000000000ULL

static void a_window_keeps_the_ring_from_before(void **state)
{
	struct fleet_lab *lab = *state;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_apply(lab, SECOND);
	struct abi_service *row = fleet_row(lab, "a");
	uint32_t first = row->ring;

	CHECK_INT("a new one has none before", row->ring_before, 0);
	fleet_config(lab);
	fleet_service(lab, "a", 1, 5);
	fleet_apply(lab, 2 * SECOND);
	CHECK_INT("the one before", row->ring_before, first);
	uint32_t second = row->ring;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 6);
	fleet_apply(lab, 3 * SECOND);
	CHECK_INT("still the first", row->ring_before, first);
	assert_int_not_equal(row->ring, second);
	assert_false(kernel_fleet_tick(lab->fleet, 3 * SECOND + KERNEL_FLEET_WINDOW_NS - 1));
	assert_true(kernel_fleet_tick(lab->fleet, 3 * SECOND + KERNEL_FLEET_WINDOW_NS));
	CHECK_INT("closed", row->ring_before, 0);
	kernel_fleet_await(lab->fleet);
	kernel_fleet_settle(lab->fleet);
	/* One ring is in use. */
	CHECK_INT("room", lab->fleet->room.n_free,
		  lab->fleet->room.n_units - 1 - ring_lines(row->ring) / 32);
}

static void a_window_is_renewed_in_the_end(void **state)
{
	struct fleet_lab *lab = *state;
	uint32_t before = 0, n_renewed = 0;

	for (uint32_t i = 0; i < 20; i++) {
		fleet_config(lab);
		fleet_service(lab, "a", 1, 4 + i % 2);
		fleet_apply(lab, (1 + i * 300) * SECOND);
		uint32_t now = fleet_row(lab, "a")->ring_before;

		n_renewed += now != before;
		before = now;
	}
	/* 100 minutes of changes every five: opened once, renewed once. */
	CHECK_INT("renewed", n_renewed, 2);
}

/* The row of a backend that is there. */
static const struct abi_backend *backend_of(const struct fleet_lab *lab, uint32_t number)
{
	struct addr addr = addr_from_in4((struct in_addr){number});

	for (uint32_t i = 1; i < ABI_BACKENDS; i++)
		if (lab->tables.backends[i].mode &&
		    !memcmp(&lab->tables.backends[i].addr, addr.byte, sizeof(addr.byte)))
			return &lab->tables.backends[i];
	fail();
	return NULL;
}

/* A service of two, one of which drains; its state in the row. */
static enum abi_backend_state drain_state(struct fleet_lab *lab, uint64_t now_ns, bool first,
					  bool second)
{
	fleet_config(lab);
	struct kernel_service *service = fleet_service(lab, "a", 1, 2);

	service->drain_ns = 30 * SECOND;
	service->backends[0].state = first ? KERNEL_BACKEND_DRAIN : KERNEL_BACKEND_ACTIVE;
	service->backends[1].state = second ? KERNEL_BACKEND_DRAIN : KERNEL_BACKEND_ACTIVE;
	fleet_apply(lab, now_ns);
	return backend_of(lab, 1)->state;
}

static void flows_leave_a_backend_that_drains_when_its_time_is_over(void **state)
{
	struct fleet_lab *lab = *state;

	CHECK_INT("serves", drain_state(lab, SECOND, false, false), ABI_BACKEND_ACTIVE);
	const struct abi_backend *row = backend_of(lab, 1);

	CHECK_INT("drains", drain_state(lab, 2 * SECOND, true, false), ABI_BACKEND_DRAIN);
	kernel_fleet_tick(lab->fleet, 32 * SECOND - 1);
	CHECK_INT("has time", row->state, ABI_BACKEND_DRAIN);
	kernel_fleet_tick(lab->fleet, 32 * SECOND);
	CHECK_INT("had time", row->state, ABI_BACKEND_DEAD);
	CHECK_INT("nobody else is there", drain_state(lab, 33 * SECOND, true, true),
		  ABI_BACKEND_DRAIN);
	CHECK_INT("somebody is back", drain_state(lab, 34 * SECOND, true, false), ABI_BACKEND_DEAD);
	CHECK_INT("is back itself", drain_state(lab, 35 * SECOND, false, false),
		  ABI_BACKEND_ACTIVE);
	CHECK_INT("drains again", drain_state(lab, 36 * SECOND, true, false), ABI_BACKEND_DRAIN);
	kernel_fleet_tick(lab->fleet, 65 * SECOND);
	CHECK_INT("with all its time", row->state, ABI_BACKEND_DRAIN);
}

static void flows_leave_a_backend_that_is_taken_out(void **state)
{
	struct fleet_lab *lab = *state;

	drain_state(lab, SECOND, false, false);
	const struct abi_backend *row = backend_of(lab, 2);

	lab->fleet->backends[row - lab->tables.backends].was_used = true;
	fleet_config(lab);
	fleet_service(lab, "a", 1, 1)->drain_ns = 30 * SECOND;
	fleet_apply(lab, 2 * SECOND);
	CHECK_INT("its flows stay", row->state, ABI_BACKEND_DRAIN);
	kernel_fleet_tick(lab->fleet, 32 * SECOND);
	CHECK_INT("no longer", row->state, ABI_BACKEND_DEAD);
}

static void without_a_drain_timeout_flows_stay(void **state)
{
	struct fleet_lab *lab = *state;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 2);
	fleet_apply(lab, SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 1, 2)->backends[0].state = KERNEL_BACKEND_DRAIN;
	fleet_apply(lab, 2 * SECOND);
	kernel_fleet_tick(lab->fleet, 100000 * SECOND);
	CHECK_INT("drains", backend_of(lab, 1)->state, ABI_BACKEND_DRAIN);
}

static void services_that_are_gone_leave_nothing(void **state)
{
	struct fleet_lab *lab = *state;
	uint32_t n_free = lab->fleet->room.n_free;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_service(lab, "b", 5, 8);
	fleet_apply(lab, SECOND);
	CHECK_INT("backends", fleet_used(lab), 8);
	fleet_config(lab);
	fleet_service(lab, "b", 5, 8);
	CHECK_INT("b did not change", fleet_apply(lab, 2 * SECOND), 0);
	CHECK_INT("backends", fleet_used(lab), 4);
	assert_null(fleet_row(lab, "a"));
	fleet_config(lab);
	fleet_apply(lab, 3 * SECOND);
	CHECK_INT("backends", fleet_used(lab), 0);
	CHECK_INT("room", lab->fleet->room.n_free, n_free);
}

static void another_process_takes_over(void **state)
{
	struct fleet_lab *lab = *state;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_apply(lab, SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 1, 5);
	fleet_apply(lab, 2 * SECOND);
	struct abi_service was = *fleet_row(lab, "a");

	kernel_fleet_free(lab->fleet);
	lab->fleet = kernel_fleet_new(&lab->tables, 100 * SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 1, 5);
	fleet_apply(lab, 101 * SECOND);
	CHECK_INT("the same rings", fleet_row(lab, "a")->rings, was.rings);
	CHECK_INT("the same backends", fleet_used(lab), 5);
	assert_true(kernel_fleet_tick(lab->fleet, 100 * SECOND + KERNEL_FLEET_WINDOW_NS));
	CHECK_INT("closed", fleet_row(lab, "a")->ring_before, 0);
}

/* Commits while packets of the former one are still under way. */
static void commit_only(struct fleet_lab *lab, uint64_t now_ns)
{
	struct kernel_fleet_plan *plan = NULL;

	assert_int_equal(fleet_prepare(lab, now_ns, &plan), 0);
	kernel_fleet_commit(lab->fleet, plan, now_ns);
}

static void changes_follow_each_other_without_waiting(void **state)
{
	struct fleet_lab *lab = *state;
	uint32_t n_free;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_apply(lab, SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 1, 5);
	fleet_apply(lab, 2 * SECOND);
	n_free = lab->fleet->room.n_free;
	fleet_config(lab);
	fleet_service(lab, "a", 1, 6);
	commit_only(lab, 3 * SECOND);
	assert_true(kernel_fleet_await(lab->fleet));
	fleet_config(lab);
	fleet_service(lab, "a", 1, 7);
	commit_only(lab, 4 * SECOND);
	kernel_fleet_settle(lab->fleet);
	CHECK_INT("what the second left is not free", lab->fleet->room.n_free,
		  n_free - ring_lines(fleet_row(lab, "a")->ring) / 32);
	assert_true(kernel_fleet_await(lab->fleet));
	kernel_fleet_settle(lab->fleet);
	CHECK_INT("now it is", lab->fleet->room.n_free, n_free);
	assert_false(kernel_fleet_await(lab->fleet));
}

/* Backend 5 came and went while the window was open; 1 to 4 were there before. */
static void who_came_and_went_unused_does_not_wait_for_the_window(void **state)
{
	struct fleet_lab *lab = *state;
	uint16_t ids[4] = {0};

	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_apply(lab, SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 2, 5);
	fleet_apply(lab, 2 * SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 2, 4);
	commit_only(lab, 3 * SECOND);
	CHECK_INT("packets are under way", kernel_fleet_strays(lab->fleet, ids, 4), 0);
	kernel_fleet_await(lab->fleet);
	kernel_fleet_settle(lab->fleet);
	CHECK_INT("strays", kernel_fleet_strays(lab->fleet, ids, 4), 1);
	CHECK_INT("which", lab->tables.backends[ids[0]].addr.word[3], 5);
	kernel_fleet_judge(lab->fleet, ids[0], true);
	CHECK_INT("is not asked again", kernel_fleet_strays(lab->fleet, ids, 4), 0);
	kernel_fleet_judge(lab->fleet, ids[0], false);
	CHECK_INT("all", fleet_used(lab), 5);
	assert_true(kernel_fleet_await(lab->fleet));
	kernel_fleet_settle(lab->fleet);
	CHECK_INT("the first stays for its flows", fleet_used(lab), 4);
}

/* With flows, a sweep that began after it had left and finds none lets it go. */
static void a_sweep_frees_who_came_and_went(void **state)
{
	struct fleet_lab *lab = *state;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_apply(lab, SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 2, 5);
	fleet_apply(lab, 2 * SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 2, 4);
	fleet_apply(lab, 4 * SECOND);
	assert_int_equal(kernel_sweep_begin(lab->fleet, 3 * SECOND), 0);
	assert_false(kernel_sweep_end(lab->fleet));
	assert_int_equal(kernel_sweep_begin(lab->fleet, 5 * SECOND), 0);
	assert_true(kernel_sweep_end(lab->fleet));
	kernel_fleet_await(lab->fleet);
	kernel_fleet_settle(lab->fleet);
	CHECK_INT("backends", fleet_used(lab), 4);
}

static void a_tick_before_the_first_configuration_takes_nothing_away(void **state)
{
	struct fleet_lab *lab = *state;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_apply(lab, SECOND);
	kernel_fleet_free(lab->fleet);
	lab->fleet = kernel_fleet_new(&lab->tables, 100 * SECOND);
	kernel_fleet_tick(lab->fleet, 100 * SECOND);
	kernel_fleet_await(lab->fleet);
	kernel_fleet_settle(lab->fleet);
	CHECK_INT("backends", fleet_used(lab), 4);
	assert_non_null(fleet_row(lab, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLEET_TEST(a_window_keeps_the_ring_from_before),
		FLEET_TEST(a_window_is_renewed_in_the_end),
		FLEET_TEST(flows_leave_a_backend_that_drains_when_its_time_is_over),
		FLEET_TEST(flows_leave_a_backend_that_is_taken_out),
		FLEET_TEST(without_a_drain_timeout_flows_stay),
		FLEET_TEST(services_that_are_gone_leave_nothing),
		FLEET_TEST(another_process_takes_over),
		FLEET_TEST(changes_follow_each_other_without_waiting),
		FLEET_TEST(who_came_and_went_unused_does_not_wait_for_the_window),
		FLEET_TEST(a_sweep_frees_who_came_and_went),
		FLEET_TEST(a_tick_before_the_first_configuration_takes_nothing_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
