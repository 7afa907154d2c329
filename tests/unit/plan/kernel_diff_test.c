// SPDX-License-Identifier: Apache-2.0
/* kernel_diff: the operations between two images lead from one to the other. */

#include "plan/kernel_diff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static const struct kernel_scale scale = {.tick_ns = 4000000, .seed = {1, 2}, .acl_lines = 1 << 14};

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

static void add_entry(struct kernel_config *config, const char *name, const char *addr,
		      uint16_t port, const struct kernel_policy *policy)
{
	struct addr parsed = {0};

	if (addr)
		CHECK_INT(addr, addr_parse(str_of(addr), &parsed), 0);
	assert_true(kernel_config_add(config, str_of(name), &parsed, port, IPPROTO_TCP, policy));
}

static struct kernel_image *image_of(const struct kernel_config *config,
				     const struct kernel_image *old)
{
	struct kernel_image *image = NULL;

	CHECK_INT("image", kernel_image(config, old, &scale, &arena, &image), 0);
	return image;
}

/* ------------------------------------------------------------- a model of maps -- */

/* Executes operations on a copy of the old image, as the executor does on a half of the maps. */
struct model {
	struct kernel_image image;
	struct abi_acl_line acl[1 << 10];
};

static void model_run(struct model *model, const struct kernel_ops *ops)
{
	for (size_t i = 0; i < ops->n; i++) {
		const struct kernel_op *op = &ops->at[i];

		switch (op->kind) {
		case KERNEL_OP_POLICY:
			memcpy(model->image.policies + op->index, op->at,
			       op->n * sizeof(*model->image.policies));
			break;
		case KERNEL_OP_ENTRY:
			memcpy(model->image.entries + op->index, op->at,
			       op->n * sizeof(*model->image.entries));
			break;
		case KERNEL_OP_PORT:
			memcpy(model->image.ports + op->index, op->at,
			       op->n * sizeof(*model->image.ports));
			break;
		case KERNEL_OP_VIP:
			memcpy(model->image.vips + op->index, op->at,
			       op->n * sizeof(*model->image.vips));
			break;
		case KERNEL_OP_HERE:
			memcpy(&model->image.here, op->at, sizeof(model->image.here));
			break;
		case KERNEL_OP_GATE:
			memcpy(model->image.gate + op->index, op->at,
			       op->n * sizeof(*model->image.gate));
			break;
		case KERNEL_OP_ACL:
			assert_true(op->index + op->n <= ROWS(model->acl));
			memcpy(model->acl + op->index, op->at, op->n * sizeof(*model->acl));
			break;
		}
	}
}

static uint32_t draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

static struct kernel_config *random_config(uint32_t *seed)
{
	struct kernel_config *config = kernel_config_new(&arena);
	char text[64];

	for (uint32_t i = draw(seed, 4); i < 4; i++) {
		snprintf(text, sizeof(text), "policy%u", draw(seed, 5));
		struct kernel_policy *policy = kernel_config_policy(config, str_of(text));

		policy->packets.per_second = draw(seed, 3) * 100;
		for (uint32_t j = draw(seed, 12); j < 12; j++) {
			/* Few addresses and all lengths: nesting is the point. */
			snprintf(text, sizeof(text), "10.%u.%u.%u/%u", draw(seed, 2) * 128,
				 draw(seed, 2) * 64, draw(seed, 2), 8 + draw(seed, 25));
			add_prefix(config, policy, text,
				   draw(seed, 2) ? KERNEL_ALLOW : KERNEL_DENY);
		}
		snprintf(text, sizeof(text), "entry%u", i);
		add_entry(config, text, draw(seed, 2) ? "192.0.2.1" : NULL,
			  (uint16_t)(80 + draw(seed, 3)), draw(seed, 4) ? policy : NULL);
	}
	return config;
}

static void operations_lead_from_any_configuration_to_any_other(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	uint32_t seed = 7;

	(void)state;
	struct kernel_image *old = image_of(kernel_config_new(&arena), NULL);

	for (int round = 0; round < 150; round++) {
		struct kernel_image *new = image_of(random_config(&seed), old);
		struct kernel_ops ops;

		CHECK_INT("diff", kernel_diff(old, new, &arena, &ops), 0);
		model_run(model, &ops);
		assert_memory_equal(model->image.policies, new->policies, sizeof(new->policies));
		assert_memory_equal(model->image.entries, new->entries, sizeof(new->entries));
		assert_memory_equal(model->image.ports, new->ports, sizeof(new->ports));
		assert_memory_equal(model->image.vips, new->vips, sizeof(new->vips));
		assert_memory_equal(model->image.gate, new->gate, sizeof(new->gate));
		if (new->n_acl_lines)
			assert_memory_equal(model->acl, new->acl,
					    new->n_acl_lines * sizeof(*new->acl));
		old = new;
	}
	free(model);
}

static void nothing_changed_is_no_operation(void **state)
{
	uint32_t one = 99, two = 99;
	struct kernel_image *old = image_of(random_config(&one), NULL);
	struct kernel_ops ops;

	(void)state;
	CHECK_INT("diff", kernel_diff(old, image_of(random_config(&two), old), &arena, &ops), 0);
	CHECK_INT("operations", ops.n, 0);
}

static void one_prefix_among_many_is_one_operation(void **state)
{
	struct kernel_config *first = kernel_config_new(&arena),
			     *second = kernel_config_new(&arena);
	struct kernel_config *configs[] = {first, second};
	struct kernel_ops ops;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct kernel_policy *policy = kernel_config_policy(configs[i], STR("p"));

		for (unsigned j = 0; j < 20000; j++) {
			struct cidr cidr = {
				.addr = addr_from_in4((struct in_addr){htonl(0x0a000000 + j)}),
				.bits = 128,
				.is_v4 = true};

			assert_true(kernel_policy_add(configs[i], policy, &cidr, KERNEL_DENY));
		}
	}
	add_prefix(second, second->policies[0], "10.200.0.1", KERNEL_DENY);
	struct kernel_image *old = image_of(first, NULL);

	CHECK_INT("diff", kernel_diff(old, image_of(second, old), &arena, &ops), 0);
	/* The prefix, and the gate's line for 10.200/16. */
	CHECK_INT("operations", ops.n, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(operations_lead_from_any_configuration_to_any_other),
		TEST(nothing_changed_is_no_operation),
		TEST(one_prefix_among_many_is_one_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
