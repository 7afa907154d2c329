// SPDX-License-Identifier: Apache-2.0
/* router_test: order, indexes and traces; and the same answer as a walk over all rules, at random.
 */

#include "plan/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUTES_MAX = 64 };

struct bench {
	struct arena arena;
	struct route routes[ROUTES_MAX], *list[ROUTES_MAX];
	size_t n;
	const struct router *router;
};

static void bench_done(struct bench *bench)
{
	for (size_t i = 0; i < bench->n; i++)
		rule_done(bench->routes[i].rule);
	arena_done(&bench->arena);
}

static void bench_add(struct bench *bench, const char *rule, int64_t priority, const char *name)
{
	struct route *route = &bench->routes[bench->n];
	struct rule_fault fault = {0};
	int status = rule_parse(str_of(rule), &bench->arena, &route->rule, &fault);

	if (status)
		fail_msg("%s: %s", rule, fault.message);
	route->rule_text = str_of(rule);
	route->priority = priority ? priority : (int64_t)strlen(rule);
	route->name = arena_str(&bench->arena, str_of(name));
	bench->list[bench->n++] = route;
}

static void bench_build(struct bench *bench)
{
	bench->router = router_new(bench->list, bench->n, &bench->arena);
	assert_non_null(bench->router);
}

static struct request request_for(struct bench *bench, const char *host, const char *path)
{
	struct request request = {
		.arena = &bench->arena,
		.method_id = METHOD_GET,
		.method = STR("GET"),
		.host = str_of(host),
		.authority = str_of(host),
		.raw_path = str_of(path),
		.path = str_of(path),
		.routing_path = str_of(path),
	};

	addr_parse(STR("10.0.0.1"), &request.peer);
	return request;
}

static const char *answer(struct bench *bench, const char *host, const char *path)
{
	struct request request = request_for(bench, host, path);
	const struct route *route = router_find(bench->router, &request), *traced;
	struct router_step steps[ROUTES_MAX];
	size_t n = router_trace(bench->router, &request, steps, ROUTES_MAX, &traced);
	struct host_ahead ahead = {0};

	router_send_for_host(bench->router, request.host, &ahead);
	router_send_for_route(bench->router, &ahead);
	assert_ptr_equal(router_find_sent(bench->router, &request, &ahead), route);

	/* One implementation, observed: the trace never disagrees. */
	assert_ptr_equal(route, traced);
	assert_int_equal(route != NULL, n && !steps[n - 1].failed);
	return route ? route->name.at : "";
}

static void routes_answer_by_priority_then_name(void **state)
{
	static const struct {
		const char *rule;
		int64_t priority;
		const char *name;
	} routes[] = {
		{"Host(`a.test`)", 0, "host@kubernetescrd"},
		{"Host(`a.test`) && PathPrefix(`/api`)", 0, "api@kubernetescrd"},
		{"Host(`a.test`) && Path(`/api/x`)", 5, "low@kubernetescrd"},
		{"Host(`*.test`)", 0, "wild@kubernetescrd"},
		{"Host(`*`)", 0, "star@kubernetescrd"},
		{"PathPrefix(`/only`)", 0, "only@kubernetescrd"},
		{"HostRegexp(`^r[0-9]+\\.test$`)", 0, "regexp@kubernetescrd"},
		{"Host(`b.test`) || Host(`c.test`) && Path(`/c`)", 0, "or@kubernetescrd"},
		{"!Host(`a.test`) && Path(`/not-a`)", 0, "not@kubernetescrd"},
		{"Host(`t.test`)", 7, "tie-b@kubernetescrd"},
		{"Host(`t.test`)", 7, "tie-a@kubernetescrd"},
		{"Host(`T.test`)", 7, "tie-0@internal"},
		{"Path(`/below`)", -1, "negative@kubernetescrd"},
		{"PathPrefix(`/bel`)", -2, "more-negative@kubernetescrd"},
	};
	static const struct {
		const char *host, *path, *name;
	} rows[] = {
		{"a.test", "/", "host@kubernetescrd"},
		{"a.test", "/api/x", "api@kubernetescrd"},
		{"a.test", "/apix", "api@kubernetescrd"},
		{"A.TEST", "/", "star@kubernetescrd"}, /* hosts come in lower case */
		{"x.test", "/", "wild@kubernetescrd"},
		{"x.y.test", "/", "star@kubernetescrd"},
		{"test", "/", "star@kubernetescrd"},
		{"", "/", "star@kubernetescrd"},
		{"", "/only/this", "only@kubernetescrd"},
		{"r12.test", "/", "regexp@kubernetescrd"},
		{"b.test", "/any", "or@kubernetescrd"},
		{"c.test", "/c", "or@kubernetescrd"},
		{"c.test", "/d", "wild@kubernetescrd"},
		{"a.test", "/not-a", "host@kubernetescrd"},
		{"z.example", "/not-a", "not@kubernetescrd"},
		{"t.test", "/", "wild@kubernetescrd"}, /* 13 > 7 */
		{"z.example", "/below", "star@kubernetescrd"},
	};
	struct bench bench = {0};

	(void)state;
	arena_init(&bench.arena, 1 << 20, 0);
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		bench_add(&bench, routes[i].rule, routes[i].priority, routes[i].name);
	bench_build(&bench);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(answer(&bench, rows[i].host, rows[i].path), rows[i].name);
	bench_done(&bench);
}

static void ties_go_to_the_smaller_name_and_internal_ones_rank_last(void **state)
{
	struct bench bench = {0};

	(void)state;
	arena_init(&bench.arena, 1 << 20, 0);
	bench_add(&bench, "Host(`t.test`)", 7, "a@internal");
	bench_add(&bench, "Host(`t.test`)", 7, "c@kubernetescrd");
	bench_add(&bench, "Host(`t.test`)", 7, "b@kubernetescrd");
	bench_build(&bench);
	assert_string_equal(answer(&bench, "t.test", "/"), "b@kubernetescrd");
	bench_done(&bench);
}

static void no_routes_answer_nothing(void **state)
{
	struct bench bench = {0};

	(void)state;
	arena_init(&bench.arena, 1 << 20, 0);
	bench_build(&bench);
	assert_string_equal(answer(&bench, "a", "/"), "");
	bench_done(&bench);
}

static void a_trace_names_the_leaf_that_said_no(void **state)
{
	struct router_step steps[8];
	const struct route *route;
	struct bench bench = {0};
	struct request request;

	(void)state;
	arena_init(&bench.arena, 1 << 20, 0);
	bench_add(&bench, "Host(`a`) && Method(`POST`)", 0, "post@kubernetescrd");
	bench_add(&bench, "Host(`a`)", 0, "any@kubernetescrd");
	bench_add(&bench, "Host(`b`)", 0, "other@kubernetescrd");
	bench_build(&bench);
	request = request_for(&bench, "a", "/");
	assert_int_equal(router_trace(bench.router, &request, steps, 8, &route), 2);
	assert_string_equal(steps[0].route->name.at, "post@kubernetescrd");
	assert_int_equal(steps[0].failed->kind, MATCH_METHOD);
	assert_string_equal(route->name.at, "any@kubernetescrd");
	assert_null(steps[1].failed);
	/* With little room the answer is still the last step. */
	assert_int_equal(router_trace(bench.router, &request, steps, 1, &route), 1);
	assert_ptr_equal(steps[0].route, route);
	bench_done(&bench);
}

static void more_alternatives_than_the_index_takes_still_match(void **state)
{
	struct bench bench = {0};
	char rule[40000];
	size_t len = 0;

	(void)state;
	arena_init(&bench.arena, 8 << 20, 0);
	for (int i = 0; i < 1500; i++)
		len += (size_t)snprintf(rule + len, sizeof(rule) - len, "%sHost(`h%d.test`)",
					i ? " || " : "", i);
	bench_add(&bench, rule, 0, "many@kubernetescrd");
	bench_build(&bench);
	assert_string_equal(answer(&bench, "h1499.test", "/"), "many@kubernetescrd");
	assert_string_equal(answer(&bench, "h1500.test", "/"), "");
	bench_done(&bench);
}

/* What cannot match is not even looked at. */
static void regular_expressions_are_found_by_what_they_end_with(void **state)
{
	struct router_step steps[ROUTES_MAX];
	const struct route *route;
	struct bench bench = {0};
	struct request request;

	(void)state;
	arena_init(&bench.arena, 8 << 20, 0);
	for (int i = 0; i < ROUTES_MAX; i++) {
		char rule[64], name[32];

		snprintf(rule, sizeof(rule), "HostRegexp(`^[a-z]+\\.tenant-%d\\.test$`)", i);
		snprintf(name, sizeof(name), "t%d@kubernetescrd", i);
		bench_add(&bench, rule, 0, name);
	}
	bench_build(&bench);
	request = request_for(&bench, "shop.tenant-17.test", "/");
	assert_int_equal(router_trace(bench.router, &request, steps, ROUTES_MAX, &route), 1);
	assert_string_equal(route->name.at, "t17@kubernetescrd");
	request = request_for(&bench, "17.tenant-17.test", "/");
	assert_int_equal(router_trace(bench.router, &request, steps, ROUTES_MAX, &route), 1);
	assert_null(route);
	bench_done(&bench);
}

/* ---------------------------------------------------------------- at random -- */

static const char *const hosts[] = {"a.test", "b.test",	 "x.a.test", "y.a.test",
				    "test",   "a.test.", ".a.test",  ""};
static const char *const paths[] = {"/", "/a", "/ab", "/a/b", "/a/b/c", "/b", "/abc"};

static size_t random_rule(unsigned int *seed, char *text, size_t size, int depth)
{
	static const char *const leaves[] = {
		"Host(`a.test`)",
		"Host(`b.test`)",
		"Host(`*.a.test`)",
		"Host(`*`)",
		"Host(`a.test.`)",
		"Host(`*.a.test.`)",
		"HostRegexp(`^[xa]`)",
		"HostRegexp(`^.+\\.a\\.test$`)",
		"HostRegexp(`^[xy]\\.a\\.test$`)",
		"HostRegexp(`a?.test$`)",
		"HostRegexp(`^(a|b)\\.test$`)",
		"HostRegexp(`test$`)",
		"Path(`/a`)",
		"Path(`/a/b`)",
		"PathPrefix(`/a`)",
		"PathPrefix(`/`)",
		"PathPrefix(`/a/b`)",
		"PathRegexp(`b`)",
		"PathRegexp(`^/a/`)",
		"PathRegexp(`a/b`)",
		"PathRegexp(`^/[ab]b?c?$`)",
		"Method(`GET`)",
		"Method(`POST`)",
		"ClientIP(`10.0.0.0/8`)",
		"Header(`X`, `y`)",
	};
	const char *leaf = leaves[(size_t)rand_r(seed) % (sizeof(leaves) / sizeof(*leaves))];
	size_t len;

	if (depth == 0 || rand_r(seed) % 3 == 0)
		return (size_t)snprintf(text, size, "%s%s", rand_r(seed) % 5 ? "" : "!", leaf);
	len = (size_t)snprintf(text, size, "%s(", rand_r(seed) % 6 ? "" : "!");
	len += random_rule(seed, text + len, size - len, depth - 1);
	len += (size_t)snprintf(text + len, size - len, " %s ", rand_r(seed) % 2 ? "&&" : "||");
	len += random_rule(seed, text + len, size - len, depth - 1);
	return len + (size_t)snprintf(text + len, size - len, ")");
}

/* The definition: the highest priority, then the smallest name, of all that match. */
static const char *naive(struct bench *bench, const struct request *request)
{
	const struct route *best = NULL;

	for (size_t i = 0; i < bench->n; i++) {
		const struct route *route = &bench->routes[i];

		if (rule_match(route->rule, request) &&
		    (!best || route->priority > best->priority ||
		     (route->priority == best->priority && str_cmp(route->name, best->name) < 0)))
			best = route;
	}
	return best ? best->name.at : "";
}

static void random_rule_sets_answer_as_a_walk_over_all_rules_does(void **state)
{
	enum { SETS = 2500, REQUESTS = 40 }; /* 100,000 pairs */
	unsigned int seed = 42;

	(void)state;
	for (int set = 0; set < SETS; set++) {
		struct bench bench = {0};
		size_t n = 1 + (size_t)rand_r(&seed) % 24;

		arena_init(&bench.arena, 8 << 20, 0);
		for (size_t i = 0; i < n; i++) {
			char rule[2048], name[32];

			random_rule(&seed, rule, sizeof(rule), 3);
			snprintf(name, sizeof(name), "r%d@kubernetescrd", rand_r(&seed) % 1000);
			bench_add(&bench, rule, rand_r(&seed) % 4, name);
		}
		bench_build(&bench);
		for (int i = 0; i < REQUESTS; i++) {
			struct request request = request_for(&bench, hosts[rand_r(&seed) % 8],
							     paths[rand_r(&seed) % 7]);
			const struct route *route = router_find(bench.router, &request);

			assert_string_equal(route ? route->name.at : "", naive(&bench, &request));
		}
		bench_done(&bench);
	}
}

/* Hosts with many routes that say nothing but an expression. */
static void routes_by_expressions_answer_as_a_walk_over_all_rules_does(void **state)
{
	enum { SETS = 200, ROUTES = 48, REQUESTS = 60 };
	static const char *const hosts_of_rules[] = {
		"", "Host(`a.test`) && ", "Host(`*.a.test`) && ", "HostRegexp(`^[xy]?.*a`) && "};
	static const char *const forms[] = {"PathRegexp(`%s`)", "PathRegexp(`^/[a-c]*%s`)",
					    "PathRegexp(`%s[ab]?$`)", "HostRegexp(`[xy].%s`)",
					    "!PathRegexp(`%s`)"};
	unsigned int seed = 11;

	(void)state;
	for (int set = 0; set < SETS; set++) {
		struct bench bench = {0};

		arena_init(&bench.arena, 8 << 20, 0);
		for (int i = 0; i < ROUTES; i++) {
			char factor[5] = "", rule[128], name[32];
			int form = rand_r(&seed) % 5;
			size_t n = 2 + (size_t)rand_r(&seed) % 3;

			for (size_t j = 0; j < n; j++)
				factor[j] = (form == 3 ? "a.ts" : "/abc")[rand_r(&seed) % 4];
			n = (size_t)snprintf(rule, sizeof(rule), "%s",
					     hosts_of_rules[rand_r(&seed) % 4]);
			/* NOLINTNEXTLINE: the forms stand above */
			snprintf(rule + n, sizeof(rule) - n, forms[form], factor);
			snprintf(name, sizeof(name), "r%d@kubernetescrd", i);
			bench_add(&bench, rule, rand_r(&seed) % 4, name);
		}
		bench_build(&bench);
		for (int i = 0; i < REQUESTS; i++) {
			struct request request = request_for(&bench, hosts[rand_r(&seed) % 8],
							     paths[rand_r(&seed) % 7]);
			const struct route *route = router_find(bench.router, &request);

			assert_string_equal(route ? route->name.at : "", naive(&bench, &request));
		}
		bench_done(&bench);
	}
}

static void of_many_expressions_few_are_evaluated(void **state)
{
	enum { ROUTES = 60 };
	struct bench *bench = calloc(1, sizeof(*bench));
	struct router_step steps[ROUTES];
	const struct route *route;

	(void)state;
	assert_non_null(bench);
	arena_init(&bench->arena, 64 << 20, 0);
	for (int i = 0; i < ROUTES; i++) {
		char rule[64], name[32];

		snprintf(rule, sizeof(rule), "PathRegexp(`/[a-z]+/item%04d(/|$)`)", i);
		snprintf(name, sizeof(name), "r%04d@kubernetescrd", i);
		bench_add(bench, rule, 0, name);
	}
	bench_build(bench);
	struct request request = request_for(bench, "h", "/shop/item0037/x");

	assert_int_equal(router_trace(bench->router, &request, steps, ROUTES, &route), 1);
	assert_string_equal(route->name.at, "r0037@kubernetescrd");
	request = request_for(bench, "h", "/shop/other");
	assert_int_equal(router_trace(bench->router, &request, steps, ROUTES, &route), 0);
	bench_done(bench);
	free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_answer_by_priority_then_name),
		cmocka_unit_test(ties_go_to_the_smaller_name_and_internal_ones_rank_last),
		cmocka_unit_test(no_routes_answer_nothing),
		cmocka_unit_test(a_trace_names_the_leaf_that_said_no),
		cmocka_unit_test(more_alternatives_than_the_index_takes_still_match),
		cmocka_unit_test(regular_expressions_are_found_by_what_they_end_with),
		cmocka_unit_test(random_rule_sets_answer_as_a_walk_over_all_rules_does),
		cmocka_unit_test(routes_by_expressions_answer_as_a_walk_over_all_rules_does),
		cmocka_unit_test(of_many_expressions_few_are_evaluated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
