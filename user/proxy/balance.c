// SPDX-License-Identifier: Apache-2.0
/* balance: see the header. */

#include "proxy/balance.h"

#include "base/log.h"
#include "http/header.h"
#include "plan/names.h"
#include "proxy/strategy.h"
#include "proxy/worker.h"

/* Which of the accepted spellings the cookie has: 0 is the one that we write; -1: none. */
static int sticky_index(const struct str *values, struct str cookie)
{
	for (int i = 0; i < NAMES_STICKY_VALUES; i++)
		if (values[i].len && str_eq(values[i], cookie))
			return i;
	return -1;
}

/* values: the first is the one that we write. A level that chooses once more has one cookie. */
static void add_cookie(struct balance_pick *pick, const struct sticky *sticky,
		       const struct str *values)
{
	uint8_t at = 0;

	if (!sticky)
		return;
	while (at < pick->n_cookies && pick->cookies[at].sticky != sticky)
		at++;
	if (at == BALANCE_DEPTH_MAX)
		return;
	pick->cookies[at] = (struct balance_cookie){sticky, values[0]};
	if (at == pick->n_cookies)
		pick->n_cookies++;
}

static struct str cookie_of(const struct service *service, const struct request *request)
{
	if (!service->sticky)
		return (struct str){0};
	return header_cookie(&request->headers, service->sticky->cookie_name);
}

/* Asked by every level about what is below. */
struct choosing {
	const struct request *request;
	struct balance_pick *pick;
	struct strategy_ask ask;
};

static bool pick_server(struct choosing *choosing, const struct service *service)
{
	struct str cookie = cookie_of(service, choosing->request);
	struct balance_pick *pick = choosing->pick;
	const struct strategy_ask *ask = &choosing->ask;
	const struct server *server;

	/* A fenced server keeps its sticky clients (reference a.1); one that is down does not. */
	for (uint32_t i = 0; cookie.len && i < service->n_servers; i++) {
		server = &service->servers[i];
		int spelling = sticky_index(server->sticky_values, cookie);

		if (spelling < 0)
			continue;
		if (!live_member_is_up(server->member, ask->now_ns) ||
		    strategy_was_tried(ask, server) ||
		    live_server_is_set_aside(server->live, ask->now_ns))
			break;
		if (spelling > 0)
			add_cookie(pick, service->sticky, server->sticky_values);
		pick->server = server;
		return true;
	}
	server = strategy_choose(service, ask);
	if (!server)
		return false;
	add_cookie(pick, service->sticky, server->sticky_values);
	pick->server = server;
	return true;
}

/*
 * Whether some server below it could take a request: a child that is empty or down is passed over
 * (reference d.2).
 */
static bool can_take(uint64_t now_ns, const struct service *service, int depth)
{
	switch (service->kind) {
	case SERVICE_NOOP:
		return true;
	case SERVICE_SERVERS:
		if (!service->probe && !service->passive)
			return service->turns.n_order > 0;
		for (uint32_t i = 0; i < service->n_servers; i++)
			if (strategy_is_usable(&service->servers[i], now_ns))
				return true;
		return false;
	default:
		break;
	}
	for (uint32_t i = 0; depth > 0 && i < service->n_children; i++)
		if (service->children[i].weight > 0 &&
		    can_take(now_ns, service->children[i].service, depth - 1))
			return true;
	return false;
}

static bool may_take(void *context, const struct service *child)
{
	const struct choosing *choosing = context;

	return can_take(choosing->ask.now_ns, child, BALANCE_DEPTH_MAX);
}

static const struct service_child *pick_weighted(struct choosing *choosing,
						 const struct service *service)
{
	struct str cookie = cookie_of(service, choosing->request);
	const struct turn_order *turns = &service->turns;
	struct balance_pick *pick = choosing->pick;

	for (uint32_t i = 0; cookie.len && i < service->n_children; i++) {
		const struct service_child *child = &service->children[i];
		int spelling = sticky_index(child->sticky_values, cookie);

		/* A weight of 0 takes a child out, for its sticky clients too (reference d.1). */
		if (spelling < 0 || child->weight <= 0 || !may_take(choosing, child->service))
			continue;
		if (spelling > 0)
			add_cookie(pick, service->sticky, child->sticky_values);
		return child;
	}
	if (!turns->n_order)
		return NULL;
	uint64_t turn = strategy_turn(service);

	for (uint32_t i = 0; i < turns->n_order; i++) {
		const struct service_child *child =
			&service->children[turns->order[(turn + i) % turns->n_order]];

		if (!may_take(choosing, child->service))
			continue;
		add_cookie(pick, service->sticky, child->sticky_values);
		return child;
	}
	return NULL;
}

static const struct service_child *pick_child(struct choosing *choosing,
					      const struct service *service)
{
	switch (service->kind) {
	case SERVICE_MIRRORING:
		if (!choosing->pick->mirroring)
			choosing->pick->mirroring = service;
		return &service->children[0];
	case SERVICE_FAILOVER:
		if (!may_take(choosing, service->children[0].service))
			return &service->children[1];
		if (service->n_statuses) {
			choosing->pick->failover = service;
			choosing->pick->n_cookies_above = choosing->pick->n_cookies;
		}
		return &service->children[0];
	case SERVICE_HIGHEST_RANDOM_WEIGHT:
		return strategy_highest(service, &choosing->request->peer, may_take, choosing);
	default:
		return pick_weighted(choosing, service);
	}
}

enum balance_result balance_go_on(struct worker *worker, const struct request *request,
				  const struct server *const *tried, size_t n_tried,
				  struct balance_pick *pick)
{
	const struct service *service = pick->service, *from = service;
	struct choosing choosing = {
		.request = request,
		.pick = pick,
		.ask = {&request->peer, worker->loop.now_ns, tried, n_tried},
	};

	while (service && pick->depth < BALANCE_DEPTH_MAX) {
		const struct service_child *child;

		pick->service = service;
		if (service->chain && service != from)
			return BALANCE_CHAIN;
		pick->depth++;
		if (service->kind == SERVICE_NOOP) {
			pick->noop = service;
			return BALANCE_NOOP;
		}
		if (service->kind == SERVICE_SERVERS) {
			/* It is written when the answer has been sent. */
			if (worker->metrics)
				__builtin_prefetch(metric_block(worker->metrics, service->series),
						   1);
			return pick_server(&choosing, service) ? BALANCE_SERVER : BALANCE_NONE;
		}
		child = pick_child(&choosing, service);
		service = child ? child->service : NULL;
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

/* ------------------------------------------------------------------ outcome -- */

void balance_begin(struct balance_load *load, const struct balance_pick *pick)
{
	load->service = pick->service;
	load->server = pick->server;
	load->member = pick->server->member;
	if (load->member)
		atomic_fetch_add_explicit(&load->member->in_flight, 1, memory_order_relaxed);
}

void balance_first_byte(const struct balance_load *load, uint64_t ttfb_ns)
{
	if (load->member && load->service->strategy == STRATEGY_LEASTTIME)
		live_member_ttfb(load->member, ttfb_ns);
}

static void show_server(struct worker *worker, const struct server *server, bool is_up)
{
	if (worker->shared->metrics && server->up_series)
		metric_gauge_set(worker->shared->metrics, server->up_series, is_up);
}

/* reference d.4 */
static void note_success(struct worker *worker, const struct balance_load *load,
			 struct live_member *member)
{
	bool had_failed = live_member_succeeded(member);

	if (had_failed && live_member_is_up(member, worker->loop.now_ns))
		show_server(worker, load->server, true);
}

static void note_failure(struct worker *worker, const struct balance_load *load,
			 struct live_member *member)
{
	if (!live_member_failed(member, load->service->passive, worker->loop.now_ns))
		return;
	show_server(worker, load->server, false);
	LOG(LOG_WARN, "server rests after failures", LOG_S("service", load->service->name),
	    LOG_S("server", load->server->url));
}

void balance_end(struct balance_load *load, uint16_t status, struct worker *worker)
{
	struct live_member *member = load->member;

	load->member = NULL;
	if (!member)
		return;
	atomic_fetch_sub_explicit(&member->in_flight, 1, memory_order_relaxed);
	if (!load->service->passive || !status)
		return;
	if (status < 500)
		note_success(worker, load, member);
	else
		note_failure(worker, load, member);
}
