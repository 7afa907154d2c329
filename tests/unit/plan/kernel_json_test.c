// SPDX-License-Identifier: Apache-2.0
/* kernel_json_test: the kernel plane's part, in the units of the objects. */

#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "plan/kernel_json.h"

static void it_says_limits_entries_and_backends(void **state)
{
	struct arena arena;
	struct cidr cidr;

	(void)state;
	arena_init(&arena, 16 << 20, 0);
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("web"));
	struct kernel_service *service = kernel_config_service(config, STR("dns"));
	struct kernel_backend backend = {.port = 53, .weight = 3};

	policy->syns = (struct kernel_limit){.per_second = 50, .burst = 100};
	assert_int_equal(cidr_parse(STR("10.0.0.0/8"), &cidr), 0);
	assert_true(kernel_policy_add(config, policy, &cidr, KERNEL_DENY));
	assert_int_equal(addr_parse(STR("10.0.0.9"), &backend.addr), 0);
	service->backends = &backend;
	service->n_backends = 1;
	service->mode = KERNEL_MODE_DSR_L2;
	assert_true(kernel_config_add(config, STR("dns"), &backend.addr, 53, IPPROTO_UDP, policy));
	config->entries[0].service = service;

	json_t *json = kernel_json(config);
	json_t *row = json_object_get(json_object_get(json, "kernelPolicies"), "web");

	assert_true(json_real_value(json_object_get(json_object_get(row, "newConnections"),
						    "perSecond")) == 50);
	assert_int_equal(json_integer_value(json_object_get(row, "prefixes")), 1);
	assert_null(json_object_get(row, "packets"));
	char *digest = strdup(json_string_value(json_object_get(row, "prefixesDigest")));

	row = json_object_get(json_object_get(json, "kernelEntries"), "dns");
	assert_string_equal(json_string_value(json_object_get(row, "protocol")), "UDP");
	assert_string_equal(json_string_value(json_object_get(row, "to")), "dns");
	assert_string_equal(json_string_value(json_object_get(row, "policy")), "web");
	row = json_object_get(json_object_get(json, "kernelServices"), "dns");
	assert_string_equal(json_string_value(json_object_get(row, "mode")), "dsr-l2");
	row = json_object_get(json_object_get(row, "backends"), "10.0.0.9:53");
	assert_int_equal(json_integer_value(json_object_get(row, "weight")), 3);
	assert_string_equal(json_string_value(json_object_get(row, "state")), "active");
	json_decref(json);

	/* Another prefix is another digest, though there are as many. */
	assert_int_equal(cidr_parse(STR("11.0.0.0/8"), &policy->acl[0].cidr), 0);
	json = kernel_json(config);
	row = json_object_get(json_object_get(json, "kernelPolicies"), "web");
	assert_string_not_equal(json_string_value(json_object_get(row, "prefixesDigest")), digest);
	json_decref(json);
	free(digest);
	arena_done(&arena);
}

static void nothing_is_three_empty_objects(void **state)
{
	json_t *json = kernel_json(NULL);

	(void)state;
	assert_int_equal(json_object_size(json), 3);
	assert_int_equal(json_object_size(json_object_get(json, "kernelServices")), 0);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_limits_entries_and_backends),
		cmocka_unit_test(nothing_is_three_empty_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
