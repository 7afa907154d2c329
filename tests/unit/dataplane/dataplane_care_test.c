// SPDX-License-Identifier: Apache-2.0
/* dataplane_care: a tick closes windows; without services it does nothing. What it does to flows is
 * told by tests/bpf/stick_test. */

#include <linux/bpf.h>

#include "dataplane/dataplane_maps.h"
#include "dataplane_lab.h"
#include "plan/kernel_fleet.h"

static void apply_backends(struct dataplane_lab *lab, uint32_t n)
{
	struct kernel_config *config = kernel_config_new(&lab->arena);
	struct kernel_service *service = kernel_config_service(config, STR("shop"));

	kernel_config_add(config, STR("web"), &(struct addr){0}, 80, IPPROTO_TCP, NULL);
	config->entries[0].service = service;
	service->mode = KERNEL_MODE_DSR_GUE;
	service->n_backends = n;
	service->backends = ARENA_ARRAY(&lab->arena, struct kernel_backend, n);
	for (uint32_t i = 0; i < n; i++)
		service->backends[i] = (struct kernel_backend){
			.addr = addr_from_in4((struct in_addr){htonl(0xf0000001 + i)}),
			.weight = 1};
	lab_apply(lab, config);
}

static void a_tick_closes_windows(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_service_totals row;
	uint64_t now_ns = clock_mono_ns();

	dataplane_tick(lab->dataplane, now_ns);
	apply_backends(lab, 3);
	apply_backends(lab, 4);
	dataplane_tick(lab->dataplane, now_ns);
	assert_int_equal(dataplane_services(lab->dataplane, &row, 1), 1);
	assert_true(row.is_settling);
	dataplane_tick(lab->dataplane, now_ns + KERNEL_FLEET_WINDOW_NS + 60 * NS_PER_SEC);
	assert_int_equal(dataplane_services(lab->dataplane, &row, 1), 1);
	assert_false(row.is_settling);
	/* Sweeps: nobody had a flow, so nothing is marked any more. */
	for (int i = 2; i < 6; i++)
		dataplane_tick(lab->dataplane,
			       now_ns + KERNEL_FLEET_WINDOW_NS + (uint64_t)i * 60 * NS_PER_SEC);
	assert_false(lab->dataplane->fleet->services[1].is_marked);
}

static void the_routes_know_our_address(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	const struct addr loopback = lab_addr("127.0.0.1"), nobody = lab_addr("240.0.0.1");
	struct addr self = dataplane_self(&loopback);

	(void)lab;
	assert_true(addr_is_unspecified(&self));
	self = dataplane_self(&nobody);
	assert_false(addr_is_loopback(&self));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_tick_closes_windows),
		LAB_TEST(the_routes_know_our_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
