// SPDX-License-Identifier: Apache-2.0
/* balance: see the header. */

#include "proxy/balance.h"

#include "http/header.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

enum { STICKY_VALUES = sizeof(((struct server *)0)->sticky_values) / sizeof(struct str) };

/* Which of the accepted spellings the cookie has: 0 is the one that we write; -1: none. */
static int sticky_index(const struct str *values, struct str cookie)
{
	for (int i = 0; i < STICKY_VALUES; i++)
		if (values[i].len && str_eq(values[i], cookie))
			return i;
	return -1;
}

/* values: the first is the one that we write. */
static void add_cookie(struct balance_pick *pick, const struct sticky *sticky,
		       const struct str *values)
{
	if (sticky && pick->n_cookies < BALANCE_DEPTH_MAX)
		pick->cookies[pick->n_cookies++] = (struct balance_cookie){sticky, values[0]};
}

static struct str cookie_of(const struct service *service, const struct request *request)
{
	if (!service->sticky)
		return (struct str){0};
	return header_cookie(&request->headers, service->sticky->cookie_name);
}

static bool was_tried(const struct server *server, const struct server *const *tried,
		      size_t n_tried)
{
	for (size_t i = 0; i < n_tried; i++)
		if (tried[i]->id == server->id)
			return true;
	return false;
}

static uint64_t take_turn(const struct service *service)
{
	return atomic_fetch_add_explicit(&service->state->next, 1, memory_order_relaxed);
}

/* The server whose turn it is, or a later one when that is out of order; the first of the turn if
 * all are. */
static const struct server *server_of_turn(struct worker *worker, const struct service *service,
					   const struct server *const *tried, size_t n_tried)
{
	const struct turn_order *turns = &service->turns;
	const struct server *first = NULL, *untried = NULL;

	/* A service of one server has no turns to take. */
	if (service->n_servers == 1 && turns->n_order)
		return service->servers;
	if (!turns->n_order)
		return NULL;
	uint64_t turn = take_turn(service);

	for (uint32_t i = 0; i < turns->n_order; i++) {
		const struct server *server =
			&service->servers[turns->order[(turn + i) % turns->n_order]];

		if (!first)
			first = server;
		if (was_tried(server, tried, n_tried))
			continue;
		if (!upstream_is_set_aside(upstream_pool(worker, server->id), worker->loop.now_ns))
			return server;
		if (!untried)
			untried = server;
	}
	return untried ? untried : first;
}

static bool pick_server(struct worker *worker, const struct service *service,
			const struct request *request, const struct server *const *tried,
			size_t n_tried, struct balance_pick *pick)
{
	struct str cookie = cookie_of(service, request);
	const struct server *server;

	/* A fenced server keeps its sticky clients (reference a.1); one that is down does not. */
	for (uint32_t i = 0; cookie.len && i < service->n_servers; i++) {
		server = &service->servers[i];
		int spelling = sticky_index(server->sticky_values, cookie);

		if (spelling < 0)
			continue;
		if (was_tried(server, tried, n_tried) ||
		    upstream_is_set_aside(upstream_pool(worker, server->id), worker->loop.now_ns))
			break;
		if (spelling > 0)
			add_cookie(pick, service->sticky, server->sticky_values);
		pick->server = server;
		return true;
	}
	server = server_of_turn(worker, service, tried, n_tried);
	if (!server)
		return false;
	add_cookie(pick, service->sticky, server->sticky_values);
	pick->server = server;
	return true;
}

/* Whether some server below it could take a request: an empty child is passed over (reference d.2).
 */
static bool has_servers(const struct service *service, int depth)
{
	if (service->kind == SERVICE_NOOP)
		return true;
	if (service->kind == SERVICE_SERVERS)
		return service->turns.n_order > 0;
	for (uint32_t i = 0; depth > 0 && i < service->n_children; i++)
		if (service->children[i].weight > 0 &&
		    has_servers(service->children[i].service, depth - 1))
			return true;
	return false;
}

static const struct service_child *
pick_child(const struct service *service, const struct request *request, struct balance_pick *pick)
{
	struct str cookie = cookie_of(service, request);
	const struct turn_order *turns = &service->turns;

	for (uint32_t i = 0; cookie.len && i < service->n_children; i++) {
		const struct service_child *child = &service->children[i];
		int spelling = sticky_index(child->sticky_values, cookie);

		/* A weight of 0 takes a child out, for its sticky clients too (reference d.1). */
		if (spelling < 0 || child->weight <= 0 ||
		    !has_servers(child->service, BALANCE_DEPTH_MAX))
			continue;
		if (spelling > 0)
			add_cookie(pick, service->sticky, child->sticky_values);
		return child;
	}
	if (!turns->n_order)
		return NULL;
	uint64_t turn = take_turn(service);

	for (uint32_t i = 0; i < turns->n_order; i++) {
		const struct service_child *child =
			&service->children[turns->order[(turn + i) % turns->n_order]];

		if (!has_servers(child->service, BALANCE_DEPTH_MAX))
			continue;
		add_cookie(pick, service->sticky, child->sticky_values);
		return child;
	}
	return NULL;
}

enum balance_result balance_go_on(struct worker *worker, const struct request *request,
				  const struct server *const *tried, size_t n_tried,
				  struct balance_pick *pick)
{
	const struct service *service = pick->service, *from = service;

	while (service && pick->depth++ < BALANCE_DEPTH_MAX) {
		const struct service_child *child;

		pick->service = service;
		if (service->chain && service != from)
			return BALANCE_CHAIN;
		switch (service->kind) {
		case SERVICE_NOOP:
			pick->noop = service;
			return BALANCE_NOOP;
		case SERVICE_SERVERS:
			/* It is written when the answer has been sent. */
			if (worker->metrics)
				__builtin_prefetch(metric_block(worker->metrics, service->series),
						   1);
			return pick_server(worker, service, request, tried, n_tried, pick)
				       ? BALANCE_SERVER
				       : BALANCE_NONE;
		default:
			child = pick_child(service, request, pick);
			service = child ? child->service : NULL;
			break;
		}
	}
	return BALANCE_NONE;
}

enum balance_result balance_pick(struct worker *worker, const struct service *service,
				 const struct request *request, const struct server *const *tried,
				 size_t n_tried, struct balance_pick *ret_pick)
{
	struct balance_pick *pick = ret_pick;

	pick->server = NULL;
	pick->noop = pick->mirroring = pick->failover = NULL;
	pick->n_cookies = pick->depth = 0;
	pick->service = service;
	if (!service)
		return BALANCE_NONE;
	if (service->chain)
		return BALANCE_CHAIN;
	return balance_go_on(worker, request, tried, n_tried, pick);
}

struct str balance_cookie_text(const struct balance_cookie *cookie, struct arena *arena)
{
	return arena_printf(arena, STR_FMT "=" STR_FMT STR_FMT,
			    STR_ARG(cookie->sticky->cookie_name), STR_ARG(cookie->value),
			    STR_ARG(cookie->sticky->attributes));
}
