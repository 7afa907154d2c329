// SPDX-License-Identifier: Apache-2.0
/*
 * explain: a request is made, read as if it had come in, and followed to its end.
 *
 * The first thing that ends it decides: the kernel plane, TLS, the parser, the router, a
 * middleware, the service. What was found until then is in the result.
 */

#include "plan/explain.h"
#include "plan/explain_stream.h"

#include <errno.h>

#include "base/num.h"
#include "http/header.h"
#include "http/uri.h"
#include "plan/names.h"
#include "plan/router.h"
#include "tls/tls_table.h"

enum { STEPS_MAX = 64, DISABLED_MAX = 16, LEVELS_MAX = 8 /* of routes below routes */ };

struct explaining {
	const struct snapshot *snapshot;
	const struct explain_spec *spec;
	struct arena *arena;
	uint64_t wall_ns;
	struct request request;
	bool is_tls;
	struct str sni; /* of the URL: what a client would ask for */
	/* The middleware whose verdict is another server's. */
	struct str unsure;
	struct explain_result result;
};

/* ------------------------------------------------------------------ endings -- */

static void end(struct explaining *e, enum explain_action action, uint16_t status, struct str why)
{
	e->result.action = action;
	e->result.status = status;
	e->result.why = why;
}

static bool end_fail(struct explaining *e, enum fail fail)
{
	const struct fail_row *row = fail_row(fail);

	if (fail == FAIL_NONE)
		return false;
	end(e, EXPLAIN_RESPOND, row->status, row->sentence);
	return true;
}

/* -------------------------------------------------------------- entry point -- */

static bool speaks_tls(const struct entry_point *entry_point)
{
	return entry_point->conf->http.tls || router_size(entry_point->tls);
}

static const struct entry_point *find_entry_point(const struct snapshot *snapshot, struct str name,
						  bool is_tls, uint16_t port)
{
	const struct entry_point *by_tls = NULL;

	for (uint16_t i = 0; i < snapshot->n_entry_points; i++) {
		const struct entry_point *entry_point = &snapshot->entry_points[i];

		if (name.len ? str_eq(entry_point->name, name)
			     : !entry_point->conf->listen.udp &&
				       entry_point->conf->listen.port == port)
			return entry_point;
		if (!by_tls && !entry_point->conf->listen.udp && speaks_tls(entry_point) == is_tls)
			by_tls = entry_point;
	}
	return name.len ? NULL : by_tls;
}

/* Takes the URL apart; ret_target is in origin form. */
static void read_url(struct explaining *e, struct str *ret_target, struct str *ret_authority,
		     uint16_t *ret_port)
{
	struct str url = e->spec->url, host, port, rest;
	ptrdiff_t slash;

	*ret_authority = (struct str){0};
	*ret_target = url;
	e->is_tls = str_starts_nocase(url, STR("https://"));
	*ret_port = e->is_tls ? 443 : 80;
	if (!e->is_tls && !str_starts_nocase(url, STR("http://")))
		return;
	rest = str_from(url, e->is_tls ? strlen("https://") : strlen("http://"));
	slash = 0;
	while ((size_t)slash < rest.len && !memchr("/?#", rest.at[slash], 3))
		slash++;
	*ret_authority = str_take(rest, (size_t)slash);
	*ret_target = str_from(rest, (size_t)slash);
	if (!ret_target->len || ret_target->at[0] != '/')
		*ret_target = arena_printf(e->arena, "/" STR_FMT, STR_ARG(*ret_target));
	if (!uri_split_authority(*ret_authority, &host, &port))
		return; /* the parser says what is wrong with it */
	if (port.len)
		num_uint16(port, ret_port);
	canon_host(*ret_authority, e->arena, &e->sni);
}

/* ------------------------------------------------------------------ request -- */

static bool has_host(const struct explain_spec *spec)
{
	for (size_t i = 0; i < spec->n_headers; i++)
		if (str_eq_nocase(spec->headers[i].key, STR("Host")))
			return true;
	return false;
}

/* A line end would split what is one thing here into several on the wire. */
static bool has_line_end(struct str text)
{
	return str_find(text, '\r') >= 0 || str_find(text, '\n') >= 0;
}

static enum fail check_lines(const struct explain_spec *spec)
{
	if (has_line_end(spec->method))
		return FAIL_METHOD_BAD;
	if (has_line_end(spec->url))
		return FAIL_TARGET_BAD;
	for (size_t i = 0; i < spec->n_headers; i++) {
		if (has_line_end(spec->headers[i].key))
			return FAIL_HEADER_NAME_BAD;
		if (has_line_end(spec->headers[i].value))
			return FAIL_HEADER_VALUE_BAD;
	}
	return FAIL_NONE;
}

/* The head of the request as it would arrive. */
static struct str head_of(struct explaining *e, struct str target, struct str authority)
{
	const struct explain_spec *spec = e->spec;
	struct buf buf;
	struct str head;

	buf_init(&buf, 1 << 20);
	buf_add(&buf, spec->method.len ? spec->method : STR("GET"));
	buf_add_char(&buf, ' ');
	buf_add(&buf, target);
	buf_add(&buf, STR(" HTTP/1.1\r\n"));
	if (!has_host(spec) && authority.len)
		buf_addf(&buf, "Host: " STR_FMT "\r\n", STR_ARG(authority));
	for (size_t i = 0; i < spec->n_headers; i++)
		buf_addf(&buf, STR_FMT ": " STR_FMT "\r\n", STR_ARG(spec->headers[i].key),
			 STR_ARG(spec->headers[i].value));
	buf_add(&buf, STR("\r\n"));
	head = arena_str(e->arena, buf_str(&buf));
	buf_done(&buf);
	return head;
}

static bool read_peer(struct explaining *e)
{
	struct str text = e->spec->remote_addr, host, port;

	if (!text.len)
		text = STR("127.0.0.1");
	if (addr_parse(text, &e->request.peer) == 0)
		return true;
	if (!uri_split_authority(text, &host, &port) || addr_parse(host, &e->request.peer) < 0)
		return false;
	if (port.len)
		num_uint16(port, &e->request.peer_port);
	return true;
}

/* False when the head is refused: the result says why. */
static bool read_request(struct explaining *e, struct str head)
{
	const struct entry_point *entry_point = e->result.entry_point;
	struct request *request = &e->request;
	enum fail fail = FAIL_NONE;
	ssize_t n;

	request->arena = request->headers.arena = e->arena;
	request->headers.cap = 64;
	request->headers.at = ARENA_ARRAY(e->arena, struct header, request->headers.cap);
	request->is_tls = e->is_tls;
	request->sni = e->sni;
	request->entry_point = entry_point->index;
	request->local = entry_point->conf->listen.addr;
	request->local_port = entry_point->conf->listen.port;
	if (!request->headers.at)
		return !end_fail(e, FAIL_INTERNAL);
	n = h1_parse_request(head, &entry_point->reading.limits, request, &fail);
	if (n == -EAGAIN || (n >= 0 && (size_t)n != head.len)) {
		end(e, EXPLAIN_RESPOND, 400, STR("the request is not one complete head"));
		return false;
	}
	if (n < 0)
		return !end_fail(e, fail);
	return !end_fail(e, canon_request(request, &entry_point->reading.canon)) &&
	       !end_fail(e, forwarded_receive(request, &entry_point->reading.forwarded));
}

/* ------------------------------------------------------------- kernel and TLS -- */

static const struct kernel_policy *policy_of(const struct kernel_config *config, struct str name)
{
	for (size_t i = 0; config && i < config->n_entries; i++)
		if (str_eq(config->entries[i].name, name))
			return config->entries[i].policy;
	return NULL;
}

static bool kernel_drops(struct explaining *e)
{
	struct explain_result *result = &e->result;
	char text[ADDR_TEXT_MAX];

	result->kernel_policy = policy_of(e->snapshot->kernel, result->entry_point->name);
	result->kernel_action =
		kernel_policy_match(result->kernel_policy, &e->request.peer, &result->kernel_acl);
	if (result->kernel_action != KERNEL_DENY)
		return false;
	cidr_print(&result->kernel_acl->cidr, text);
	end(e, EXPLAIN_DROP, 0,
	    arena_printf(e->arena, "the kernel plane drops packets from %s: " STR_FMT " denies it",
			 text, STR_ARG(result->kernel_policy->object)));
	return true;
}

static bool tcp_takes(struct explaining *e)
{
	const struct tcp_facts facts = {e->request.peer, e->is_tls, e->sni, NULL, 0};

	end(e, EXPLAIN_TCP, 0, explain_stream_taken(e->result.entry_point, &facts, e->arena));
	return e->result.why.len > 0;
}

static bool tls_is_closed(struct explaining *e)
{
	end(e, EXPLAIN_DROP, 0,
	    arena_printf(e->arena,
			 "TLS connections to " STR_FMT
			 " are closed: its TLSOption is missing or has errors",
			 STR_ARG(e->sni)));
	return true;
}

static bool tls_refuses(struct explaining *e)
{
	const struct entry_point *entry_point = e->result.entry_point;

	if (!e->is_tls)
		return false;
	if (!speaks_tls(entry_point)) {
		end(e, EXPLAIN_DROP, 0,
		    arena_printf(e->arena, "entry point " STR_FMT " does not speak TLS",
				 STR_ARG(entry_point->name)));
		return true;
	}
	if (entry_point->tls_table &&
	    tls_table_policy(entry_point->tls_table, e->sni) == TLS_POLICY_BROKEN)
		return tls_is_closed(e);
	return false;
}

/* ------------------------------------------------------------------- router -- */

static bool is_on(const struct route *route, struct str entry_point)
{
	for (size_t i = 0; i < route->entry_points.n; i++)
		if (str_eq(route->entry_points.at[i], entry_point))
			return true;
	return false;
}

/* Routes that would match if they had no fault: what people look for first. */
static void add_disabled(struct explaining *e)
{
	struct explain_result *result = &e->result;

	for (uint32_t i = 0, n = 0; i < e->snapshot->n_routes && n < DISABLED_MAX; i++) {
		const struct route *route = e->snapshot->routes[i];

		if (route->status != ROUTE_DISABLED || !route->rule || route->is_tls != e->is_tls ||
		    !is_on(route, result->entry_point->name) ||
		    !rule_match(route->rule, &e->request))
			continue;
		result->steps[result->n_steps++] =
			(struct explain_step){.route = route, .is_disabled = true};
		n++;
	}
}

/* Asks one router; what it considered comes behind what others did, with room for the disabled. */
static bool trace(struct explaining *e, const struct router *router)
{
	struct explain_result *result = &e->result;
	struct router_step steps[STEPS_MAX];
	size_t n = router_trace(router, &e->request, steps, STEPS_MAX, &result->route);
	struct explain_step *all =
		ARENA_ARRAY(e->arena, struct explain_step, result->n_steps + n + DISABLED_MAX);

	if (!all)
		return !end_fail(e, FAIL_INTERNAL);
	for (size_t i = 0; i < result->n_steps; i++)
		all[i] = result->steps[i];
	result->steps = all;
	for (size_t i = 0; i < n; i++)
		result->steps[result->n_steps++] = (struct explain_step){
			.route = steps[i].route,
			.failed = steps[i].failed ? rule_print_leaf(steps[i].failed, e->arena)
						  : (struct str){0},
		};
	result->service = result->route ? result->route->service : NULL;
	return true;
}

static bool find_route(struct explaining *e)
{
	struct explain_result *result = &e->result;
	const struct entry_point *entry_point = result->entry_point;
	size_t n;

	if (!trace(e, e->is_tls ? entry_point->tls : entry_point->plain))
		return false;
	n = result->n_steps;
	add_disabled(e);
	if (result->route)
		return true;
	if (result->n_steps > n)
		end(e, EXPLAIN_RESPOND, 404,
		    arena_printf(e->arena,
				 "no router matches; " STR_FMT " would, but is disabled: " STR_FMT,
				 STR_ARG(result->steps[n].route->name),
				 STR_ARG(result->steps[n].route->problem)));
	else
		end(e, EXPLAIN_RESPOND, 404,
		    arena_printf(e->arena, "no router of entry point " STR_FMT " for %s matches",
				 STR_ARG(entry_point->name), e->is_tls ? "https" : "http"));
	return false;
}

static bool route_refuses(struct explaining *e)
{
	const struct entry_point *entry_point = e->result.entry_point;
	const struct route *route = e->result.route;

	if (end_fail(e,
		     canon_check_encoded(e->request.raw_path, entry_point->reading.denied_escapes)))
		return true;
	if (!e->is_tls)
		return false;
	/* Without a table (no certificates were read) the route still knows that it is closed. */
	if (!entry_point->tls_table)
		return route->tls_policy == TLS_POLICY_BROKEN && tls_is_closed(e);
	uint16_t policy = tls_table_policy(entry_point->tls_table, e->sni);

	return (policy != route->tls_policy ||
		policy != tls_table_policy(entry_point->tls_table, e->request.host)) &&
	       end_fail(e, FAIL_MISDIRECTED);
}

/* -------------------------------------------------------------- middlewares -- */

/* Runs its hooks for real; a wait for another thread's job is over at once, a delay too, and there
 * is no body. Nobody else is asked: what depends on an answer goes on, and the result says so. */
static enum mw_verdict run_hooks(struct explaining *e, const struct mw_instance *instance,
				 struct mw_call *call)
{
	enum mw_verdict verdict = instance->mw->on_request(instance, call);

	while (verdict == MW_WAIT) {
		if (call->wait.fetch || call->wait.redis) {
			e->unsure = instance->name;
			return MW_NEXT;
		}
		if (call->wait.body.wanted)
			call->body_state = MW_BODY_WHOLE;
		if (call->wait.run)
			call->wait.run(call->wait.arg);
		call->wait = (struct mw_wait){0};
		verdict =
			instance->mw->on_resume ? instance->mw->on_resume(instance, call) : MW_NEXT;
	}
	return verdict;
}

/* Asking must not spend what the data plane counts: the hooks get a state of their own, as new. */
static enum mw_verdict ask(struct explaining *e, const struct mw_instance *instance,
			   struct mw_call *call)
{
	struct mw_instance asked = *instance;
	enum mw_verdict verdict;

	if (!instance->mw->on_request)
		return MW_NEXT;
	if (instance->mw->state_new) {
		asked.state = instance->mw->state_new(instance->conf);
		if (!asked.state)
			return MW_NEXT;
	}
	verdict = run_hooks(e, &asked, call);
	/* What it keeps for the exchange goes now; what it said stands in the arena. */
	if (instance->mw->on_end)
		instance->mw->on_end(&asked, call);
	if (asked.state && ref_put(&asked.state->ref))
		asked.state->free(asked.state);
	return verdict;
}

static bool middleware_replies(struct explaining *e, const struct mw_instance *instance,
			       char *slots)
{
	struct explain_middleware *said = &e->result.middlewares[e->result.n_middlewares++];
	struct mw_call call = {
		.request = &e->request,
		.reply.headers.arena = e->arena,
		.slot = slots + instance->slot_offset,
		.now_ns = e->wall_ns,
		.wall_ns = e->wall_ns,
	};

	*said = (struct explain_middleware){.name = instance->name, .type = instance->mw->name};
	if (instance->mw->explain)
		said->what = instance->mw->explain(instance, &e->request, e->arena);
	if (ask(e, instance, &call) != MW_REPLY)
		return false;
	e->result.location = header_value(&call.reply.headers, HEADER_LOCATION);
	end(e, EXPLAIN_RESPOND, call.reply.status,
	    arena_printf(e->arena, "middleware " STR_FMT " (%s) answers%s" STR_FMT,
			 STR_ARG(instance->name), instance->mw->name, said->what.len ? ": " : "",
			 STR_ARG(said->what)));
	return true;
}

static bool chain_replies(struct explaining *e, const struct mw_chain *chain)
{
	struct explain_result *result = &e->result;
	char *slots = arena_zero(e->arena, 1, chain->slot_bytes + 1);
	struct explain_middleware *all = ARENA_ARRAY(e->arena, struct explain_middleware,
						     result->n_middlewares + chain->n + 1U);

	if (!slots || !all)
		return end_fail(e, FAIL_INTERNAL);
	for (size_t i = 0; i < result->n_middlewares; i++)
		all[i] = result->middlewares[i];
	result->middlewares = all;
	for (uint16_t i = 0; i < chain->n; i++)
		if (middleware_replies(e, &chain->at[i], slots))
			return true;
	return false;
}

/* The middlewares of the route, of those below it that what they made of the request leads to, and
 * of the service, where there is only one it can be. */
static bool middlewares_reply(struct explaining *e)
{
	struct explain_result *result = &e->result;

	if (chain_replies(e, &result->route->chain))
		return true;
	for (unsigned int level = 0; result->route->below; level++) {
		const struct route *parent = result->route;

		if (level == LEVELS_MAX)
			return end_fail(e, FAIL_NO_ROUTE);
		if (!trace(e, parent->below))
			return true;
		if (!result->route) {
			end(e, EXPLAIN_RESPOND, 404,
			    arena_printf(e->arena, "no router below " STR_FMT " matches",
					 STR_ARG(parent->name)));
			return true;
		}
		if (chain_replies(e, &result->route->chain))
			return true;
	}
	return result->service && result->service->chain &&
	       chain_replies(e, result->service->chain);
}

/* ------------------------------------------------------------------ service -- */

/* Servers that new clients may get: fenced ones only keep theirs (reference d.1). */
static size_t count_servers(const struct service *service)
{
	size_t n = service->kind == SERVICE_NOOP;

	for (uint32_t i = 0; i < service->n_servers; i++)
		n += !service->servers[i].fenced;
	for (uint32_t i = 0; i < service->n_children; i++)
		if (service->children[i].weight > 0)
			n += count_servers(service->children[i].service);
	return n;
}

/* Whether the request carries the cookie of a server that is fenced (reference a.1). */
static bool is_kept(const struct service *service, const struct request *request)
{
	struct str cookie = {0};

	if (service->sticky)
		cookie = header_cookie(&request->headers, service->sticky->cookie_name);
	for (uint32_t i = 0; cookie.len && i < service->n_servers; i++)
		for (size_t k = 0; k < NAMES_STICKY_VALUES; k++)
			if (str_eq(service->servers[i].sticky_values[k], cookie))
				return true;
	return false;
}

/* How the service goes about it, where that is not by turns. */
static struct str how(const struct service *service, struct arena *arena)
{
	static const char *const strategies[] = {
		[STRATEGY_WRR] = "",
		[STRATEGY_P2C] = ", the one of two with fewer requests does",
		[STRATEGY_HRW] = ", the client's address decides which",
		[STRATEGY_LEASTTIME] = ", the fastest by its load does",
	};
	const struct service_child *children = service->children;

	switch (service->kind) {
	case SERVICE_SERVERS:
		return str_of(strategies[service->strategy]);
	case SERVICE_HIGHEST_RANDOM_WEIGHT:
		return STR(", the client's address decides which service");
	case SERVICE_MIRRORING:
		return arena_printf(arena, "; " STR_FMT " answers, %u get copies",
				    STR_ARG(children[0].name), service->n_children - 1);
	case SERVICE_FAILOVER:
		return arena_printf(arena, "; " STR_FMT " answers, " STR_FMT " when that is down%s",
				    STR_ARG(children[0].name), STR_ARG(children[1].name),
				    service->n_statuses ? " or its status says so" : "");
	default:
		return (struct str){0};
	}
}

static void forward(struct explaining *e)
{
	struct str manner;
	const struct service *service = e->result.service;
	const struct route *route = e->result.route;
	size_t n;

	if (!service) {
		end_fail(e, FAIL_SERVICE_BROKEN);
		return;
	}
	n = count_servers(service);
	if (service->kind == SERVICE_NOOP) {
		end(e, EXPLAIN_RESPOND, 418, STR("the service is noop@internal"));
		return;
	}
	if (!n && is_kept(service, &e->request))
		n = 1;
	if (!n) {
		end_fail(e, FAIL_NO_SERVER);
		return;
	}
	manner = how(service, e->arena);
	end(e, EXPLAIN_FORWARD, 0,
	    arena_printf(e->arena,
			 "the rule of " STR_FMT " is the first by priority that matches; %zu "
			 "server%s can take it" STR_FMT "%s" STR_FMT "%s",
			 STR_ARG(route->name), n, n == 1 ? "" : "s", STR_ARG(manner),
			 e->unsure.len ? ", if the server that middleware " : "",
			 STR_ARG(e->unsure), e->unsure.len ? " asks lets it pass" : ""));
}

struct explain_result explain_run(const struct snapshot *snapshot, const struct explain_spec *spec,
				  uint64_t wall_ns, struct arena *arena)
{
	struct explaining e = {
		.snapshot = snapshot, .spec = spec, .arena = arena, .wall_ns = wall_ns};
	struct str target, authority;
	uint16_t port;

	e.result.id = spec->id;
	if (!read_peer(&e)) {
		end(&e, EXPLAIN_RESPOND, 400, STR("remote_addr is no IP address"));
		return e.result;
	}
	read_url(&e, &target, &authority, &port);
	e.result.entry_point = find_entry_point(snapshot, spec->entry_point, e.is_tls, port);
	if (!e.result.entry_point) {
		end(&e, EXPLAIN_DROP, 0,
		    spec->entry_point.len ? STR("there is no entry point of that name")
					  : STR("no entry point takes such connections"));
		return e.result;
	}
	if (!kernel_drops(&e) && !tcp_takes(&e) && !tls_refuses(&e) &&
	    !end_fail(&e, check_lines(spec)) && read_request(&e, head_of(&e, target, authority)) &&
	    find_route(&e) && !route_refuses(&e) && !middlewares_reply(&e))
		forward(&e);
	return e.result;
}
