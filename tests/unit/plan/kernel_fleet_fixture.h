/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_FLEET_FIXTURE_H
#define KERNEL_FLEET_FIXTURE_H

/* kernel_fleet_fixture: a fleet over arrays instead of maps, and services in few words. */

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "flow_hash.h"
#include "plan/kernel_fleet.h"
#include "plan/kernel_sweep.h"

enum { FLEET_RING_LINES = 1 << 13 };

struct fleet_lab {
	struct kernel_tables tables;
	struct abi_ring_line *lines;
	bool no_rings; /* cannot be mapped */
	struct kernel_fleet *fleet;
	struct arena arena;
	struct kernel_config *config;
	struct kernel_image *image;
};

static inline struct abi_ring_line *fleet_lines(void *context, uint32_t line)
{
	struct fleet_lab *lab = context;

	return lab->no_rings ? NULL : &lab->lines[line];
}

static inline int fleet_begin(void **state)
{
	struct fleet_lab *lab = calloc(1, sizeof(*lab));

	lab->tables = (struct kernel_tables){
		.services = calloc(ABI_SERVICES, sizeof(struct abi_service)),
		.rings = {fleet_lines, lab, FLEET_RING_LINES},
		.backends = calloc(ABI_BACKENDS, sizeof(struct abi_backend)),
		.quic = calloc(ABI_QUIC_LINES, sizeof(struct abi_quic_line)),
		.nodes = calloc(ABI_NODES, sizeof(struct abi_node)),
		.seed = {1, 2},
	};
	lab->lines = calloc(FLEET_RING_LINES, sizeof(struct abi_ring_line));
	arena_init(&lab->arena, 512 << 20, 1 << 20);
	lab->fleet = kernel_fleet_new(&lab->tables, 0);
	assert_non_null(lab->fleet);
	*state = lab;
	return 0;
}

static inline int fleet_end(void **state)
{
	struct fleet_lab *lab = *state;

	kernel_fleet_free(lab->fleet);
	free(lab->tables.services);
	free(lab->lines);
	free(lab->tables.backends);
	free(lab->tables.quic);
	free(lab->tables.nodes);
	arena_done(&lab->arena);
	free(lab);
	return 0;
}

/* Adds a service with backends first..last. */
static inline struct kernel_service *fleet_service(struct fleet_lab *lab, const char *name,
						   uint32_t first, uint32_t last)
{
	struct kernel_service *service = kernel_config_service(lab->config, str_of(name));
	uint32_t n = last - first + 1;

	service->mode = KERNEL_MODE_DSR_IPIP;
	service->backends = ARENA_ARRAY(&lab->arena, struct kernel_backend, n);
	service->n_backends = n;
	for (uint32_t i = 0; i < n; i++)
		service->backends[i] = (struct kernel_backend){
			.addr = addr_from_in4((struct in_addr){first + i}), .weight = 1};
	return service;
}

static inline void fleet_config(struct fleet_lab *lab)
{
	lab->config = kernel_config_new(&lab->arena);
}

static inline int fleet_prepare(struct fleet_lab *lab, uint64_t now_ns,
				struct kernel_fleet_plan **ret_plan)
{
	const struct kernel_scale scale = {.tick_ns = 4000000, .seed = {1, 2}, .acl_lines = 64};

	assert_int_equal(kernel_image(lab->config, lab->image, &scale, &lab->arena, &lab->image),
			 0);
	return kernel_fleet_prepare(lab->fleet, lab->config, lab->image, now_ns, &lab->arena,
				    ret_plan);
}

/* All of it; returns how many services changed. */
static inline size_t fleet_apply(struct fleet_lab *lab, uint64_t now_ns)
{
	struct kernel_fleet_plan *plan = NULL;

	assert_int_equal(fleet_prepare(lab, now_ns, &plan), 0);
	kernel_fleet_commit(lab->fleet, plan, now_ns);
	kernel_fleet_await(lab->fleet);
	kernel_fleet_settle(lab->fleet);
	return plan->n;
}

static inline struct abi_service *fleet_row(struct fleet_lab *lab, const char *name)
{
	for (uint32_t i = 1; i < ABI_SERVICES; i++)
		if (!strcmp(lab->tables.services[i].name, name))
			return &lab->tables.services[i];
	return NULL;
}

static inline const uint16_t *fleet_ring(const struct fleet_lab *lab, uint32_t ring)
{
	return lab->lines[ring >> 2].slot;
}

/* The address of a slot's backend. */
static inline uint32_t fleet_owner(const struct fleet_lab *lab, uint32_t ring, uint32_t slot)
{
	uint16_t id = fleet_ring(lab, ring)[slot] & ABI_RING_BACKEND;

	return lab->tables.backends[id].addr.word[3];
}

static inline uint32_t fleet_used(const struct fleet_lab *lab)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < ABI_BACKENDS; i++)
		n += lab->tables.backends[i].mode != 0;
	return n;
}

#define FLEET_TEST(name) cmocka_unit_test_setup_teardown(name, fleet_begin, fleet_end)

#endif
