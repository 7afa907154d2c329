// SPDX-License-Identifier: Apache-2.0
/* static_forwarding_test: the options of what the kernel plane forwards. */
#include "model_help.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_the_node_s_name_from_the_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
