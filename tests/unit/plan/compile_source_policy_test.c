// SPDX-License-Identifier: Apache-2.0
/* compile_source_policy_test: SourcePolicies merged per entry point. */

#include "compile_fixture.h"

static const struct kernel_policy *policy_of(struct fixture *f, const char *entry_point)
{
	const struct kernel_config *config = f->snapshot->kernel;

	for (size_t i = 0; i < config->n_entries; i++)
		if (str_eq(config->entries[i].name, str_of(entry_point)))
			return config->entries[i].policy;
	fail_msg("no entry %s", entry_point);
	return NULL;
}

static enum kernel_action action(const struct kernel_policy *policy, const char *address)
{
	const struct kernel_acl *acl;
	struct addr addr;

	addr_parse(str_of(address), &addr);
	return kernel_policy_match(policy, &addr, &acl);
}

static void without_policies_entry_points_are_only_counted(void **state)
{
	struct fixture *f = *state;

	fixture_config(
		f, "{'entryPoints':{'web':{'address':'10.0.0.1:80'},'dns':{'address':':53/udp'}}}");
	fixture_compile(f);
	assert_int_equal(f->snapshot->kernel->n_entries, 2);
	assert_int_equal(f->snapshot->kernel->n_policies, 0);
	assert_null(policy_of(f, "web"));
	assert_int_equal(f->snapshot->kernel->entries[1].port, 80);
	assert_int_equal(f->snapshot->kernel->entries[1].proto, IPPROTO_TCP);
	assert_int_equal(f->snapshot->kernel->entries[0].proto, IPPROTO_UDP);
	assert_true(addr_is_v4(&f->snapshot->kernel->entries[1].addr));
}

static void policies_are_united_and_the_strictest_limit_holds(void **state)
{
	struct fixture *f = *state;
	const struct kernel_policy *policy;

	fixture_expect_valid(
		f, fixture_add(f, "SourcePolicy", "a",
			       "'spec':{'entryPoints':['web'],'deny':['10.9.0.0/16'],'limits':{"
			       "'packetsPerSecond':100,'newConnectionsPerSecond':9,"
			       "'newConnectionsBurst':20}}"));
	fixture_expect_valid(
		f, fixture_add(f, "SourcePolicy", "b",
			       "'spec':{'allow':['10.9.1.0/24'],'limits':{'packetsPerSecond':50,"
			       "'bytesPerSecond':'1M'},'aggregation':{'ipv4PrefixLength':24}}"));
	fixture_compile(f);
	policy = policy_of(f, "web");
	assert_text(policy->name, "web");
	assert_text(policy->object, "SourcePolicy/shop/a, SourcePolicy/shop/b");
	assert_true(policy->packets.per_second == 50);
	assert_true(policy->syns.per_second == 9);
	assert_int_equal(policy->syns.burst, 20);
	assert_true(policy->bytes.per_second == 1000000);
	assert_int_equal(policy->v4_bits, 24);
	assert_int_equal(policy->v6_bits, 64);
	assert_int_equal(action(policy, "10.9.0.1"), KERNEL_DENY);
	assert_int_equal(action(policy, "10.9.1.1"), KERNEL_ALLOW);
	assert_int_equal(action(policy, "10.8.1.1"), KERNEL_NONE);
	assert_told(f, "SourcePolicy/shop/b", "the stricter one holds");
	assert_told(f, "SourcePolicy/shop/b", "the shorter ones hold");
	/* The other entry point has the second policy alone. */
	policy = policy_of(f, "websecure");
	assert_text(policy->object, "SourcePolicy/shop/b");
	assert_int_equal(action(policy, "10.9.0.1"), KERNEL_NONE);
}

static void unknown_entry_points_are_told(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "SourcePolicy", "a", "'spec':{'entryPoints':['wbe'],'deny':['10.0.0.0/8']}");
	fixture_compile(f);
	assert_told(f, "SourcePolicy/shop/a", "there is no such entry point");
	assert_null(policy_of(f, "web"));
}

static void a_broken_policy_harms_only_itself(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "SourcePolicy", "bad", "'spec':{'deny':['10.0.0.0/99']}");
	fixture_add(f, "SourcePolicy", "good", "'spec':{'deny':['10.0.0.0/8']}");
	fixture_compile(f);
	assert_int_equal(action(policy_of(f, "web"), "10.1.1.1"), KERNEL_DENY);
}

static void escalation_stands_with_the_entry_point(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "SourcePolicy", "a",
		    "'spec':{'entryPoints':['web'],'escalation':{'refusals':20,'window':'10s','"
		    "dropFor':'30s'"
		    "}}");
	fixture_compile(f);
	assert_int_equal(fixture_entry_point(f, "web")->escalate.refusals, 20);
	assert_int_equal(fixture_entry_point(f, "web")->escalate.drop_for_ns, 30000000000);
	assert_int_equal(fixture_entry_point(f, "websecure")->escalate.refusals,
			 f->config.escalation.refusals);
}

static void networks_connections_and_cookies_are_merged_too(void **state)
{
	struct fixture *f = *state;
	const struct kernel_policy *policy;

	fixture_expect_valid(
		f, fixture_add(f, "SourcePolicy", "a",
			       "'spec':{'entryPoints':['web'],'synCookies':'off','limits':{"
			       "'concurrentConnections':30},'network':{'ipv4PrefixLength':24,"
			       "'limits':{'newConnectionsPerSecond':90}}}"));
	fixture_expect_valid(
		f, fixture_add(f, "SourcePolicy", "b",
			       "'spec':{'synCookies':'on','limits':{'concurrentConnections':20},"
			       "'network':{'ipv4PrefixLength':16,'limits':{"
			       "'newConnectionsPerSecond':100,'concurrentConnections':70}}}"));
	fixture_compile(f);
	policy = policy_of(f, "web");
	assert_int_equal(policy->connections, 20);
	assert_true(policy->network.syns.per_second == 90);
	assert_int_equal(policy->network.connections, 70);
	assert_int_equal(policy->network.v4_bits, 16);
	assert_int_equal(policy->network.v6_bits, 48);
	for (size_t i = 0; i < f->snapshot->kernel->n_entries; i++)
		assert_int_equal(f->snapshot->kernel->entries[i].cookies, KERNEL_COOKIES_ON);
	assert_told(f, "SourcePolicy/shop/b", "on holds before auto");
	assert_told(f, "SourcePolicy/shop/b", "has other networks");
	assert_told(f, "SourcePolicy/shop/b", "the stricter one holds");
	assert_int_equal(f->snapshot->kernel->shield.syns, 10000);
}

static void without_the_kernel_plane_nothing_is_in_force_and_it_is_told_so(void **state)
{
	struct fixture *f = *state;

	fixture_config(f, "{'entryPoints':{'web':{'address':':80'}},'kernelPlane':'off'}");
	fixture_add(f, "SourcePolicy", "a", "'spec':{'deny':['10.9.0.0/16','nonsense']}");
	fixture_add(f, "SourcePolicy", "b",
		    "'spec':{'deny':['10.9.0.0/16'],'limits':{'packetsPerSecond':5}}");
	fixture_compile(f);
	assert_null(policy_of(f, "web"));
	assert_told(f, "SourcePolicy/shop/b", "the kernel plane is off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(without_policies_entry_points_are_only_counted),
		FIXTURE_TEST(policies_are_united_and_the_strictest_limit_holds),
		FIXTURE_TEST(unknown_entry_points_are_told),
		FIXTURE_TEST(a_broken_policy_harms_only_itself),
		FIXTURE_TEST(networks_connections_and_cookies_are_merged_too),
		FIXTURE_TEST(escalation_stands_with_the_entry_point),
		FIXTURE_TEST(without_the_kernel_plane_nothing_is_in_force_and_it_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
