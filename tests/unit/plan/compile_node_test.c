// SPDX-License-Identifier: Apache-2.0
/* compile_node_test: Node objects and the set over which flows are spread. */

#include "stream_fixture.h"

static void node(struct fixture *f, const char *name, const char *meta, const char *address)
{
	fixture_put(f,
		    "{'apiVersion':'v1','kind':'Node','metadata':{'name':'%s'%s},'status':{"
		    "'addresses':[{'type':'Hostname','address':'%s'}%s]}}",
		    name, meta, name, address);
}

#define SPREAD(word)	  ",'labels':{'tidegate.io/spread':'" word "'}"
#define INTERNAL(address) ",{'type':'InternalIP','address':'" address "'}"

static void nodes_that_say_so_are_the_set(void **state)
{
	struct fixture *f = *state;
	const struct kernel_config *config;

	fixture_config(f, "{" STREAM_EPS ",'forwarding':{'nodeName':'b','flowSecret':'x'}}");
	node(f, "a", SPREAD("true"), INTERNAL("192.168.0.1"));
	node(f, "b", SPREAD("true"), INTERNAL("192.168.0.2") INTERNAL("2001:db8::2"));
	node(f, "c", ",'annotations':{'tidegate.io/spread':'drain'}", INTERNAL("2001:db8::3"));
	node(f, "d", "", INTERNAL("192.168.0.4"));
	node(f, "e", SPREAD("true"), "");
	fixture_compile(f);
	config = f->snapshot->kernel;
	assert_int_equal(config->n_nodes, 3);
	assert_text(config->nodes[1].name, "b");
	assert_true(config->nodes[1].is_self);
	assert_false(config->nodes[0].is_self);
	assert_int_equal(config->nodes[0].state, KERNEL_BACKEND_ACTIVE);
	assert_int_equal(config->nodes[2].state, KERNEL_BACKEND_DRAIN);
	assert_true(addr_is_v4(&config->self4) && !addr_is_v4(&config->self6));
	assert_true(config->opens_tunnels);
	assert_true(config->flow_seed[0] || config->flow_seed[1]);
	assert_told(f, "Node/default/e", "no InternalIP");
}

static void equal_nodes_choose_alike(void **state)
{
	struct fixture *f = *state;
	uint64_t seed;

	node(f, "a", SPREAD("true"), INTERNAL("192.168.0.1"));
	node(f, "b", SPREAD("true"), INTERNAL("192.168.0.2"));
	fixture_config(f, "{" STREAM_EPS ",'forwarding':{'nodeName':'a'}}");
	fixture_compile(f);
	seed = f->snapshot->kernel->flow_seed[0];
	fixture_config(f, "{" STREAM_EPS ",'forwarding':{'nodeName':'b'}}");
	fixture_compile(f);
	assert_true(f->snapshot->kernel->flow_seed[0] == seed);
	fixture_config(f, "{" STREAM_EPS ",'forwarding':{'nodeName':'b','flowSecret':'s'}}");
	fixture_compile(f);
	assert_false(f->snapshot->kernel->flow_seed[0] == seed);
}

static void without_this_node_there_is_no_set(void **state)
{
	struct fixture *f = *state;

	node(f, "a", SPREAD("true"), INTERNAL("192.168.0.1"));
	fixture_compile(f);
	assert_int_equal(f->snapshot->kernel->n_nodes, 0);
	assert_false(f->snapshot->kernel->opens_tunnels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(nodes_that_say_so_are_the_set),
		STREAM_TEST(equal_nodes_choose_alike),
		STREAM_TEST(without_this_node_there_is_no_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
