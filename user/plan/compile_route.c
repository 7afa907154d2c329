// SPDX-License-Identifier: Apache-2.0
/*
 * compile_route: IngressRoute objects -> routes (reference a.1, b.4, b.6).
 *
 * A route with a fault is kept as disabled, with the reason, so that the API and `explain` can show
 * it; it is in no router, so its requests fall to others. Routes of entry points with defaults of
 * their own (models) are split as the reference says.
 */

#include <errno.h>
#include <stdlib.h>

#include "obs/metric.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"

/* reference b.4: the top of the range belongs to @internal routers */
#define PRIORITY_USER_MAX (INT64_MAX - 1000)

bool compile_route_is_ours(const struct compile *c, const struct object *object)
{
	if (names_are_of_file(object->meta.namespace_))
		return true;
	const struct ingress_route *spec = object->spec;
	struct str wanted = c->config->providers.kubernetes_crd.ingress_class;
	struct str class_ = spec->ingress_class_name;

	if (!class_.at)
		for (size_t i = 0; i < object->meta.annotations.n; i++)
			if (str_eq(object->meta.annotations.at[i].key,
				   STR("kubernetes.io/ingress.class")))
				class_ = object->meta.annotations.at[i].value;
	return str_eq(class_, wanted) || (!wanted.len && str_eq(class_, STR("traefik")));
}

/* --------------------------------------------------------------- one route -- */

void compile_route_disable(struct draft *draft, struct str problem)
{
	if (draft->route.status == ROUTE_DISABLED)
		return;
	draft->route.status = ROUTE_DISABLED;
	draft->route.problem = problem;
}

void compile_route_warn(struct draft *draft, struct str problem)
{
	if (draft->route.status != ROUTE_ENABLED)
		return;
	draft->route.status = ROUTE_WARNING;
	draft->route.problem = problem;
}

void compile_route_parse(struct compile *c, struct draft *draft, enum rule_syntax syntax,
			 const struct diag_path *path)
{
	struct rule_fault fault = {0};
	int status = registry_rule(c->registry, syntax, draft->route.rule_text, &draft->route.rule,
				   &fault);

	if (status == 0)
		return;
	if (status == -ENOMEM) {
		c->arena->failed = true;
		compile_route_disable(draft, STR("out of memory"));
		return;
	}
	diag_found(
		c->sink,
		diag_error(c->sink, path, "%s (at character %zu)", fault.message, fault.column + 1),
		draft->route.rule_text);
	compile_route_disable(draft, compile_problem(c));
}

void compile_route_priority(struct compile *c, struct draft *draft, const struct diag_path *path)
{
	struct route *route = &draft->route;

	if (!route->priority)
		route->priority = (int64_t)route->rule_text.len;
	if (draft->is_redirection || route->priority <= PRIORITY_USER_MAX)
		return;
	diag_error(c->sink, path, "priorities above %lld are reserved",
		   (long long)PRIORITY_USER_MAX);
	compile_route_disable(draft, compile_problem(c));
}

void compile_route_entry_points(struct compile *c, struct draft *draft, const struct strs *wanted,
				const struct diag_path *path)
{
	struct strs *chosen = &draft->route.entry_points;

	if (!wanted->n) {
		*chosen = compile_entry_point_defaults(c);
	} else {
		chosen->at = ARENA_ARRAY(c->arena, struct str, wanted->n);
		for (size_t i = 0; chosen->at && i < wanted->n; i++) {
			if (static_entry_point_find(c->config, wanted->at[i])) {
				chosen->at[chosen->n++] = wanted->at[i];
				continue;
			}
			diag_found(c->sink,
				   diag_warning(c->sink, DIAG_INDEX(path, i),
						"there is no entry point " STR_FMT,
						STR_ARG(wanted->at[i])),
				   wanted->at[i]);
			compile_route_warn(draft, compile_problem(c));
		}
	}
	if (!chosen->n) {
		diag_error(c->sink, path, "the route has no entry point");
		compile_route_disable(draft, compile_problem(c));
	}
}

/* Adds what the references mean; from: the namespace that they are relative to. */
static bool add_middlewares(struct compile *c, struct str from, struct list_of refs,
			    const struct diag_path *path, struct strs *names)
{
	for (size_t i = 0; i < refs.n; i++) {
		if (!compile_reference_middleware(c, from,
						  LIST_AT(refs, const struct object_ref, i),
						  DIAG_INDEX(path, i), &names->at[names->n]))
			return false;
		names->n++;
	}
	return true;
}

static struct strs choose_middlewares(struct compile *c, struct draft *draft,
				      const struct ingress_route_rule *rule,
				      const struct diag_path *path)
{
	struct str from = draft->object->meta.namespace_;
	const struct service_ref *only = compile_service_alone(rule);
	struct list_of none = {0}, of_service = only ? only->middlewares : none;
	struct strs names = {
		.at = ARENA_ARRAY(c->arena, struct str, rule->middlewares.n + of_service.n + 1)};

	if (!names.at)
		return names;
	/* Those of the only Service run right after the route's own (reference b.7): in one pass.
	 */
	if (!add_middlewares(c, from, rule->middlewares, DIAG_FIELD(path, "middlewares"), &names) ||
	    !add_middlewares(c, only && only->namespace_.len ? only->namespace_ : from, of_service,
			     DIAG_FIELD(DIAG_INDEX(DIAG_FIELD(path, "services"), 0), "middlewares"),
			     &names))
		compile_route_disable(draft, compile_problem(c));
	return names;
}

static enum rule_syntax syntax_of(const struct compile *c, const struct ingress_route_rule *rule)
{
	return rule_syntax_of(rule->syntax.len ? rule->syntax
					       : c->config->core.default_rule_syntax);
}

/*
 * reference a.0: objects of two namespaces may come to the same router name, and the last would
 * replace the other tenant's route. Here the later one gets a name of its own, that ranks behind
 * the first.
 */
static struct str router_name(struct compile *c, const struct object *object, struct str match)
{
	struct str base = names_router(object->meta.namespace_, object->meta.name, match, c->arena);
	struct str name = base;

	for (unsigned int i = 2;; i++) {
		const struct compile_unit *owner =
			compile_unit_claim(c, c->unit, &c->router_names, name);

		if (!owner || owner == c->unit)
			return name;
		name = arena_printf(c->arena, STR_FMT "_%u", STR_ARG(base), i);
	}
}

/* What a route below others gets from those above it, it must not ask for itself (reference a.1).
 */
static void check_child(struct compile *c, struct draft *draft,
			const struct ingress_route_rule *rule, const struct diag_path *path)
{
	const struct ingress_route *spec = draft->object->spec;
	const struct diag_path *top = DIAG_FIELD(NULL, "spec");

	draft->route.is_tls = false;
	if (spec->tls)
		diag_error(c->sink, DIAG_FIELD(top, "tls"),
			   "routes with parentRefs have no tls: the routes above them have");
	else if (spec->entry_points.n)
		diag_error(c->sink, DIAG_FIELD(top, "entryPoints"),
			   "routes with parentRefs have no entry points: the routes above them "
			   "have");
	else if (rule->observability)
		diag_error(c->sink, DIAG_FIELD(path, "observability"),
			   "routes with parentRefs have no observability: the routes above them "
			   "have");
	else
		return;
	compile_route_disable(draft, compile_problem(c));
}

static void check_parent(struct compile *c, struct draft *draft,
			 const struct ingress_route_rule *rule, const struct diag_path *path)
{
	if (!rule->services.n)
		return;
	diag_error(c->sink, DIAG_FIELD(path, "services"),
		   "a route with routes below it (their parentRefs name this object) has no "
		   "services");
	compile_route_disable(draft, compile_problem(c));
}

static void compile_rule(struct compile *c, const struct object *object, size_t index)
{
	const struct ingress_route *spec = object->spec;
	const struct ingress_route_rule *rule =
		LIST_AT(spec->routes, const struct ingress_route_rule, index);
	const struct diag_path *path =
		DIAG_INDEX(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "routes"), index);
	enum compile_layer layer = compile_layers_of(c, object);
	bool is_file = names_are_of_file(object->meta.namespace_);
	struct str name = is_file ? object->meta.name : router_name(c, object, rule->match);
	struct draft draft = {
		.object = object,
		.route =
			{
				.name = names_join(name, is_file ? STR(NAMES_FILE) : STR(NAMES_CRD),
						   c->arena),
				.rule_text = rule->match,
				.priority = rule->priority,
				.object = object->id,
				.route_index = (uint32_t)index,
				.is_tls = spec->tls,
			},
	};
	struct strs middlewares;

	if (rule->kind.len && !str_eq(rule->kind, STR("Rule"))) {
		diag_error(c->sink, DIAG_FIELD(path, "kind"), "kind is not Rule");
		return;
	}
	if (!rule->match.len) {
		diag_error(c->sink, DIAG_FIELD(path, "match"), "a route needs a rule");
		return;
	}
	compile_route_parse(c, &draft, syntax_of(c, rule), DIAG_FIELD(path, "match"));
	compile_route_priority(c, &draft, DIAG_FIELD(path, "priority"));
	if (layer == LAYER_LEAF || layer == LAYER_MIDDLE)
		check_child(c, &draft, rule, path);
	else
		compile_route_entry_points(c, &draft, &spec->entry_points,
					   DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "entryPoints"));
	middlewares = choose_middlewares(c, &draft, rule, path);
	if (layer == LAYER_ROOT || layer == LAYER_MIDDLE)
		check_parent(c, &draft, rule, path);
	else
		draft.route.service = compile_service_of_route(c, object, rule, name, path);
	if (layer != LAYER_ROOT && layer != LAYER_MIDDLE && !draft.route.service)
		compile_route_disable(&draft, compile_problem(c));
	if (draft.route.is_tls)
		compile_tls_option_of(c, object, DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "tls"),
				      &draft);
	compile_route_add(c, &draft, &middlewares);
}

/* ------------------------------------------------------------------ filing -- */

static bool drafts_add(struct drafts *drafts, struct draft *draft, struct arena *arena)
{
	if (drafts->n == drafts->room) {
		size_t room = drafts->room ? drafts->room * 2 : 2;
		struct draft **at = ARENA_ARRAY(arena, struct draft *, room);

		if (!at)
			return false;
		if (drafts->n)
			memcpy(at, drafts->at, drafts->n * sizeof(*at));
		drafts->at = at;
		drafts->room = room;
	}
	drafts->at[drafts->n++] = draft;
	return true;
}

static struct draft *draft_slot(struct compile *c, struct str name)
{
	struct draft *draft = table_find(&c->routes, name);

	if (draft) {
		diag_warning(c->sink, DIAG_FIELD(NULL, "spec"),
			     "two routes are named " STR_FMT ", the last one is used",
			     STR_ARG(name));
		return draft;
	}
	draft = arena_zero_line(c->arena, 1, sizeof(*draft));
	if (!draft || table_put(&c->routes, name, draft, NULL) < 0 ||
	    !drafts_add(&c->made->drafts, draft, c->arena) ||
	    (c->is_finishing && !drafts_add(&c->drafts, draft, &c->scratch)))
		return NULL;
	return draft;
}

static struct strs names_of(struct compile *c, const struct strs *keys)
{
	struct strs names = {ARENA_ARRAY(c->arena, struct str, keys->n + 1), 0};

	for (size_t i = 0; names.at && i < keys->n; i++)
		names.at[names.n++] = compile_middleware_name(c, keys->at[i]);
	return names;
}

/* Files one finished route. */
static void file(struct compile *c, const struct draft *draft, const struct strs *middlewares)
{
	struct draft *slot = draft_slot(c, draft->route.name);
	struct str problem;
	struct route *route;

	if (!slot)
		return;
	*slot = *draft;
	route = &slot->route;
	route->created_ns = draft->object ? draft->object->meta.created_ns : 0;
	slot->middlewares = *middlewares;
	route->middleware_names = names_of(c, middlewares);
	if (!compile_middleware_chain(c, route->name, middlewares, &route->chain, &problem) &&
	    route->status != ROUTE_DISABLED) {
		const struct diag_path *routes = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "routes");

		diag_error(c->sink,
			   draft->object ? DIAG_FIELD(DIAG_INDEX(routes, route->route_index),
						      "middlewares")
					 : NULL,
			   STR_FMT ", so the route is not served", STR_ARG(problem));
		compile_route_disable(slot, problem);
	}
	if (c->router_series && route->service)
		route->series =
			compile_series(c, METRIC_OF_ROUTER, route->name, route->service->name);
}

static struct strs prepended(struct compile *c, const struct strs *a, const struct strs *b)
{
	struct strs both = {ARENA_ARRAY(c->arena, struct str, a->n + b->n + 1), 0};

	for (size_t i = 0; both.at && i < a->n; i++)
		both.at[both.n++] = a->at[i];
	for (size_t i = 0; both.at && i < b->n; i++)
		both.at[both.n++] = b->at[i];
	return both;
}

/* The part of a route that one entry point with defaults gets (reference b.6). */
static void file_modelled(struct compile *c, const struct draft *draft,
			  const struct static_entry_point *conf, const struct strs *middlewares)
{
	struct draft part = *draft;
	struct strs all = prepended(c, &conf->http.middlewares, middlewares);
	struct str *only = ARENA_NEW(c->arena, struct str);

	if (!only)
		return;
	*only = conf->name;
	part.route.entry_points = (struct strs){only, 1};
	if (draft->route.entry_points.n > 1)
		part.route.name = arena_printf(c->arena, STR_FMT "-" STR_FMT, STR_ARG(conf->name),
					       STR_ARG(draft->route.name));
	if (conf->http.tls && !draft->route.is_tls) {
		part.route.is_tls = true;
		compile_tls_option_named(c, conf->http.tls->options, &part);
	}
	file(c, &part, &all);
}

void compile_route_add(struct compile *c, const struct draft *draft, const struct strs *middlewares)
{
	struct draft rest = *draft;
	const struct strs *names = &draft->route.entry_points;
	struct strs *left = &rest.route.entry_points;

	left->n = 0;
	left->at = ARENA_ARRAY(c->arena, struct str, names->n + 1);
	for (size_t i = 0; left->at && i < names->n; i++) {
		const struct static_entry_point *conf =
			static_entry_point_find(c->config, names->at[i]);

		if (conf && !draft->is_redirection && compile_entry_point_is_model(conf))
			file_modelled(c, draft, conf, middlewares);
		else
			left->at[left->n++] = names->at[i];
	}
	if (left->n || !names->n)
		file(c, &rest, middlewares);
}

void compile_route_object(struct compile *c, const struct object *object)
{
	const struct ingress_route *spec = object->spec;

	if (!object->valid || !compile_route_is_ours(c, object) ||
	    compile_layers_of(c, object) == LAYER_SKIPPED)
		return;
	for (size_t i = 0; i < spec->routes.n; i++)
		compile_rule(c, object, i);
}
