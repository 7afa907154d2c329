// SPDX-License-Identifier: Apache-2.0
/* kernel_muster: rings, rows, states and marks as services say; and nothing when there is no room.
 */
#include "plan/kernel_muster.h"

#include <errno.h>

#include "kernel_fleet_fixture.h"
#include "vip_key.h"

#define SECOND 1000000000ULL

static void exactly_the_slots_that_changed_are_marked(void **state)
{
	struct fleet_lab *lab = *state;
	uint32_t n = 0;

	fleet_config(lab);
	fleet_service(lab, "a", 1, 10);
	fleet_apply(lab, SECOND);
	fleet_config(lab);
	fleet_service(lab, "a", 1, 9);
	fleet_apply(lab, 2 * SECOND);
	struct abi_service *row = fleet_row(lab, "a");

	for (uint32_t i = 0; i < ring_slots(row->ring); i++) {
		bool is_marked = fleet_ring(lab, row->ring)[i] & ABI_RING_CHECK;

		CHECK_INT("marked", is_marked,
			  fleet_owner(lab, row->ring, i) != fleet_owner(lab, row->ring_before, i));
		n += is_marked;
	}
	assert_in_range(n, ring_slots(row->ring) / 11, ring_slots(row->ring) / 8);
}

static void states_decide_who_serves(void **state)
{
	static const struct {
		const char *name;
		enum kernel_backend_state states[3];
		uint32_t weights[3];
		uint32_t served_by; /* bits */
	} rows[] = {
		{"all active", {0, 0, 0}, {1, 1, 1}, 7},
		{"one drains", {0, 1, 0}, {1, 1, 1}, 5},
		{"one is dead", {0, 0, 2}, {1, 1, 1}, 3},
		{"one weighs nothing", {0, 0, 0}, {0, 1, 1}, 6},
		{"all drain", {1, 1, 1}, {1, 1, 1}, 7},
		{"all weigh nothing", {0, 0, 0}, {0, 0, 0}, 7},
		{"drained and dead ones", {1, 2, 2}, {1, 1, 1}, 1},
		{"all are dead", {2, 2, 2}, {1, 1, 1}, 0},
	};
	struct fleet_lab *lab = *state;

	for (size_t i = 0; i < ROWS(rows); i++) {
		fleet_config(lab);
		struct kernel_service *service = fleet_service(lab, rows[i].name, 1, 3);
		uint32_t got = 0;

		for (int k = 0; k < 3; k++) {
			service->backends[k].state = rows[i].states[k];
			service->backends[k].weight = rows[i].weights[k];
		}
		fleet_apply(lab, SECOND);
		uint32_t ring = fleet_row(lab, rows[i].name)->ring;

		for (uint32_t k = 0; ring && k < ring_slots(ring); k++)
			got |= 1u << (fleet_owner(lab, ring, k) - 1);
		CHECK_INT(rows[i].name, got, rows[i].served_by);
	}
}

static void equal_backends_are_one_with_both_shares(void **state)
{
	struct fleet_lab *lab = *state;
	uint32_t n = 0;

	fleet_config(lab);
	struct kernel_service *service = fleet_service(lab, "a", 1, 3);

	service->backends[2].addr = service->backends[0].addr;
	fleet_apply(lab, SECOND);
	CHECK_INT("rows", fleet_used(lab), 2);
	uint32_t ring = fleet_row(lab, "a")->ring;

	for (uint32_t i = 0; i < ring_slots(ring); i++)
		n += fleet_owner(lab, ring, i) == 1;
	assert_in_range(n, ring_slots(ring) * 65 / 100, ring_slots(ring) * 68 / 100);
}

static void what_did_not_change_costs_nothing(void **state)
{
	struct fleet_lab *lab = *state;
	struct kernel_fleet_plan *plan;
	char name[16];

	for (int round = 0; round < 2; round++) {
		fleet_config(lab);
		for (uint32_t i = 0; i < 40; i++) {
			snprintf(name, sizeof(name), "s%u", i);
			fleet_service(lab, name, 10 * i + 1, 10 * i + (round && i == 7 ? 6 : 5));
		}
		assert_int_equal(fleet_prepare(lab, (1 + (uint64_t)round) * SECOND, &plan), 0);
		CHECK_INT("changes", plan->n, round ? 1 : 40);
		CHECK_INT("new rows", plan->n_fresh, round ? 1 : 200);
		kernel_fleet_commit(lab->fleet, plan, SECOND);
		kernel_fleet_await(lab->fleet);
		kernel_fleet_settle(lab->fleet);
	}
}

static void without_room_nothing_happens(void **state)
{
	struct fleet_lab *lab = *state;
	struct kernel_fleet_plan *plan;
	char name[16];

	fleet_config(lab);
	fleet_service(lab, "a", 1, 4);
	fleet_apply(lab, SECOND);
	uint32_t n_free = lab->fleet->room.n_free;
	struct abi_service was = *fleet_row(lab, "a");

	fleet_config(lab);
	fleet_service(lab, "a", 1, 5);
	for (uint32_t i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		fleet_service(lab, name, 1, 2);
	}
	CHECK_INT("rings", fleet_prepare(lab, 2 * SECOND, &plan), -ENOSPC);
	CHECK_INT("room", lab->fleet->room.n_free, n_free);
	CHECK_INT("backends", fleet_used(lab), 4);
	assert_memory_equal(&was, fleet_row(lab, "a"), sizeof(was));
	fleet_config(lab);
	fleet_service(lab, "a", 1, ABI_BACKENDS);
	CHECK_INT("rows", fleet_prepare(lab, 2 * SECOND, &plan), -ENOSPC);
	CHECK_INT("backends", fleet_used(lab), 4);
	fleet_config(lab);
	fleet_service(lab, "a", 1, 5);
	lab->no_rings = true;
	CHECK_INT("memory", fleet_prepare(lab, 2 * SECOND, &plan), -ENOMEM);
	CHECK_INT("room", lab->fleet->room.n_free, n_free);
	CHECK_INT("backends", fleet_used(lab), 4);
	assert_memory_equal(&was, fleet_row(lab, "a"), sizeof(was));
}

static void nodes_have_a_ring_of_their_own(void **state)
{
	struct fleet_lab *lab = *state;
	static struct kernel_node nodes[3];
	static const char *const names[] = {"n1", "n2", "n3"};
	uint32_t seen = 0;

	for (int i = 0; i < 3; i++)
		nodes[i] = (struct kernel_node){
			.name = str_of(names[i]),
			.addr = addr_from_in4((struct in_addr){(uint32_t)i + 1}),
			.is_self = i == 1,
		};
	fleet_config(lab);
	lab->config->nodes = nodes;
	lab->config->n_nodes = 3;
	CHECK_INT("changes", fleet_apply(lab, SECOND), 1);
	uint32_t ring = lab->tables.services[0].ring;

	for (uint32_t i = 0; i < ring_slots(ring); i++)
		seen |= 1u << fleet_ring(lab, ring)[i];
	CHECK_INT("nodes", seen, 2 | 4 | 8);
	CHECK_INT("self", lab->tables.nodes[lab->image->here.self_node].is_self, 1);
	nodes[0].state = KERNEL_BACKEND_DEAD;
	CHECK_INT("changes", fleet_apply(lab, 2 * SECOND), 1);
	assert_int_not_equal(lab->tables.services[0].ring_before, 0);
}

static void quic_backends_are_found_by_server_id(void **state)
{
	struct fleet_lab *lab = *state;

	fleet_config(lab);
	struct kernel_service *service = fleet_service(lab, "a", 1, 100);

	service->affinity = KERNEL_AFFINITY_QUIC;
	for (uint32_t i = 0; i < 100; i++)
		service->backends[i].quic_server_id = i + 1;
	fleet_apply(lab, SECOND);
	for (uint32_t i = 1; i <= 100; i++) {
		uint64_t hash = quic_hash(1, i, lab->tables.seed);
		bool is_found = false;

		for (int k = 0; k < 2; k++) {
			uint32_t cell = quic_cell(hash, k);
			uint16_t id = lab->tables.quic[cell / 32].backend[cell % 32];

			is_found |= id && lab->tables.backends[id].addr.word[3] == i;
		}
		assert_true(is_found);
	}
	fleet_config(lab);
	fleet_apply(lab, 2 * SECOND);
	for (uint32_t i = 0; i < QUIC_CELLS; i++)
		CHECK_INT("empty", lab->tables.quic[i / 32].backend[i % 32], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLEET_TEST(exactly_the_slots_that_changed_are_marked),
		FLEET_TEST(states_decide_who_serves),
		FLEET_TEST(equal_backends_are_one_with_both_shares),
		FLEET_TEST(what_did_not_change_costs_nothing),
		FLEET_TEST(without_room_nothing_happens),
		FLEET_TEST(nodes_have_a_ring_of_their_own),
		FLEET_TEST(quic_backends_are_found_by_server_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
