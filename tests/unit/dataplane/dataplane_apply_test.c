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

/* In the half that packets use. */
static int n_prefixes(struct dataplane_lab *lab)
{
	int control_fd = bpf_map__fd(lab->plane.skel->maps.control);
	int fd = bpf_map__fd(lab->plane.skel->maps.acl), n = 0;
	uint32_t lines = bpf_map__max_entries(lab->plane.skel->maps.acl) / 2;
	struct abi_control control;
	struct abi_acl_line line;

	assert_int_equal(bpf_map_lookup_elem(control_fd, &(__u32){0}, &control), 0);
	for (uint32_t i = 0; i < lines; i++) {
		uint32_t at = (control.generation & 1) * lines + i;

		assert_int_equal(bpf_map_lookup_elem(fd, &at, &line), 0);
		for (int j = 0; j < ABI_ACL_SLOTS; j++)
			n += line.slot[j] != 0;
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
	struct abi_policy rows[2 * ABI_POLICIES];
	struct abi_acl_line garbage = {.slot = {~3ULL | ABI_ACTION_DENY}};
	int policy_fd = bpf_map__fd(lab->plane.skel->maps.policy);
	int acl_fd = bpf_map__fd(lab->plane.skel->maps.acl);
	uint32_t lines = bpf_map__max_entries(lab->plane.skel->maps.acl) / 2;
	struct kernel_policy *policy = lab_config(lab, &config);

	add_prefix(config, policy, "203.0.113.7", KERNEL_DENY);
	lab_apply(lab, config);
	/* As a process leaves it that dies while it fills the spare half, which is 0 now. */
	memset(rows, 0xff, sizeof(rows));
	for (uint32_t i = 0; i < ABI_POLICIES; i++)
		assert_int_equal(bpf_map_update_elem(policy_fd, &i, &rows[i], BPF_ANY), 0);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(bpf_map_update_elem(acl_fd, &i, &garbage, BPF_ANY), 0);
	CHECK_INT("not in force", lab_send(lab, "198.51.100.7"), XDP_PASS);
	reopen(lab);
	kernel_config_add(config, STR("more"), &(struct addr){0}, 81, IPPROTO_TCP, NULL);
	lab_apply(lab, config);
	CHECK_INT("the next generation does not bring it", lab_send(lab, "198.51.100.7"), XDP_PASS);
	CHECK_INT("the list acts", lab_send(lab, "203.0.113.7"), XDP_DROP);
	for (uint32_t i = 0; i < lines; i += lines / 2) {
		struct abi_acl_line line;

		assert_int_equal(bpf_map_lookup_elem(acl_fd, &i, &line), 0);
		assert_int_not_equal(line.slot[0], garbage.slot[0]);
	}
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
	CHECK_INT("not listed yet", lab_send(lab, "10.11.191.130"), XDP_PASS);
	add_prefix(config, policy, "10.11.191.130", KERNEL_DENY);
	assert_int_equal(dataplane_apply(lab->dataplane, config, &result), 0);
	CHECK_INT("one more acts", lab_send(lab, "10.11.191.130"), XDP_DROP);
	print_message("one more of 10,001 prefixes: %u operations, %.2f ms to be seen\n",
		      result.n_ops, (double)result.publish_ns / 1e6);
	assert_in_range(result.n_ops, 1, 2);
}

static int begin_small(void **state)
{
	return lab_begin_with(state, &(struct plane_options){.acl_lines = 4});
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
	/* The next change must not bring any of it into force. */
	kernel_config_add(small, STR("more"), &(struct addr){0}, 81, IPPROTO_TCP, NULL);
	assert_int_equal(dataplane_apply(lab->dataplane, small, &result), 0);
	CHECK_INT("the old list acts", lab_send(lab, "198.51.100.7"), XDP_DROP);
	CHECK_INT("the new one does not", lab_send(lab, "10.3.0.1"), XDP_PASS);
	CHECK_INT("prefixes", n_prefixes(lab), 1);
}

static uint32_t draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

/* Few addresses and all lengths: nesting is the point. */
static void draw_source(uint32_t *seed, bool is_v4, size_t size, char *ret_text)
{
	if (is_v4)
		snprintf(ret_text, size, "10.%u.%u.%u", draw(seed, 2) * 128 + draw(seed, 2),
			 draw(seed, 2) * 64 + draw(seed, 2), draw(seed, 4));
	else
		snprintf(ret_text, size, "2001:db%u:%x:%x::%x", draw(seed, 2), draw(seed, 2) << 15,
			 draw(seed, 4), draw(seed, 3));
}

static void random_lists_act_as_explain_says(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	uint32_t seed = 3;

	for (int round = 0; round < 40; round++) {
		struct kernel_config *config;
		struct kernel_policy *policy = lab_config(lab, &config);
		char text[64], prefix[80];

		for (uint32_t n = draw(&seed, 40); n; n--) {
			bool is_v4 = draw(&seed, 2);

			draw_source(&seed, is_v4, sizeof(text), text);
			snprintf(prefix, sizeof(prefix), "%s/%u", text,
				 draw(&seed, is_v4 ? 33 : 129));
			add_prefix(config, policy, prefix,
				   draw(&seed, 2) ? KERNEL_ALLOW : KERNEL_DENY);
		}
		lab_apply(lab, config);
		for (int i = 0; i < 100; i++) {
			const struct kernel_acl *why;

			draw_source(&seed, i & 1, sizeof(text), text);
			struct addr source = lab_addr(text);
			bool is_denied = kernel_policy_match(policy, &source, &why) == KERNEL_DENY;

			CHECK_INT(text, lab_send(lab, text), is_denied ? XDP_DROP : XDP_PASS);
		}
	}
}

/* n hosts whose addresses lie all over the place. */
static struct kernel_list *hosts(struct dataplane_lab *lab, uint32_t n, uint32_t first)
{
	struct kernel_acl *at = ARENA_ARRAY(&lab->arena, struct kernel_acl, n);
	struct kernel_list *list = ARENA_NEW(&lab->arena, struct kernel_list);

	assert_non_null(at);
	for (uint32_t i = 0; i < n; i++)
		at[i] = (struct kernel_acl){.cidr = {.addr = addr_from_in4((struct in_addr){
							     htonl((first + i) * 2654435761u)}),
						     .bits = 128,
						     .is_v4 = true},
					    .action = KERNEL_DENY};
	*list = (struct kernel_list){.at = at, .n = n};
	return list;
}

static void a_million_prefixes_are_swapped_at_once(void **state)
{
	enum { N = 1000000 };
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_result result;

	for (uint32_t round = 0; round < 2; round++) {
		struct kernel_list *list = hosts(lab, N, round * N);
		struct kernel_config *config;
		struct kernel_policy *policy = lab_config(lab, &config);
		uint64_t begun_ns = clock_mono_ns();

		assert_true(kernel_policy_add_list(policy, list));
		assert_int_equal(dataplane_apply(lab->dataplane, config, &result), 0);
		print_message("1,000,000 prefixes: %.0f ms to be seen, %.0f ms in all\n",
			      (double)result.publish_ns / 1e6,
			      (double)(clock_mono_ns() - begun_ns) / 1e6);
		assert_true(result.publish_ns < 3 * NS_PER_SEC);
		for (uint32_t i = 0; i < N; i += 9973) {
			char listed[ADDR_TEXT_MAX], other[ADDR_TEXT_MAX];
			struct addr another = addr_from_in4(
				(struct in_addr){htonl((!round * N + i) * 2654435761u)});

			addr_print(&list->at[i].cidr.addr, listed);
			addr_print(&another, other);
			CHECK_INT(listed, lab_send(lab, listed), XDP_DROP);
			CHECK_INT(other, lab_send(lab, other), XDP_PASS);
		}
		policy->packets = (struct kernel_limit){1000, 1000};
		assert_int_equal(dataplane_apply(lab->dataplane, config, &result), 0);
		print_message("another change beside them: %.0f ms\n",
			      (double)result.publish_ns / 1e6);
		CHECK_INT("operations", result.n_ops, 1);
	}
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
		LAB_TEST(random_lists_act_as_explain_says),
		LAB_TEST(a_million_prefixes_are_swapped_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
