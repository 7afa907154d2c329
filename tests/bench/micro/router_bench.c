// SPDX-License-Identifier: Apache-2.0
/*
 * router_bench: nanoseconds per lookup with 1, 1,000 and 10,000 Host && PathPrefix routes, each
 * round all sizes in turn, the median of the rounds. `one` asks for the same route again and again
 * (what the number of routes costs by itself), `all` for every route in random order (what it costs
 * in cache misses too). In the last row every tenth route goes by expressions: about the path of
 * any host, about the path of one host, about the host.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plan/router.h"

enum { ROUNDS = 9, LOOKUPS = 200000, SIZES = 4, HOSTS = 100, MIXED = 10 };

static const struct {
	uint32_t n;
	bool is_mixed;
} sizes[SIZES] = {{1, false}, {1000, false}, {10000, false}, {10000, true}};

struct rig {
	struct arena arena;
	const struct router *router;
	struct request *requests; /* in random order */
	uint32_t n;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* The rule of route i, and a request that it matches. */
static struct str rule_of(struct arena *arena, uint32_t i, bool is_mixed, struct request *request)
{
	*request = (struct request){
		.method = STR("GET"),
		.host = arena_printf(arena, "h%u.example.com", i % HOSTS),
		.routing_path = arena_printf(arena, "/service-%u/orders/17", i),
	};
	if (!is_mixed || i % MIXED)
		return arena_printf(arena, "Host(`h%u.example.com`) && PathPrefix(`/service-%u`)",
				    i % HOSTS, i);
	switch (i / MIXED % 3) {
	case 0:
		request->routing_path = arena_printf(arena, "/api/v2/item-%u/x", i);
		return arena_printf(arena, "PathRegexp(`^/api/v[0-9]+/item-%u(/|$)`)", i);
	case 1:
		request->host = STR("one.example.com");
		request->routing_path = arena_printf(arena, "/a/list-%u.html", i);
		return arena_printf(
			arena, "Host(`one.example.com`) && PathRegexp(`/list-%u\\.html?$`)", i);
	default:
		request->host = arena_printf(arena, "a.shop-%u.example.org", i);
		return arena_printf(arena, "HostRegexp(`^[a-z]+\\.shop-%u\\.example\\.(org|net)$`)",
				    i);
	}
}

static void rig_init(struct rig *rig, uint32_t n, bool is_mixed)
{
	struct route **list = calloc(n, sizeof(struct route *));
	struct rule_fault fault;
	unsigned int seed = 1;

	arena_init(&rig->arena, SIZE_MAX, 1 << 20);
	rig->n = n;
	rig->requests = calloc(n, sizeof(*rig->requests));
	for (uint32_t i = 0; i < n; i++) {
		struct str rule = rule_of(&rig->arena, i, is_mixed, &rig->requests[i]);
		struct route *route = ARENA_NEW(&rig->arena, struct route);

		route->name = arena_printf(&rig->arena, "r%u@kubernetescrd", i);
		route->priority = (int64_t)rule.len;
		if (rule_parse(rule, &rig->arena, &route->rule, &fault))
			abort();
		list[i] = route;
	}
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)rand_r(&seed) % (i + 1);
		struct request other = rig->requests[i];

		rig->requests[i] = rig->requests[j];
		rig->requests[j] = other;
	}
	rig->router = router_new(list, n, &rig->arena);
	free(list);
}

static double measure(const struct rig *rig, bool all)
{
	uint64_t start = now_ns();

	for (uint32_t i = 0, at = 0; i < LOOKUPS; i++) {
		if (!router_find(rig->router, &rig->requests[at]))
			abort();
		at = all && at + 1 < rig->n ? at + 1 : 0;
	}
	return (double)(now_ns() - start) / LOOKUPS;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static double one[SIZES][ROUNDS], all[SIZES][ROUNDS];
	struct rig rigs[SIZES];

	for (int i = 0; i < SIZES; i++)
		rig_init(&rigs[i], sizes[i].n, sizes[i].is_mixed);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < SIZES; i++) {
			one[i][round] = measure(&rigs[i], false);
			all[i][round] = measure(&rigs[i], true);
		}
	printf("%14s %12s %12s %14s\n", "routes", "one, ns", "all, ns", "bytes a route");
	for (int i = 0; i < SIZES; i++) {
		qsort(one[i], ROUNDS, sizeof(double), by_value);
		qsort(all[i], ROUNDS, sizeof(double), by_value);
		printf("%6u%s %12.1f %12.1f %14zu\n", sizes[i].n,
		       sizes[i].is_mixed ? ", mixed " : "        ", one[i][ROUNDS / 2],
		       all[i][ROUNDS / 2], rigs[i].arena.total_bytes / sizes[i].n);
		free(rigs[i].requests);
	}
	return 0;
}
