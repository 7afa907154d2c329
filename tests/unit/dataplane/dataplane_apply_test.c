// SPDX-License-Identifier: Apache-2.0
/* dataplane_apply: the maps follow the configuration, state stays, a restart and a crash are
 * survived. */

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>

#include "dataplane_lab.h"

static void add_prefix(struct kernel_config *config, struct kernel_policy *policy, const char *text,
		       enum kernel_action action)
{
	struct cidr cidr;

	CHECK_INT(text, cidr_parse(str_of(text), &cidr), 0);
	assert_true(kernel_policy_add(config, policy, &cidr, action));
}

static int n_prefixes(struct dataplane_lab *lab)
{
	int fd = bpf_map__fd(lab->plane.skel->maps.acl), n = 0;
	struct abi_acl_key key, *at = NULL;

	while (!bpf_map_get_next_key(fd, at, &key)) {
		at = &key;
		n++;
	}
	return n;
}

static void a_change_is_seen_and_the_same_again_is_none(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_result result;
	struct kernel_config *first, *second;
	struct kernel_policy *policy;

	lab_config(lab, &first);
	policy = lab_config(lab, &second);
	add_prefix(second, policy, "198.51.100.0/24", KERNEL_DENY);
	assert_int_equal(dataplane_apply(lab->dataplane, first, &result), 0);
	CHECK_INT("generation", result.generation, 1);
	CHECK_INT("admitted", lab_send(lab, "198.51.100.7"), XDP_PASS);
	assert_int_equal(dataplane_apply(lab->dataplane, second, &result), 0);
	CHECK_INT("generation", result.generation, 2);
	CHECK_INT("denied", lab_send(lab, "198.51.100.7"), XDP_DROP);
	assert_int_equal(dataplane_apply(lab->dataplane, second, &result), 0);
	CHECK_INT("nothing changed", result.n_ops, 0);
	CHECK_INT("generation", result.generation, 2);
	assert_int_equal(dataplane_apply(lab->dataplane, first, &result), 0);
	CHECK_INT("admitted again", lab_send(lab, "198.51.100.7"), XDP_PASS);
	CHECK_INT("no prefix is left behind", n_prefixes(lab), 0);
}

static void buckets_and_bans_survive_other_changes(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct addr banned = lab_addr("192.0.2.50");
	struct kernel_config *config;
	struct kernel_policy *policy = lab_config(lab, &config);

	policy->packets = (struct kernel_limit){1, 2};
	lab_apply(lab, config);
	CHECK_INT("1", lab_send(lab, "198.51.100.7"), XDP_PASS);
	CHECK_INT("2", lab_send(lab, "198.51.100.7"), XDP_PASS);
	CHECK_INT("over", lab_send(lab, "198.51.100.7"), XDP_DROP);
	assert_int_equal(dataplane_ban(lab->dataplane, &banned, "edge", 10 * NS_PER_SEC, "x", 1),
			 0);

	struct kernel_config *next = kernel_config_new(&lab->arena);
	struct kernel_policy *other = kernel_config_policy(next, STR("another"));

	add_prefix(next, other, "10.0.0.0/8", KERNEL_DENY);
	struct kernel_policy *same = kernel_config_policy(next, STR("edge"));

	same->packets = (struct kernel_limit){1, 2};
	add_prefix(next, same, "10.0.0.0/8", KERNEL_DENY);
	kernel_config_add(next, STR("more"), &(struct addr){0}, 81, IPPROTO_TCP, other);
	kernel_config_add(next, STR("web"), &(struct addr){0}, 80, IPPROTO_TCP, same);
	lab_apply(lab, next);
	CHECK_INT("still over", lab_send(lab, "198.51.100.7"), XDP_DROP);
	CHECK_INT("still banned", lab_send(lab, "192.0.2.50"), XDP_DROP);
}

static void bans_of_a_policy_go_with_it(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct addr banned = lab_addr("192.0.2.50");
	struct dataplane_ban rows[4];
	struct kernel_config *config;

	lab_config(lab, &config);
	lab_apply(lab, config);
	assert_int_equal(dataplane_ban(lab->dataplane, &banned, "edge", 10 * NS_PER_SEC, "x", 1),
			 0);
	assert_int_equal(dataplane_bans(lab->dataplane, rows, 4), 1);
	lab_apply(lab, kernel_config_new(&lab->arena));
	assert_int_equal(dataplane_bans(lab->dataplane, rows, 4), 0);
	lab_apply(lab, config);
	CHECK_INT("not banned", lab_send(lab, "192.0.2.50"), XDP_PASS);
}

/* Another process takes over: it reads back what is in force. */
static void reopen(struct dataplane_lab *lab)
{
	struct loader_maps maps = plane_maps(&lab->plane);

	dataplane_close(lab->dataplane);
	assert_int_equal(dataplane_open(&maps, &lab->dataplane), 0);
}

static void a_restart_finds_everything_in_place(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_result result;
	struct kernel_config *config;
	struct kernel_policy *policy = lab_config(lab, &config);

	policy->syns = (struct kernel_limit){10, 10};
	add_prefix(config, policy, "10.0.0.0/8", KERNEL_DENY);
	add_prefix(config, policy, "10.1.0.0/16", KERNEL_ALLOW);
	add_prefix(config, policy, "2001:db8::/32", KERNEL_DENY);
	lab_apply(lab, config);
	reopen(lab);
	assert_int_equal(dataplane_apply(lab->dataplane, config, &result), 0);
	CHECK_INT("operations", result.n_ops, 0);
}

static void a_change_that_never_came_into_force_is_forgotten(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct kernel_config *config;
	int fd = bpf_map__fd(lab->plane.skel->maps.acl);
	struct abi_acl_value value = {
		.since = 2, .before = ABI_ACTION_NONE, .after = ABI_ACTION_DENY};
	struct abi_acl_key key = {.prefix_bits = 32 + 96 + 24, .owner = 1};
	struct addr addr = lab_addr("198.51.100.0");

	lab_config(lab, &config);
	lab_apply(lab, config);
	/* As a process leaves it that dies between filling and flipping. */
	memcpy(&key.addr, addr.byte, sizeof(key.addr));
	assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
	CHECK_INT("not in force", lab_send(lab, "198.51.100.7"), XDP_PASS);
	reopen(lab);
	kernel_config_add(config, STR("more"), &(struct addr){0}, 81, IPPROTO_TCP, NULL);
	lab_apply(lab, config);
	CHECK_INT("generation 2 does not bring it back", lab_send(lab, "198.51.100.7"), XDP_PASS);
	CHECK_INT("it is gone", n_prefixes(lab), 0);
}

static void ten_thousand_prefixes_are_replaced_within_reason(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_result result;
	struct kernel_config *config;
	struct kernel_policy *policy = lab_config(lab, &config);

	for (uint32_t i = 0; i < 10000; i++) {
		struct cidr cidr = {
			.addr = addr_from_in4((struct in_addr){htonl(0x0a000000 + i * 77)}),
			.bits = 128,
			.is_v4 = true};

		assert_true(kernel_policy_add(config, policy, &cidr, KERNEL_DENY));
	}
	lab_apply(lab, config);
	CHECK_INT("all are there", n_prefixes(lab), 10000);
	CHECK_INT("the last one acts", lab_send(lab, "10.11.191.131"), XDP_DROP);
	CHECK_INT("a remembered answer", lab_send(lab, "10.11.191.131"), XDP_DROP);
	CHECK_INT("not listed yet", lab_send(lab, "10.11.191.130"), XDP_PASS);
	CHECK_INT("remembered too", lab_send(lab, "10.11.191.130"), XDP_PASS);
	add_prefix(config, policy, "10.11.191.130", KERNEL_DENY);
	assert_int_equal(dataplane_apply(lab->dataplane, config, &result), 0);
	CHECK_INT("one more acts", lab_send(lab, "10.11.191.130"), XDP_DROP);
	print_message("one more of 10,001 prefixes: %u operations, %.2f ms to be seen\n",
		      result.n_ops, (double)result.publish_ns / 1e6);
	assert_in_range(result.n_ops, 1, 2);
}

static int begin_small(void **state)
{
	return lab_begin_with(state, &(struct plane_options){.prefixes = 16});
}

static void a_change_that_does_not_fit_changes_nothing(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_result result;
	struct kernel_config *small, *large;
	struct kernel_policy *policy = lab_config(lab, &small);
	char text[32];

	add_prefix(small, policy, "198.51.100.0/24", KERNEL_DENY);
	lab_apply(lab, small);
	policy = lab_config(lab, &large);
	add_prefix(large, policy, "198.51.100.0/24", KERNEL_ALLOW);
	for (int i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "10.%d.0.0/16", i);
		add_prefix(large, policy, text, KERNEL_DENY);
	}
	CHECK_INT("too large", dataplane_apply(lab->dataplane, large, &result), -ENOSPC);
	CHECK_INT("the old list acts", lab_send(lab, "198.51.100.7"), XDP_DROP);
	CHECK_INT("the new one does not", lab_send(lab, "10.3.0.1"), XDP_PASS);
	/* The next change must not bring any of it into force, and removes what was left. */
	kernel_config_add(small, STR("more"), &(struct addr){0}, 81, IPPROTO_TCP, NULL);
	assert_int_equal(dataplane_apply(lab->dataplane, small, &result), 0);
	CHECK_INT("the old list acts", lab_send(lab, "198.51.100.7"), XDP_DROP);
	CHECK_INT("the new one does not", lab_send(lab, "10.3.0.1"), XDP_PASS);
	CHECK_INT("prefixes", n_prefixes(lab), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_change_is_seen_and_the_same_again_is_none),
		LAB_TEST(buckets_and_bans_survive_other_changes),
		LAB_TEST(bans_of_a_policy_go_with_it),
		LAB_TEST(a_restart_finds_everything_in_place),
		LAB_TEST(a_change_that_never_came_into_force_is_forgotten),
		cmocka_unit_test_setup_teardown(a_change_that_does_not_fit_changes_nothing,
						begin_small, lab_end),
		LAB_TEST(ten_thousand_prefixes_are_replaced_within_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
