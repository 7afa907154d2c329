// SPDX-License-Identifier: Apache-2.0
/* kernel_config: names are kept once, tables end, the longest prefix matches. */
#include "plan/kernel_config.h"

#include <stdio.h>

#include "check.h"

static struct arena arena;

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

static void a_name_is_one_policy_and_one_service(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	char name[16];

	(void)state;
	struct kernel_policy *policy = kernel_config_policy(config, STR("p"));
	struct kernel_service *service = kernel_config_service(config, STR("s"));

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_non_null(kernel_config_policy(config, str_of(name)));
		assert_non_null(kernel_config_service(config, str_of(name)));
	}
	assert_ptr_equal(kernel_config_policy(config, STR("p")), policy);
	assert_ptr_equal(kernel_config_service(config, STR("s")), service);
	CHECK_INT("index", kernel_config_service(config, STR("99"))->index, 100);
	CHECK_INT("presets", policy->v4_bits, 32);
	CHECK_INT("presets", policy->v6_bits, 64);
}

static void tables_end(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	struct addr any = {0};
	char name[16];

	(void)state;
	for (int i = 0; i < KERNEL_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_true(kernel_config_add(config, str_of(name), &any, 1, IPPROTO_TCP, NULL));
	}
	assert_false(kernel_config_add(config, STR("more"), &any, 1, IPPROTO_TCP, NULL));
	for (int i = 0; i < KERNEL_SERVICES_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_non_null(kernel_config_service(config, str_of(name)));
	}
	assert_null(kernel_config_service(config, STR("more")));
}

static void the_longest_prefix_matches(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("p"));
	const struct kernel_acl *found;
	struct kernel_acl long_one;
	struct addr source;
	struct cidr cidr;

	(void)state;
	assert_int_equal(cidr_parse(STR("10.0.0.0/8"), &cidr), 0);
	assert_true(kernel_policy_add(config, policy, &cidr, KERNEL_DENY));
	assert_int_equal(cidr_parse(STR("10.1.0.0/16"), &long_one.cidr), 0);
	long_one.action = KERNEL_ALLOW;
	assert_true(kernel_policy_add_list(policy, &(struct kernel_list){.at = &long_one, .n = 1}));
	CHECK_INT("prefixes", kernel_policy_prefixes(policy), 2);
	assert_int_equal(addr_parse(STR("10.2.3.4"), &source), 0);
	CHECK_INT("short", kernel_policy_match(policy, &source, &found), KERNEL_DENY);
	assert_int_equal(addr_parse(STR("11.2.3.4"), &source), 0);
	CHECK_INT("none", kernel_policy_match(policy, &source, &found), KERNEL_NONE);
	assert_null(found);
	CHECK_INT("no policy", kernel_policy_match(NULL, &source, &found), KERNEL_NONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_one_policy_and_one_service),
		TEST(tables_end),
		TEST(the_longest_prefix_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
