/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_FIXTURE_PROXY_H
#define STREAM_FIXTURE_PROXY_H

/*
 * stream_fixture_proxy: a running proxy with one raw TCP route, HostSNI(`*`), to servers that the
 * test plays: listeners of its own.
 */

#include "proxy_fixture.h"

#include <stdlib.h>

#include "plan/stream_plan.h"
#include "plan/tcp_router.h"

struct stream_bench {
	struct loopback loopback;
	struct balance_state *state;
	struct tcp_route *route;
	struct stream_service *service;
	struct stream_transport transport;
	int listeners[4];
	uint16_t ports[4];
	size_t n;
};

static inline struct stream_service *stream_bench_service(struct arena *arena,
							  struct balance_state *state,
							  const uint16_t *ports, size_t n)
{
	struct stream_service *service = ARENA_NEW(arena, struct stream_service);

	service->name = STR("raw@test");
	service->state = state;
	service->servers = ARENA_ARRAY(arena, struct stream_server, n + 1);
	service->turns.order = ARENA_ARRAY(arena, uint16_t, n + 1);
	service->n_servers = service->turns.n_order = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		struct stream_server *server = &service->servers[i];

		server->id = (uint32_t)i + 1;
		addr_parse(STR("127.0.0.1"), &server->addr);
		server->port = ports[i];
		server->live = ARENA_NEW(arena, struct live_server);
		server->address = arena_printf(arena, "127.0.0.1:%u", ports[i]);
		service->turns.order[i] = (uint16_t)i;
	}
	return service;
}

/* A route that every connection takes; others are made by changing it. */
static inline struct tcp_route *stream_bench_route(struct snapshot *snapshot)
{
	struct tcp_route *route = ARENA_NEW(&snapshot->arena, struct tcp_route);
	struct rule_fault fault;

	route->name = STR("raw@test");
	route->is_catch_all = true;
	if (rule_parse_as(RULE_TCP_V3, STR("HostSNI(`*`)"), &snapshot->arena, &route->rule,
			  &fault) < 0)
		abort();
	snapshot_own(snapshot, (void *)(uintptr_t)route->rule, (void (*)(void *))rule_done);
	return route;
}

/* n servers that listen; edit may change what was made before it is used. */
static inline void stream_bench_start(struct stream_bench *bench, size_t n,
				      void (*edit)(struct stream_bench *bench))
{
	struct snapshot *snapshot;
	struct arena *arena;
	struct strs none = {0};

	memset(bench, 0, sizeof(*bench));
	loopback_init(&bench->loopback, 0);
	bench->state = calloc(1, sizeof(*bench->state));
	for (bench->n = 0; bench->n < n; bench->n++)
		bench->listeners[bench->n] = loopback_listen(&bench->ports[bench->n]);
	snapshot = loopback_snapshot(&bench->loopback, NULL, 0);
	arena = &snapshot->arena;
	bench->transport.dial_ns = 5 * NS_PER_SEC;
	bench->transport.termination_delay_ns = -1;
	bench->route = stream_bench_route(snapshot);
	bench->service = stream_bench_service(arena, bench->state, bench->ports, n);
	bench->service->transport = &bench->transport;
	bench->route->service = bench->service;
	if (edit)
		edit(bench);
	snapshot->entry_points[0].tcp = tcp_router_new(&bench->route, 1, &none, false, arena);
	assert_int_equal(loopback_start(&bench->loopback, snapshot, 1, (struct proxy_hooks){0}), 0);
}

/* A client and what a server got of it. */
static inline int stream_bench_open(struct stream_bench *bench, int *ret_server)
{
	int client = loopback_connect(bench->loopback.port);
	struct pollfd ready = {bench->listeners[0], POLLIN, 0};

	assert_int_equal(poll(&ready, 1, 3000), 1);
	*ret_server = accept(bench->listeners[0], NULL, NULL);
	return client;
}

static inline void stream_bench_end(struct stream_bench *bench)
{
	struct proxy_status status = loopback_settled(&bench->loopback);

	assert_int_equal(status.connections_open, 0);
	assert_int_equal(status.streams_active, 0);
	loopback_stop(&bench->loopback);
	for (size_t i = 0; i < bench->n; i++)
		close(bench->listeners[i]);
	free(bench->state);
}

#endif
