// SPDX-License-Identifier: Apache-2.0
/* dataplane_rule: the limit, the prefix, the ban and the objects that decided are named. */

#include "dataplane/dataplane_rule.h"

#include <string.h>

#include "dataplane_lab.h"

static struct dataplane_seen named(struct dataplane_lab *lab, enum abi_capture_verdict verdict,
				   uint32_t why, const char *source)
{
	/* The only policy of an empty kernel plane has slot 1. */
	struct dataplane_seen seen = {.verdict = verdict, .why = why, .policy_slot = 1};
	struct addr addr = lab_addr(source);

	dataplane_rule(lab->dataplane, &addr, &seen);
	return seen;
}

static void add(struct kernel_config *config, struct kernel_policy *policy, const char *text,
		enum kernel_action action)
{
	struct cidr cidr;

	assert_int_equal(cidr_parse(str_of(text), &cidr), 0);
	assert_true(kernel_policy_add(config, policy, &cidr, action));
}

static void the_rule_that_decided_is_named(void **state)
{
	static const struct {
		const char *name;
		enum abi_capture_verdict verdict;
		uint32_t why;
		const char *source, *rule;
	} rows[] = {
		{"prefix", ABI_CAPTURE_DROPPED, ABI_DROP_DENIED, "203.0.113.9",
		 "deny 203.0.113.0/24"},
		{"longest prefix", ABI_CAPTURE_DROPPED, ABI_DROP_DENIED, "203.0.113.77",
		 "deny 203.0.113.77/32"},
		{"IPv6 prefix", ABI_CAPTURE_DROPPED, ABI_DROP_DENIED, "2001:db8:5:1::9",
		 "deny 2001:db8:5::/48"},
		{"allowed", ABI_CAPTURE_PASSED, ABI_PASS_TRUSTED, "192.0.2.5",
		 "allow 192.0.2.4/30"},
		{"no prefix any more", ABI_CAPTURE_DROPPED, ABI_DROP_DENIED, "198.51.100.1", ""},
		{"limit", ABI_CAPTURE_DROPPED, ABI_DROP_RATE_PACKETS, "198.51.100.1",
		 "limits.packetsPerSecond 5000 of each /32"},
		{"limit, IPv6", ABI_CAPTURE_DROPPED, ABI_DROP_RATE_SYNS, "2001:db8::1",
		 "limits.newConnectionsPerSecond 20 of each /64"},
		{"network's", ABI_CAPTURE_DROPPED, ABI_DROP_AGGREGATE_BYTES, "198.51.100.1",
		 "network.limits.bytesPerSecond 1000000 of each /20"},
		{"connections", ABI_CAPTURE_DROPPED, ABI_DROP_CONNECTIONS, "198.51.100.1",
		 "limits.concurrentConnections 7 of each /32 or 70 of each /20"},
		{"ban", ABI_CAPTURE_DROPPED, ABI_DROP_BANNED, "198.51.100.7", "ban: 20 refusals"},
		{"ban, IPv6", ABI_CAPTURE_DROPPED, ABI_DROP_BANNED, "2001:db8:9::7", "ban: all"},
		{"no rule", ABI_CAPTURE_DROPPED, ABI_DROP_MALFORMED, "198.51.100.7", ""},
	};
	struct dataplane_lab *lab = lab_of(state);
	struct addr one = lab_addr("198.51.100.7"), other = lab_addr("2001:db8:9::7");
	struct kernel_config *config;
	struct kernel_policy *policy = lab_config(lab, &config);

	policy->object = STR("SourcePolicy/shop/strict");
	policy->packets = (struct kernel_limit){5000, 5000};
	policy->syns = (struct kernel_limit){20, 20};
	policy->network.bytes = (struct kernel_limit){1000000, 1000000};
	policy->network.v4_bits = 20;
	policy->connections = 7;
	policy->network.connections = 70;
	add(config, policy, "203.0.113.0/24", KERNEL_DENY);
	add(config, policy, "203.0.113.77", KERNEL_DENY);
	add(config, policy, "2001:db8:5::/48", KERNEL_DENY);
	add(config, policy, "192.0.2.4/30", KERNEL_ALLOW);
	lab_apply(lab, config);
	assert_int_equal(dataplane_ban(lab->dataplane, &one, "edge", NS_PER_SEC, "20 refusals", 1),
			 0);
	assert_int_equal(dataplane_ban(lab->dataplane, &other, "", NS_PER_SEC, "all", 1), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dataplane_seen seen =
			named(lab, rows[i].verdict, rows[i].why, rows[i].source);

		assert_string_equal(seen.object, "SourcePolicy/shop/strict");
		if (strcmp(seen.rule, rows[i].rule))
			fail_msg("%s: '%s', not '%s'", rows[i].name, seen.rule, rows[i].rule);
	}
}

static void the_objects_follow_the_configuration(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct kernel_config *config;

	lab_config(lab, &config)->object = STR("SourcePolicy/a/one");
	lab_apply(lab, config);
	lab_config(lab, &config)->object = STR("SourcePolicy/a/one, SourcePolicy/b/two");
	lab_apply(lab, config);
	assert_string_equal(named(lab, ABI_CAPTURE_DROPPED, ABI_DROP_MALFORMED, "192.0.2.1").object,
			    "SourcePolicy/a/one, SourcePolicy/b/two");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_rule_that_decided_is_named, lab_begin, lab_end),
		cmocka_unit_test_setup_teardown(the_objects_follow_the_configuration, lab_begin,
						lab_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
