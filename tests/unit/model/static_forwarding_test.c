// SPDX-License-Identifier: Apache-2.0
/* static_forwarding_test: the options of what the kernel plane forwards. */
#include "model_help.h"

#include <errno.h>

#include "model/static_config.h"

static void options_and_the_node_s_name_from_the_environment(void **state)
{
	static char off[] = "--forwarding.offload=off";
	static char pools[] = "--forwarding.addressPools=10.0.0.0/8,::/0";
	static char n1[] = "NODE_NAME=n1", n2[] = "TIDEGATE_FORWARDING_NODENAME=n2";
	char *argv[] = {off, pools}, *envp[] = {n1, NULL}, *named[] = {n1, n2, NULL};
	struct static_config config;
	struct arena arena;
	struct diag_sink sink;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	assert_int_equal(static_config_from_args(2, argv, envp, NULL, &arena, &sink, &config, NULL),
			 0);
	assert_true(str_eq(config.forwarding.offload, STR("off")));
	assert_int_equal(config.forwarding.address_pools.n, 2);
	assert_true(str_eq(config.forwarding.node_name, STR("n1")));
	assert_int_equal(
		static_config_from_args(0, argv, named, NULL, &arena, &sink, &config, NULL), 0);
	assert_true(str_eq(config.forwarding.offload, STR("auto")));
	assert_true(str_eq(config.forwarding.node_name, STR("n2")));
	arena_done(&arena);
}

static void ports_of_translated_flows_are_a_range(void **state)
{
	static const struct {
		char text[48];
		int err;
		uint16_t first, last;
	} rows[] = {
		{"--forwarding.natPorts=61000-65535", 0, 61000, 65535},
		{"--forwarding.natPorts=1024-1087", 0, 1024, 1087},
		{"--forwarding.natPorts=1024-1086", -EINVAL, 61000, 65535},
		{"--forwarding.natPorts=1023-9000", -EINVAL, 61000, 65535},
		{"--forwarding.natPorts=61000-65536", -EINVAL, 61000, 65535},
		{"--forwarding.natPorts=65535-61000", -EINVAL, 61000, 65535},
		{"--forwarding.natPorts=61000", -EINVAL, 61000, 65535},
		{"--forwarding.natPorts=61000-x", -EINVAL, 61000, 65535},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[48], *argv[] = {text}, *envp[] = {NULL};
		struct static_config config = {0};
		uint16_t first, last;
		struct arena arena;
		struct diag_sink sink;

		memcpy(text, rows[i].text, sizeof(text));
		arena_init(&arena, 1 << 20, 0);
		diag_init(&sink, &arena);
		static_config_from_args(1, argv, envp, NULL, &arena, &sink, &config, NULL);
		assert_int_equal(sink.n_errors, rows[i].err ? 1 : 0);
		assert_int_equal(static_forwarding_nat_ports(&config.forwarding, &first, &last),
				 rows[i].err);
		assert_int_equal(first, rows[i].first);
		assert_int_equal(last, rows[i].last);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_the_node_s_name_from_the_environment),
		cmocka_unit_test(ports_of_translated_flows_are_a_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
