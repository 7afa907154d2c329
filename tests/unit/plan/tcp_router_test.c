// SPDX-License-Identifier: Apache-2.0
/* tcp_router_test: who gets a connection: reference b.4 and b.5 row by row. */

#include "plan/tcp_router.h"

#include "check.h"

enum { ROUTES_MAX = 8, CAP = 1 << 20 };

struct given {
	const char *name, *rule;
	bool is_tls;
	int64_t priority; /* 0: as the rule says */
};

struct world {
	struct arena arena;
	struct tcp_route routes[ROUTES_MAX];
	struct tcp_route *list[ROUTES_MAX];
	struct tcp_router *router;
	size_t n;
};

static void build(struct world *world, const struct given *given, const char *https, bool https_any)
{
	struct str name = str_of(https);
	struct strs names = {&name, name.len > 0};
	struct rule_fault fault;

	*world = (struct world){.n = 0};
	arena_init(&world->arena, CAP, 0);
	for (; given[world->n].name; world->n++) {
		const struct given *one = &given[world->n];
		struct tcp_route *route = &world->routes[world->n];

		route->name = str_of(one->name);
		route->is_tls = one->is_tls;
		assert_int_equal(rule_parse_as(RULE_TCP_V3, str_of(one->rule), &world->arena,
					       &route->rule, &fault),
				 0);
		route->is_catch_all = rule_tcp_is_catch_all(route->rule);
		route->priority = one->priority		? one->priority
				  : route->is_catch_all ? -1
							: (int64_t)strlen(one->rule);
		world->list[world->n] = route;
	}
	world->router = tcp_router_new(world->list, world->n, &names, https_any, &world->arena);
	assert_non_null(world->router);
}

static void done(struct world *world)
{
	for (size_t i = 0; i < world->n; i++)
		rule_done(world->routes[i].rule);
	arena_done(&world->arena);
}

static struct str ask(const struct world *world, bool is_tls, const char *sni, const char *from)
{
	struct tcp_facts facts = {.is_tls = is_tls, .sni = str_of(sni)};
	const struct tcp_route *route;

	addr_parse(str_of(from), &facts.source);
	route = tcp_router_match(world->router, &facts);
	return route ? route->name : STR("http");
}

static void the_order_of_dispatch_is_the_reference_s(void **state)
{
	static const struct given mixed[] = {{"named", "HostSNI(`tcp.test`)", true, 0},
					     {"same", "HostSNI(`web.test`)", true, 1000},
					     {"star", "HostSNI(`*.wild.test`)", true, 0},
					     {"all", "HostSNI(`*`)", true, 0},
					     {"plain", "HostSNI(`*`)", false, 0},
					     {NULL, NULL, false, 0}};
	static const struct given greedy[] = {{"all", "HostSNI(`*`)", true, 5000},
					      {"named", "HostSNI(`tcp.test`)", true, 0},
					      {NULL, NULL, false, 0}};
	static const struct given by_source[] = {{"near", "ClientIP(`10.0.0.0/8`)", false, 0},
						 {"rest", "HostSNI(`*`)", false, 0},
						 {NULL, NULL, false, 0}};
	static const struct {
		const char *row;
		const struct given *given;
		const char *https;
		bool https_any, is_tls;
		const char *sni, *from, *wanted;
	} rows[] = {
		{"a name", mixed, "", false, true, "tcp.test", "10.0.0.1", "named"},
		{"HTTPS has the name", mixed, "web.test", false, true, "web.test", "10.0.0.1",
		 "http"},
		{"HTTPS has another", mixed, "x.test", false, true, "web.test", "10.0.0.1", "same"},
		{"HTTPS has a wildcard", mixed, "*.test", false, true, "tcp.test", "10.0.0.1",
		 "http"},
		{"one label", mixed, "", false, true, "a.wild.test", "10.0.0.1", "star"},
		{"two labels", mixed, "", false, true, "b.a.wild.test", "10.0.0.1", "all"},
		{"no SNI", mixed, "", false, true, "", "10.0.0.1", "all"},
		{"HTTPS for any before the star", mixed, "", true, true, "y.test", "10.0.0.1",
		 "http"},
		{"a TCP name before HTTPS for any", mixed, "", true, true, "tcp.test", "10.0.0.1",
		 "named"},
		{"plain", mixed, "", true, false, "", "10.0.0.1", "plain"},
		{"a star of high priority", greedy, "", false, true, "tcp.test", "10.0.0.1", "all"},
		{"but not above HTTPS", greedy, "", true, true, "tcp.test", "10.0.0.1", "http"},
		{"no plain route", greedy, "", false, false, "", "10.0.0.1", "http"},
		{"by source", by_source, "", false, false, "", "10.1.2.3", "near"},
		{"others", by_source, "", false, false, "", "192.0.2.1", "rest"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct world world;

		build(&world, rows[i].given, rows[i].https, rows[i].https_any);
		CHECK_STR(rows[i].row, ask(&world, rows[i].is_tls, rows[i].sni, rows[i].from),
			  str_of(rows[i].wanted));
		done(&world);
	}
}

static void a_connection_is_routed_blindly_only_where_nothing_needs_a_byte(void **state)
{
	static const struct given plain[] = {{"p", "HostSNI(`*`)", false, 0}, {NULL, NULL, 0, 0}};
	static const struct given both[] = {{"p", "HostSNI(`*`)", false, 0},
					    {"t", "HostSNI(`a`)", true, 0},
					    {NULL, NULL, 0, 0}};
	static const struct given none[] = {{NULL, NULL, 0, 0}};
	struct world world;

	(void)state;
	build(&world, plain, "", false);
	assert_true(tcp_router_is_blind(world.router));
	assert_false(tcp_router_has_tls(world.router));
	done(&world);
	build(&world, plain, "", true);
	assert_false(tcp_router_is_blind(world.router));
	done(&world);
	build(&world, plain, "a.test", false);
	assert_false(tcp_router_is_blind(world.router));
	done(&world);
	build(&world, both, "", false);
	assert_false(tcp_router_is_blind(world.router));
	assert_true(tcp_router_has_tls(world.router));
	assert_int_equal(tcp_router_size(world.router), 2);
	done(&world);
	build(&world, none, "", false);
	assert_false(tcp_router_is_blind(world.router));
	done(&world);
}

static void priority_then_provider_then_name(void **state)
{
	static const struct given given[] = {
		{"b@kubernetescrd", "HostSNI(`a.test`)", true, 7},
		{"a@kubernetescrd", "HostSNIRegexp(`a`)", true, 7},
		{"0@file", "HostSNI(`a.test`) && ALPN(`x`) || HostSNI(`a.test`)", true, 7},
		{"low", "HostSNI(`a.test`)", true, -5},
		{"high", "HostSNI(`a.test`) && ClientIP(`192.0.2.9`)", true, 9},
		{NULL, NULL, false, 0}};
	struct tcp_router_step steps[ROUTES_MAX];
	struct tcp_facts facts = {.is_tls = true, .sni = STR("a.test")};
	struct world world;

	(void)state;
	build(&world, given, "", false);
	CHECK_STR("source", ask(&world, true, "a.test", "192.0.2.9"), STR("high"));
	CHECK_STR("name", ask(&world, true, "a.test", "192.0.2.1"), STR("a@kubernetescrd"));
	assert_int_equal(tcp_router_trace(world.router, &facts, steps, ROUTES_MAX), 2);
	CHECK_STR("first", steps[0].route->name, STR("high"));
	assert_non_null(steps[0].failed);
	assert_null(steps[1].failed);
	done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_dispatch_is_the_reference_s),
		cmocka_unit_test(a_connection_is_routed_blindly_only_where_nothing_needs_a_byte),
		cmocka_unit_test(priority_then_provider_then_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
