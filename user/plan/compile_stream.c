// SPDX-License-Identifier: Apache-2.0
/*
 * compile_stream: IngressRouteTCP objects -> routes (reference a.2, b.3, b.4).
 *
 * As with HTTP, a route with a fault is kept as disabled, with the reason, and is in no router. One
 * exception: when its TLS options are missing or broken, connections that it would have taken are
 * closed rather than left to others.
 */

#include "plan/compile_stream.h"

#include "obs/metric.h"

#include <errno.h>
#include <stdlib.h>

#include "plan/compile_conflict.h"
#include "plan/compile_lists.h"
#include "plan/tcp_router.h"

/* reference b.4: the top of the range belongs to @internal routers */
#define PRIORITY_USER_MAX (INT64_MAX - 1000)

_Static_assert(offsetof(struct ingress_route_tcp, ingress_class_name) == 0 &&
		       offsetof(struct ingress_route_udp, ingress_class_name) == 0 &&
		       offsetof(struct ingress_route, ingress_class_name) == 0,
	       "compile_route_is_ours reads the class of each of them");

/* ------------------------------------------------------------------ parts -- */

bool compile_stream_push(struct compile *c, struct pointers *list, void *thing)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		void **at = ARENA_ARRAY(c->arena, void *, room);

		if (!at)
			return false;
		if (list->n)
			memcpy(at, list->at, list->n * sizeof(*at));
		list->at = at;
		list->room = room;
	}
	list->at[list->n++] = thing;
	return true;
}

void compile_stream_disable(uint8_t *status, struct str *problem, struct str text)
{
	if (*status == ROUTE_DISABLED)
		return;
	*status = ROUTE_DISABLED;
	*problem = text;
}

static void disable(struct compile *c, struct tcp_draft *draft)
{
	compile_stream_disable(&draft->route.status, &draft->route.problem, compile_problem(c));
}

static void warn(struct compile *c, struct tcp_draft *draft)
{
	if (draft->route.status != ROUTE_ENABLED)
		return;
	draft->route.status = ROUTE_WARNING;
	draft->route.problem = compile_problem(c);
}

struct str compile_stream_name(struct compile *c, const struct object *object, struct str wanted)
{
	struct str name = wanted;

	for (unsigned int i = 2;; i++) {
		const struct object *owner = table_find(&c->streams->names, name);

		if (!owner)
			table_put(&c->streams->names, name, (void *)object, NULL);
		if (!owner || owner == object)
			return name;
		name = arena_printf(c->arena, STR_FMT "_%u", STR_ARG(wanted), i);
	}
}

/* ------------------------------------------------------------------ rules -- */

static void parse(struct compile *c, struct tcp_draft *draft,
		  const struct ingress_route_tcp_rule *rule, const struct diag_path *path)
{
	struct tcp_route *route = &draft->route;
	struct str syntax = rule->syntax.len ? rule->syntax : c->config->core.default_rule_syntax;
	struct rule_fault fault = {0};
	int status = registry_rule(c->registry, rule_syntax_tcp_of(syntax), rule->match,
				   &route->rule, &fault);

	path = DIAG_FIELD(path, "match");
	if (status == 0) {
		route->is_catch_all = rule_tcp_is_catch_all(route->rule);
		return;
	}
	if (status == -ENOMEM)
		c->arena->failed = true;
	else
		diag_found(c->sink,
			   diag_error(c->sink, path, "%s (at character %zu)", fault.message,
				      fault.column + 1),
			   rule->match);
	disable(c, draft);
}

/* reference b.3: without TLS there is no name to look at */
static void check_names(struct compile *c, struct tcp_draft *draft, const struct diag_path *path)
{
	struct strs names;

	if (!draft->route.rule || draft->route.is_tls)
		return;
	rule_tcp_names(draft->route.rule, &c->scratch, &names);
	if (!names.n || str_eq(names.at[0], STR("*")))
		return;
	diag_suggest(c->sink,
		     diag_error(c->sink, DIAG_FIELD(path, "match"),
				"HostSNI(`" STR_FMT "`) needs TLS, and the route has no tls",
				STR_ARG(names.at[0])),
		     "add tls: {} (or tls: {passthrough: true}), or match HostSNI(`*`)");
	disable(c, draft);
}

static void set_priority(struct compile *c, struct tcp_draft *draft, const struct diag_path *path)
{
	struct tcp_route *route = &draft->route;

	if (!route->priority)
		route->priority = route->is_catch_all ? -1 : (int64_t)route->rule_text.len;
	if (route->priority <= PRIORITY_USER_MAX)
		return;
	diag_error(c->sink, DIAG_FIELD(path, "priority"), "priorities above %lld are reserved",
		   (long long)PRIORITY_USER_MAX);
	disable(c, draft);
}

static void set_entry_points(struct compile *c, struct tcp_draft *draft, const struct strs *wanted)
{
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "entryPoints");
	struct strs *chosen = &draft->route.entry_points;

	if (!wanted->n)
		*chosen = compile_entry_point_defaults(c);
	else
		chosen->at = ARENA_ARRAY(c->arena, struct str, wanted->n);
	for (size_t i = 0; wanted->n && chosen->at && i < wanted->n; i++) {
		const struct static_entry_point *conf =
			static_entry_point_find(c->config, wanted->at[i]);

		if (conf && !conf->listen.udp) {
			chosen->at[chosen->n++] = wanted->at[i];
			continue;
		}
		diag_warning(c->sink, DIAG_INDEX(path, i),
			     conf ? "entry point " STR_FMT " is not of TCP"
				  : "there is no entry point " STR_FMT,
			     STR_ARG(wanted->at[i]));
		warn(c, draft);
	}
	if (chosen->n)
		return;
	diag_error(c->sink, path, "the route has no entry point");
	disable(c, draft);
}

/* -------------------------------------------------------------------- TLS -- */

static void set_tls_option(struct compile *c, struct tcp_draft *draft,
			   const struct ingress_route_tcp_tls *tls)
{
	struct draft asked = {.object = draft->object};

	if (!tls || tls->passthrough)
		return;
	compile_tls_option_ref(c, draft->object, tls->common.options,
			       DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "tls"), &asked);
	draft->tls_option = draft->route.tls_option = asked.tls_option;
	draft->tls_option_broken = asked.tls_option_broken;
	if (draft->tls_option_broken)
		disable(c, draft);
}

size_t compile_stream_n_tls(const struct compile *c)
{
	return c->streams ? c->streams->tcp.n : 0;
}

struct tcp_draft *compile_stream_tls(const struct compile *c, size_t i)
{
	struct tcp_draft *draft = c->streams->tcp.at[i];

	return draft->route.is_tls && !draft->route.passthrough ? draft : NULL;
}

/* ----------------------------------------------------------------- routes -- */

static struct str name_of(struct compile *c, const struct object *object, struct str match)
{
	if (names_are_of_file(object->meta.namespace_))
		return object->meta.name;
	/* reference a.0: not normalised */
	return compile_stream_name(c, object,
				   arena_printf(c->arena, STR_FMT "-" STR_FMT "-" STR_FMT,
						STR_ARG(object->meta.namespace_),
						STR_ARG(object->meta.name),
						STR_ARG(names_rule_hash(match, &c->scratch))));
}

static void file(struct compile *c, const struct tcp_draft *draft)
{
	struct tcp_draft *slot = table_find(&c->streams->tcp_routes, draft->route.name);

	if (slot) {
		diag_warning(c->sink, DIAG_FIELD(NULL, "spec"),
			     "two routes have the same rule, the last one is used");
	} else {
		slot = ARENA_NEW(c->arena, struct tcp_draft);
		if (!slot ||
		    table_put(&c->streams->tcp_routes, draft->route.name, slot, NULL) < 0 ||
		    !compile_stream_push(c, &c->streams->tcp, slot))
			return;
	}
	*slot = *draft;
}

static void compile_rule(struct compile *c, const struct object *object, size_t index)
{
	const struct ingress_route_tcp *spec = object->spec;
	const struct ingress_route_tcp_rule *rule =
		LIST_AT(spec->routes, const struct ingress_route_tcp_rule, index);
	const struct diag_path *path =
		DIAG_INDEX(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "routes"), index);
	bool is_file = names_are_of_file(object->meta.namespace_);
	struct str name = name_of(c, object, rule->match);
	struct tcp_draft draft = {
		.object = object,
		.route = {.name = names_join(name, is_file ? STR(NAMES_FILE) : STR(NAMES_CRD),
					     c->arena),
			  .rule_text = rule->match,
			  .priority = rule->priority,
			  .object = object->id,
			  .created_ns = object->meta.created_ns,
			  .route_index = (uint32_t)index,
			  .is_tls = spec->tls,
			  .passthrough = spec->tls && spec->tls->passthrough,
			  .series = METRIC_SERIES_NONE},
	};

	if (!rule->match.len) {
		diag_error(c->sink, DIAG_FIELD(path, "match"), "a route needs a rule");
		return;
	}
	parse(c, &draft, rule, path);
	check_names(c, &draft, path);
	set_priority(c, &draft, path);
	set_entry_points(c, &draft, &spec->entry_points);
	if (!compile_stream_guards(c, &draft, rule->middlewares, DIAG_FIELD(path, "middlewares")))
		disable(c, &draft);
	draft.route.service = compile_stream_service(c, object, rule->services, name, true,
						     DIAG_FIELD(path, "services"));
	if (!draft.route.service)
		disable(c, &draft);
	set_tls_option(c, &draft, spec->tls);
	file(c, &draft);
}

static void compile_tcp_routes(struct compile *c)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_INGRESS_ROUTE_TCP, &n);

	for (size_t i = 0; objects && i < n; i++) {
		const struct ingress_route_tcp *spec = objects[i]->spec;
		struct compile_about before;

		if (!objects[i]->valid || !compile_route_is_ours(c, objects[i]))
			continue;
		before = compile_about(c, objects[i]);
		for (size_t j = 0; j < spec->routes.n; j++)
			compile_rule(c, objects[i], j);
		compile_about_end(c, before);
	}
}

/* ---------------------------------------------------------------- routers -- */

static bool is_on(const struct strs *entry_points, struct str name)
{
	for (size_t i = 0; i < entry_points->n; i++)
		if (str_eq(entry_points->at[i], name))
			return true;
	return false;
}

/* The names that TLS HTTP routes have: also those that are not served now, since their clients
 * want HTTPS. */
static struct strs https_names(struct compile *c, struct str entry_point, bool *ret_any)
{
	struct strs all = {0}, hosts;
	size_t room = 0;

	*ret_any = false;
	for (size_t i = 0; i < c->drafts.n; i++) {
		const struct route *route = &c->drafts.at[i]->route;
		bool has_name = false;

		if (!route->is_tls || !route->rule || !is_on(&route->entry_points, entry_point))
			continue;
		rule_hosts(route->rule, &c->scratch, &hosts);
		for (size_t j = 0; j < hosts.n; j++) {
			if (str_eq(hosts.at[j], STR("*")))
				continue;
			has_name = true;
			if (all.n == room) {
				struct str *at;

				room = room ? room * 2 : 64;
				at = ARENA_ARRAY(&c->scratch, struct str, room);
				if (!at)
					return all;
				if (all.n)
					memcpy(at, all.at, all.n * sizeof(*at));
				all.at = at;
			}
			all.at[all.n++] = hosts.at[j];
		}
		*ret_any = *ret_any || !has_name;
	}
	return all;
}

/* Behind a route that takes everything nobody gets anything: who is there is told. */
static void tell_hidden(struct compile *c, struct tcp_draft **drafts, size_t n,
			const struct entry_point *entry_point)
{
	static const struct tcp_facts nothing;
	const struct tcp_route *first =
		entry_point->tcp ? tcp_router_match(entry_point->tcp, &nothing) : NULL;

	if (!first || !first->is_catch_all)
		return;
	for (size_t i = 0; i < n; i++) {
		struct tcp_route *route = &drafts[i]->route;
		struct compile_about before;

		/* Of one rule: told below. */
		if (route == first || route->is_tls || !route->is_catch_all ||
		    route->rule == first->rule)
			continue;
		before = compile_about(c, drafts[i]->object);
		diag_warning(c->sink,
			     DIAG_FIELD(DIAG_INDEX(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "routes"),
						   route->route_index),
					"match"),
			     "never reached on entry point " STR_FMT ": " STR_FMT
			     " takes every connection first",
			     STR_ARG(entry_point->name), STR_ARG(first->object))
			->is_conflict = true;
		compile_about_end(c, before);
		warn(c, drafts[i]);
	}
}

static void make_router(struct compile *c, struct entry_point *entry_point)
{
	const struct pointers *all = &c->streams->tcp;
	struct tcp_draft **drafts = ARENA_ARRAY(&c->scratch, struct tcp_draft *, all->n + 1);
	struct tcp_route **routes = ARENA_ARRAY(&c->scratch, struct tcp_route *, all->n + 1);
	struct strs https;
	bool https_any;
	size_t n = 0;

	for (size_t i = 0; drafts && routes && i < all->n; i++) {
		struct tcp_draft *draft = all->at[i];
		const struct tcp_route *route = &draft->route;

		if (!route->rule || !is_on(&route->entry_points, entry_point->name) ||
		    (route->status == ROUTE_DISABLED && !draft->tls_option_broken))
			continue;
		routes[n] = &draft->route;
		drafts[n++] = draft;
	}
	if (!n)
		return;
	https = https_names(c, entry_point->name, &https_any);
	entry_point->tcp = tcp_router_new(routes, n, &https, https_any, c->arena);
	if (!entry_point->tcp)
		c->arena->failed = true;
	tell_hidden(c, drafts, n, entry_point);
	compile_conflict_tcp(c, routes, n, entry_point->name);
}

static int by_tcp_name(const void *a, const void *b)
{
	return str_cmp((*(struct tcp_route *const *)a)->name,
		       (*(struct tcp_route *const *)b)->name);
}

static int by_udp_name(const void *a, const void *b)
{
	return str_cmp((*(struct udp_route *const *)a)->name,
		       (*(struct udp_route *const *)b)->name);
}

static int by_service_name(const void *a, const void *b)
{
	return str_cmp((*(struct stream_service *const *)a)->name,
		       (*(struct stream_service *const *)b)->name);
}

static uint32_t list(const struct pointers *pointers, int (*compare)(const void *, const void *),
		     void *ret_at)
{
	if (pointers->n)
		qsort(pointers->at, pointers->n, sizeof(*pointers->at), compare);
	*(void ***)ret_at = pointers->at;
	return (uint32_t)pointers->n;
}

static void make_routers(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;
	struct streams *streams = c->streams;

	for (uint16_t i = 0; i < snapshot->n_entry_points; i++)
		make_router(c, &snapshot->entry_points[i]);
	snapshot->n_tcp_routes = list(&streams->tcp, by_tcp_name, &snapshot->tcp_routes);
	snapshot->n_udp_routes = list(&streams->udp, by_udp_name, &snapshot->udp_routes);
	snapshot->n_tcp_services =
		list(&streams->tcp_services, by_service_name, &snapshot->tcp_services);
	snapshot->n_udp_services =
		list(&streams->udp_services, by_service_name, &snapshot->udp_services);
	for (uint32_t i = 0; i < snapshot->n_tcp_routes; i++)
		snapshot->tcp_routes[i]->index = i;
	for (uint32_t i = 0; i < snapshot->n_udp_routes; i++)
		snapshot->udp_routes[i]->index = i;
}

/* Nothing of what was before. */
static bool begin(struct compile *c)
{
	struct streams *streams = ARENA_NEW(c->arena, struct streams);

	c->streams = streams;
	c->snapshot->stream_probes = NULL;
	for (uint16_t i = 0; i < c->snapshot->n_entry_points; i++) {
		struct entry_point *entry_point = &c->snapshot->entry_points[i];

		entry_point->tcp = NULL;
		entry_point->udp = NULL;
		entry_point->udp_route = NULL;
	}
	if (!streams)
		return false;
	table_init(&streams->names, c->arena);
	table_init(&streams->tcp_routes, c->arena);
	table_init(&streams->services, c->arena);
	/* Of HTTP: a quick pass has not needed all of them so far. */
	return c->drafts.at || compile_lists_drafts(c);
}

void compile_streams(struct compile *c)
{
	if (!begin(c))
		return;
	compile_stream_middlewares(c);
	compile_tcp_routes(c);
	compile_stream_udp(c);
	compile_stream_file_services(c);
	compile_stream_transports(c);
	make_routers(c);
	/* In a full pass the numbers are not known yet. */
	if (c->is_quick)
		compile_tls_bind_streams(c);
}
