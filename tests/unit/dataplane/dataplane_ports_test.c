// SPDX-License-Identifier: Apache-2.0
/* dataplane_ports_test: which ports of translated flows sockets may get. */
#include "dataplane_lab.h"

#include "dataplane/dataplane_ports.h"

struct row {
	const char *name;
	struct dataplane_port_range nat, own;
	const char *reserved;
	uint32_t n;
};

static const struct row rows[] = {
	{"as Linux comes", {61000, 65535}, {32768, 60999}, "\n", 0},
	{"the range reaches higher", {61000, 65535}, {10240, 65535}, "\n", 4536},
	{"reserved", {61000, 65535}, {10240, 65535}, "61000-65535\n", 0},
	{"reserved among others", {61000, 65535}, {10240, 65535}, "80,8080-8090,61000-65534\n", 1},
	{"the last port alone is shared", {61000, 65535}, {1024, 61000}, "", 1},
	{"of a list that nobody understands nothing is reserved",
	 {61000, 61063},
	 {1024, 65535},
	 "x,61000-,-61063,70000",
	 64},
	{"a range that ends before it begins", {61000, 61063}, {1024, 65535}, "61063-61000", 64},
};

static void ports_that_are_not_reserved_are_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t n =
			dataplane_ports_shared(rows[i].nat, rows[i].own, str_of(rows[i].reserved));

		if (n != rows[i].n)
			fail_msg("%s: %u", rows[i].name, n);
	}
}

static void nothing_is_asked_while_no_service_translates(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct kernel_config *config = kernel_config_new(&lab->arena);
	struct kernel_service *service = kernel_config_service(config, STR("one"));
	struct addr any = {0};

	/* Every port that Linux may give. */
	config->nat_first = 1;
	config->nat_last = 65535;
	kernel_config_add(config, STR("vip"), &any, 80, IPPROTO_TCP, NULL);
	config->entries[0].service = service;
	service->mode = KERNEL_MODE_DSR_L2;
	assert_int_equal(dataplane_ports_check(config), 0);
	service->mode = KERNEL_MODE_NAT;
	assert_true(dataplane_ports_check(config) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_that_are_not_reserved_are_counted),
		cmocka_unit_test_setup_teardown(nothing_is_asked_while_no_service_translates,
						lab_begin, lab_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
