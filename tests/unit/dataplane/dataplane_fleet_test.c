// SPDX-License-Identifier: Apache-2.0
/* dataplane_fleet: services and backends are told with what they did. */

#include <linux/bpf.h>

#include "dataplane_lab.h"

static struct kernel_service *service_of(struct kernel_config *config, const char *name,
					 const char *first)
{
	struct kernel_service *service = kernel_config_service(config, str_of(name));

	service->mode = KERNEL_MODE_DSR_IPIP;
	service->backends = ARENA_ARRAY(config->arena, struct kernel_backend, 2);
	service->n_backends = 1;
	service->backends[0] = (struct kernel_backend){.addr = lab_addr(first), .weight = 1};
	return service;
}

static void services_and_backends_are_told(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_service_totals services[4];
	struct dataplane_backend_totals backends[4];
	struct kernel_config *config = kernel_config_new(&lab->arena);
	char text[ADDR_TEXT_MAX];

	kernel_config_add(config, STR("web"), &(struct addr){0}, 80, IPPROTO_TCP, NULL);
	config->entries[0].service = service_of(config, "shop", "240.0.0.1");
	struct kernel_service *other = service_of(config, "other", "240.0.0.2");

	other->backends[0].state = KERNEL_BACKEND_DRAIN;
	lab_apply(lab, config);
	/* Nobody has a route to it: counted, and told as a fault. */
	lab_send(lab, "198.51.100.7");
	lab_send(lab, "198.51.100.8");
	assert_int_equal(dataplane_services(lab->dataplane, services, 4), 2);
	assert_string_equal(services[0].name, "shop");
	CHECK_INT("packets", services[0].packets, 2);
	CHECK_INT("bytes", services[0].bytes, 2 * 54);
	CHECK_INT("flows", services[0].flows, 0);
	CHECK_INT("active", services[0].n_active, 1);
	CHECK_INT("draining", services[1].n_draining, 1);
	assert_int_equal(dataplane_services(lab->dataplane, services, 1), 1);
	assert_int_equal(dataplane_backends(lab->dataplane, backends, 4), 2);
	for (int i = 0; i < 2; i++) {
		bool is_shop = !strcmp(backends[i].service, "shop");

		addr_print(&backends[i].addr, text);
		assert_string_equal(text, is_shop ? "240.0.0.1" : "240.0.0.2");
		CHECK_INT("packets", backends[i].packets, is_shop ? 2 : 0);
		CHECK_INT("faults", backends[i].faults, is_shop ? 2 : 0);
		CHECK_INT("fault", backends[i].fault, is_shop ? ABI_HOP_NO_ROUTE : ABI_HOP_OK);
	}
}

static void a_slot_begins_with_nothing(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_backend_totals backends[4];
	char text[ADDR_TEXT_MAX];

	for (int i = 1; i < 4; i++) {
		struct kernel_config *config = kernel_config_new(&lab->arena);

		snprintf(text, sizeof(text), "240.0.0.%d", i);
		kernel_config_add(config, STR("web"), &(struct addr){0}, 80, IPPROTO_TCP, NULL);
		config->entries[0].service = service_of(config, text, text);
		lab_apply(lab, config);
		lab_send(lab, "198.51.100.7");
		assert_int_equal(dataplane_backends(lab->dataplane, backends, 4), 1);
		CHECK_INT(text, backends[0].packets, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(services_and_backends_are_told),
		LAB_TEST(a_slot_begins_with_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
