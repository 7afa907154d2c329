// SPDX-License-Identifier: Apache-2.0
/* kernel_acl_test: the hashed table answers what the lists say, few prefixes or a million. */
#include "plan/kernel_acl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "gate.h"

static struct kernel_scale scale = {
	.tick_ns = 4000000, .seed = {0x1234567, 0x89abcdef}, .acl_lines = 1 << 18};

static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 512 << 20, 1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void add_prefix(struct kernel_config *config, struct kernel_policy *policy, const char *text,
		       enum kernel_action action)
{
	struct cidr cidr;

	CHECK_INT(text, cidr_parse(str_of(text), &cidr), 0);
	assert_true(kernel_policy_add(config, policy, &cidr, action));
}

static struct kernel_image *image_of(const struct kernel_config *config)
{
	struct kernel_image *image = NULL;

	CHECK_INT("image", kernel_image(config, NULL, &scale, &arena, &image), 0);
	return image;
}

/* Policies of a first image stand in the slots 1, 2, ... */
static void check_source(const struct kernel_config *config, const struct kernel_image *image,
			 size_t policy, const struct addr *source)
{
	const struct kernel_acl *why;
	enum kernel_action want = kernel_policy_match(config->policies[policy], source, &why);
	enum abi_action got = kernel_acl_ask(image, (uint32_t)policy + 1, &scale, source);
	char text[ADDR_TEXT_MAX];

	addr_print(source, text);
	CHECK_INT(text, (int)got, (int)want);
}

static void the_longest_prefix_acts_and_deny_wins_a_tie(void **state)
{
	static const struct {
		const char *source;
		enum abi_action want;
	} rows[] = {
		{"10.1.2.3", ABI_ACTION_DENY},	  {"10.1.9.9", ABI_ACTION_ALLOW},
		{"10.9.9.9", ABI_ACTION_DENY},	  {"11.0.0.1", ABI_ACTION_NONE},
		{"172.16.0.1", ABI_ACTION_DENY},  {"2001:db8::1", ABI_ACTION_ALLOW},
		{"2001:db9::1", ABI_ACTION_DENY},
	};
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("p"));

	(void)state;
	add_prefix(config, policy, "10.0.0.0/8", KERNEL_DENY);
	add_prefix(config, policy, "10.1.0.0/16", KERNEL_ALLOW);
	add_prefix(config, policy, "10.1.2.3", KERNEL_DENY);
	add_prefix(config, policy, "172.16.0.0/12", KERNEL_ALLOW);
	add_prefix(config, policy, "172.16.0.0/12", KERNEL_DENY);
	add_prefix(config, policy, "::/0", KERNEL_DENY); /* IPv6 only */
	add_prefix(config, policy, "2001:db8::/32", KERNEL_ALLOW);
	struct kernel_image *image = image_of(config);

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct addr addr;

		addr_parse(str_of(rows[i].source), &addr);
		CHECK_INT(rows[i].source, kernel_acl_ask(image, 1, &scale, &addr), rows[i].want);
		/* What `explain` says is the same. */
		check_source(config, image, 0, &addr);
	}
	CHECK_INT("flags", image->policies[1].flags,
		  ABI_POLICY_ACL4 | ABI_POLICY_ACL6 | ABI_POLICY_WIDE4 | ABI_POLICY_WIDE6);
	CHECK_INT("longest first", image->policies[1].acl4[0], 32 + 1);
	CHECK_INT("shortest last", image->policies[1].acl4[3], 8 + 1);
	CHECK_INT("four lengths", image->policies[1].acl4[4], 0);
}

static void the_gate_is_open_for_every_listed_network(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("p"));
	struct kernel_image *image;
	int n_open = 0;

	(void)state;
	add_prefix(config, policy, "203.0.113.0/24", KERNEL_DENY);
	add_prefix(config, policy, "198.51.0.0/16", KERNEL_DENY);
	add_prefix(config, policy, "2001:db8:1::/48", KERNEL_DENY);
	image = image_of(config);
	CHECK_INT("not wide", image->policies[1].flags, ABI_POLICY_ACL4 | ABI_POLICY_ACL6);
	for (size_t i = 0; i < ABI_GATE_LINES; i++)
		for (int j = 0; j < GATE_LINE_CELLS; j++)
			n_open += __builtin_popcount(image->gate[i].lengths[j]);
	CHECK_INT("bits", n_open, 3);
	CHECK_INT("203.0/16", image->gate[0xcb00 / 32].lengths[0xcb00 % 32], 1 << 8);
	CHECK_INT("198.51/16", image->gate[0xc633 / 32].lengths[0xc633 % 32], 1 << 15);
}

static uint32_t draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

/* Few addresses and all lengths: nesting is the point. */
static struct addr random_addr(uint32_t *seed, bool is_v4)
{
	struct addr addr = {0};

	if (is_v4)
		return addr_from_in4((struct in_addr){htonl(0x0a000000 | draw(seed, 2) << 23 |
							    draw(seed, 4) << 14 |
							    draw(seed, 2) << 8 | draw(seed, 4))});
	addr.byte[0] = 0x20;
	for (int i = 1; i < 16; i++)
		addr.byte[i] = draw(seed, 8) ? 0 : (uint8_t)(1u << draw(seed, 8));
	return addr;
}

static void random_lists_answer_as_a_search_through_them_does(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 100; round++) {
		struct kernel_config *config = kernel_config_new(&arena);
		char name[16];

		for (int i = 0; i < 3; i++) {
			snprintf(name, sizeof(name), "p%d", i);
			struct kernel_policy *policy = kernel_config_policy(config, str_of(name));

			for (uint32_t n = draw(&seed, 120); n; n--) {
				bool is_v4 = draw(&seed, 2);
				struct addr addr = random_addr(&seed, is_v4);
				uint8_t v4_bits = (uint8_t)draw(&seed, 33);
				uint8_t v6_bits = (uint8_t)draw(&seed, 129);
				struct cidr cidr = {.addr = addr_mask(&addr, v4_bits, v6_bits),
						    .bits = is_v4 ? (uint8_t)(v4_bits + 96)
								  : v6_bits,
						    .is_v4 = is_v4};

				kernel_policy_add(config, policy, &cidr,
						  draw(&seed, 2) ? KERNEL_ALLOW : KERNEL_DENY);
			}
		}
		struct kernel_image *image = image_of(config);

		for (int i = 0; i < 600; i++) {
			struct addr source = random_addr(&seed, i & 1);

			check_source(config, image, (size_t)i % 3, &source);
		}
	}
}

/* Any million of hosts, in the order in which a list might have them. */
static struct kernel_list *hosts(uint32_t n, bool is_v4)
{
	struct kernel_acl *at = ARENA_ARRAY(&arena, struct kernel_acl, n);
	struct kernel_list *list = ARENA_NEW(&arena, struct kernel_list);

	assert_non_null(at);
	for (uint32_t i = 0; i < n; i++) {
		struct in6_addr in6 = {.s6_addr = {0x20, 1, 0xd, 0xb8}};
		uint32_t word = htonl(i * 2654435761u); /* odd: no two are equal */

		memcpy(in6.s6_addr + 8, &word, sizeof(word));
		at[i] = (struct kernel_acl){
			.cidr = {.addr = is_v4 ? addr_from_in4((struct in_addr){word})
					       : addr_from_in6(&in6),
				 .bits = 128,
				 .is_v4 = is_v4},
			.action = KERNEL_DENY};
	}
	*list = (struct kernel_list){.at = at, .n = n};
	return list;
}

static void a_million_prefixes_fit_and_are_found(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_list *v4 = hosts(600000, true), *v6 = hosts(400000, false);
	struct kernel_policy *policy = kernel_config_policy(config, STR("p"));

	(void)state;
	assert_true(kernel_policy_add_list(policy, v4));
	assert_true(kernel_policy_add_list(policy, v6));
	assert_false(kernel_policy_add_list(policy, v4));
	/* Equal lists are kept once: three entry points under one SourcePolicy. */
	for (int i = 0; i < 2; i++) {
		struct kernel_policy *same = kernel_config_policy(config, i ? STR("q") : STR("r"));

		assert_true(kernel_policy_add_list(same, v4));
		assert_true(kernel_policy_add_list(same, v6));
	}
	struct kernel_image *image = image_of(config);

	CHECK_INT("lines", image->n_acl_lines, 1 << 18);
	for (uint32_t slot = 1; slot <= 3; slot++) {
		for (size_t i = slot; i < v4->n; i += 97)
			CHECK_INT("v4", kernel_acl_ask(image, slot, &scale, &v4->at[i].cidr.addr),
				  ABI_ACTION_DENY);
		for (size_t i = slot; i < v6->n; i += 97)
			CHECK_INT("v6", kernel_acl_ask(image, slot, &scale, &v6->at[i].cidr.addr),
				  ABI_ACTION_DENY);
	}
	struct addr other = addr_from_in4((struct in_addr){htonl(600000 * 2654435761u)});

	CHECK_INT("not listed", kernel_acl_ask(image, 1, &scale, &other), ABI_ACTION_NONE);
}

static void unchanged_lists_are_taken_over(void **state)
{
	struct kernel_list *list = hosts(5000, true);
	struct kernel_config *configs[3];
	struct kernel_image *first, *second, *fresh;

	(void)state;
	for (int i = 0; i < 3; i++) {
		configs[i] = kernel_config_new(&arena);
		struct kernel_policy *a = kernel_config_policy(configs[i], STR("a"));
		struct kernel_policy *b = kernel_config_policy(configs[i], STR("b"));

		assert_true(kernel_policy_add_list(a, list));
		add_prefix(configs[i], b, "10.0.0.0/8", KERNEL_ALLOW);
		b->packets.per_second = 100 * i; /* no list's business */
		if (i == 2)
			add_prefix(configs[i], b, "10.1.0.0/16", KERNEL_DENY);
	}
	first = image_of(configs[0]);
	CHECK_INT("again", kernel_image(configs[1], first, &scale, &arena, &second), 0);
	CHECK_INT("the same", second->acl_digest == first->acl_digest, true);
	fresh = image_of(configs[1]);
	assert_memory_equal(second->acl, fresh->acl, fresh->n_acl_lines * sizeof(*fresh->acl));
	assert_memory_equal(second->gate, fresh->gate, sizeof(fresh->gate));
	assert_memory_equal(second->policies, fresh->policies, sizeof(fresh->policies));
	CHECK_INT("another", kernel_image(configs[2], second, &scale, &arena, &first), 0);
	CHECK_INT("not the same", second->acl_digest == first->acl_digest, false);
	fresh = image_of(configs[2]);
	assert_memory_equal(first->acl, fresh->acl, fresh->n_acl_lines * sizeof(*fresh->acl));
}

static void more_than_there_is_room_for_is_told(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("p"));
	struct kernel_image *image;
	struct kernel_scale small = scale;

	(void)state;
	small.acl_lines = 64;
	assert_true(kernel_policy_add_list(policy, hosts(257, true)));
	CHECK_INT("257", kernel_image(config, NULL, &small, &arena, &image), -ENOSPC);
	policy->lists[0] = hosts(256, true);
	CHECK_INT("256", kernel_image(config, NULL, &small, &arena, &image), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(the_longest_prefix_acts_and_deny_wins_a_tie),
		TEST(the_gate_is_open_for_every_listed_network),
		TEST(random_lists_answer_as_a_search_through_them_does),
		TEST(a_million_prefixes_fit_and_are_found),
		TEST(unchanged_lists_are_taken_over),
		TEST(more_than_there_is_room_for_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
