// SPDX-License-Identifier: Apache-2.0
/* loopback: see the header. */

#include "proxy/loopback.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "plan/names.h"
#include "plan/router.h"
#include "tls/tls_builder.h"

static void free_states(struct loopback *loopback)
{
	for (int i = 0; i < LOOPBACK_ROUTES_MAX; i++)
		free(loopback->states[i]);
}

void loopback_init(struct loopback *loopback, uint16_t port)
{
	struct static_entry_point *point;

	*loopback = (struct loopback){0};
	arena_init(&loopback->arena, 1 << 20, 0);
	point = ARENA_NEW(&loopback->arena, struct static_entry_point);
	point->name = STR("web");
	addr_parse(STR("127.0.0.1"), &point->listen.addr);
	point->listen.port = port;
	point->transport.responding_timeouts.read = (struct duration){60 * NS_PER_SEC, true};
	point->transport.responding_timeouts.idle = (struct duration){180 * NS_PER_SEC, true};
	point->http.sanitize_path = true;
	point->http.max_header_bytes = 65536;
	point->http.underscore_headers_strategy = STR("delete");
	loopback->entry_point = point;
	loopback->config.entry_points.at = point;
	loopback->config.entry_points.keys = &point->name;
	loopback->config.entry_points.n = 1;
	loopback->config.limits.max_header_count = 100;
	for (int i = 0; i < LOOPBACK_ROUTES_MAX; i++) {
		loopback->states[i] = calloc(1, sizeof(**loopback->states));
		ref_init(&loopback->states[i]->ref);
	}
}

static void fill_servers(struct service *service, const struct loopback_route *conf,
			 struct arena *arena)
{
	service->servers = ARENA_ARRAY(arena, struct server, LOOPBACK_SERVERS_MAX);
	service->turns.order = ARENA_ARRAY(arena, uint16_t, LOOPBACK_SERVERS_MAX);
	for (uint32_t i = 0; i < LOOPBACK_SERVERS_MAX && conf->ports[i]; i++) {
		struct server *server = &service->servers[i];

		addr_parse(STR("127.0.0.1"), &server->addr);
		server->port = conf->ports[i];
		/* Dense enough, and the same in every snapshot: what the registry promises. */
		server->id = conf->ports[i];
		server->weight = 1;
		server->transport = conf->transport;
		server->live = ARENA_NEW(arena, struct live_server);
		server->url = arena_printf(arena, "http://127.0.0.1:%u", conf->ports[i]);
		server->host_at = sizeof("http://") - 1;
		struct str *values = ARENA_ARRAY(arena, struct str, NAMES_STICKY_VALUES);

		values[0] = arena_printf(arena, "s%u", conf->ports[i]);
		values[1] = arena_printf(arena, "old%u", conf->ports[i]);
		server->sticky_values = values;
		service->turns.order[i] = (uint16_t)i;
		service->n_servers = service->turns.n_order = i + 1;
	}
}

static struct route *make_route(struct loopback *loopback, const struct loopback_route *conf,
				uint32_t index, struct snapshot *snapshot)
{
	struct arena *arena = &snapshot->arena;
	struct route *route = ARENA_NEW(arena, struct route);
	struct service *service = ARENA_NEW(arena, struct service);
	struct rule_fault fault;

	route->name = arena_printf(arena, "route-%u@test", index);
	route->rule_text = str_of(conf->rule);
	if (rule_parse(route->rule_text, arena, &route->rule, &fault) < 0)
		abort();
	snapshot_own(snapshot, (void *)(uintptr_t)route->rule, (void (*)(void *))rule_done);
	route->priority = (int64_t)route->rule_text.len;
	route->service = service;
	route->chain.at = (struct mw_instance *)(uintptr_t)conf->middlewares;
	route->chain.n = conf->n_middlewares;
	for (uint16_t i = 0; i < conf->n_middlewares; i++) {
		route->chain.slot_bytes += conf->middlewares[i].mw->slot_size;
		route->chain.has_response_hooks |= conf->middlewares[i].mw->on_response != NULL;
		route->chain.has_end_hooks |= conf->middlewares[i].mw->on_end != NULL;
	}
	service->id = index + 1;
	service->kind = SERVICE_SERVERS;
	service->name = arena_printf(arena, "service-%u@test", index);
	service->state = loopback->states[index];
	service->pass_host_header = !conf->keep_server_host;
	fill_servers(service, conf, arena);
	if (conf->sticky_cookie) {
		struct sticky *sticky = ARENA_NEW(arena, struct sticky);

		*sticky = (struct sticky){str_of(conf->sticky_cookie), STR("; Path=/")};
		service->sticky = sticky;
	}
	if (conf->edit)
		conf->edit(route, snapshot);
	return route;
}

static void unref_table(void *table)
{
	tls_table_unref(table);
}

static void add_tls(struct loopback *loopback, struct snapshot *snapshot)
{
	struct entry_point *point = snapshot->entry_points;

	if (!loopback->tls_cache)
		loopback->tls_cache = tls_cache_new();
	point->tls_table = tls_builder_finish(tls_builder_new(loopback->tls_cache));
	if (!point->tls_table)
		abort();
	snapshot_own(snapshot, point->tls_table, unref_table);
	point->tls = point->plain;
}

struct snapshot *loopback_snapshot(struct loopback *loopback, const struct loopback_route *routes,
				   size_t n_routes)
{
	struct snapshot *snapshot = snapshot_new(++loopback->revision);
	struct arena *arena = &snapshot->arena;

	snapshot->routes = ARENA_ARRAY(arena, struct route *, n_routes + 1);
	for (size_t i = 0; i < n_routes; i++)
		snapshot->routes[i] = make_route(loopback, &routes[i], (uint32_t)i, snapshot);
	snapshot->n_routes = (uint32_t)n_routes;
	snapshot->entry_points = ARENA_NEW(arena, struct entry_point);
	snapshot->n_entry_points = 1;
	snapshot->entry_points->name = loopback->entry_point->name;
	snapshot->entry_points->conf = loopback->entry_point;
	snapshot->entry_points->plain = router_new(snapshot->routes, n_routes, arena);
	snapshot->max_server_id = 65536;
	if (loopback->tls)
		add_tls(loopback, snapshot);
	return snapshot;
}

int loopback_start(struct loopback *loopback, struct snapshot *snapshot, uint16_t n_workers,
		   struct proxy_hooks hooks)
{
	struct proxy_listener *listeners;
	size_t n, bad;
	int error =
		proxy_listeners_open(&loopback->config, n_workers, NULL, 0, &listeners, &n, &bad);

	if (!error) {
		struct sockaddr_in in;
		socklen_t len = sizeof(in);

		getsockname(listeners[0].fd, (struct sockaddr *)&in, &len);
		loopback->port = ntohs(in.sin_port);
		error = proxy_start(&(struct proxy_options){.config = &loopback->config,
							    .n_workers = n_workers,
							    .listeners = listeners,
							    .n_listeners = n,
							    .snapshot = snapshot,
							    .hooks = hooks},
				    &loopback->proxy);
		free(listeners);
	}
	snapshot_unref(snapshot);
	return error;
}

void loopback_stop(struct loopback *loopback)
{
	proxy_stop(loopback->proxy);
	free_states(loopback);
	tls_cache_free(loopback->tls_cache);
	arena_done(&loopback->arena);
}

static void set_timeout(int fd)
{
	struct timeval five = {.tv_sec = 5};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &five, sizeof(five));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &five, sizeof(five));
}

int loopback_connect(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	set_timeout(fd);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int loopback_listen(uint16_t *ret_port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 || listen(fd, 128) < 0)
		abort();
	getsockname(fd, (struct sockaddr *)&in, &len);
	*ret_port = ntohs(in.sin_port);
	set_timeout(fd);
	return fd;
}
