// SPDX-License-Identifier: Apache-2.0
/*
 * compile_stream_udp: IngressRouteUDP objects -> routes (reference a.3).
 *
 * An entry point has one: that of the oldest object; of objects of one age, or none, that with the
 * greatest name. The others are told.
 */

#include "plan/compile_stream.h"

#include "obs/metric.h"

static void disable(struct compile *c, struct udp_route *route)
{
	compile_stream_disable(&route->status, &route->problem, compile_problem(c));
}

static void warn(struct compile *c, struct udp_route *route)
{
	if (route->status != ROUTE_ENABLED)
		return;
	route->status = ROUTE_WARNING;
	route->problem = compile_problem(c);
}

/* Unlike with TCP, none means all. */
static void set_entry_points(struct compile *c, struct udp_route *route, const struct strs *wanted)
{
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "entryPoints");
	size_t n = wanted->n ? wanted->n : c->config->entry_points.n;
	struct strs *chosen = &route->entry_points;

	chosen->at = ARENA_ARRAY(c->arena, struct str, n + 1);
	for (size_t i = 0; chosen->at && i < n; i++) {
		const struct static_entry_point *conf =
			wanted->n ? static_entry_point_find(c->config, wanted->at[i])
				  : static_entry_point(c->config, i);

		if (conf && conf->listen.udp) {
			chosen->at[chosen->n++] = conf->name;
		} else if (wanted->n) {
			diag_suggest(c->sink,
				     diag_warning(c->sink, DIAG_INDEX(path, i),
						  conf ? "entry point " STR_FMT " is not of UDP"
						       : "there is no entry point " STR_FMT,
						  STR_ARG(wanted->at[i])),
				     "its address must end in /udp");
			warn(c, route);
		}
	}
	if (chosen->n)
		return;
	diag_error(c->sink, path, "the route has no entry point of UDP");
	disable(c, route);
}

static void compile_rule(struct compile *c, const struct object *object, size_t index)
{
	const struct ingress_route_udp *spec = object->spec;
	const struct ingress_route_udp_rule *rule =
		LIST_AT(spec->routes, const struct ingress_route_udp_rule, index);
	const struct diag_path *path =
		DIAG_INDEX(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "routes"), index);
	bool is_file = names_are_of_file(object->meta.namespace_);
	struct udp_route *route = ARENA_NEW(c->arena, struct udp_route);
	struct str name = object->meta.name;

	if (!route)
		return;
	/* reference a.0: not normalised */
	if (!is_file)
		name = compile_stream_name(c, object,
					   arena_printf(c->arena, STR_FMT "-" STR_FMT "-%zu",
							STR_ARG(object->meta.namespace_),
							STR_ARG(name), index));
	*route = (struct udp_route){
		.name = names_join(name, is_file ? STR(NAMES_FILE) : STR(NAMES_CRD), c->arena),
		.object = object->id,
		.route_index = (uint32_t)index,
		.created_ns = object->meta.created_ns,
		.series = METRIC_SERIES_NONE,
	};
	set_entry_points(c, route, &spec->entry_points);
	route->service = compile_stream_service(c, object, rule->services, name, false,
						DIAG_FIELD(path, "services"));
	if (!route->service)
		disable(c, route);
	compile_stream_push(c, &c->streams->udp, route);
}

static bool is_on(const struct udp_route *route, struct str name)
{
	for (size_t i = 0; i < route->entry_points.n; i++)
		if (str_eq(route->entry_points.at[i], name))
			return true;
	return false;
}

/* reference a.3: the greatest name wins; but nobody is displaced by an object that came later. */
static bool goes_before(const struct udp_route *a, const struct udp_route *b)
{
	if (a->created_ns != b->created_ns)
		return a->created_ns < b->created_ns;
	return str_cmp(a->name, b->name) > 0;
}

static void choose(struct compile *c, struct entry_point *entry_point)
{
	const struct pointers *all = &c->streams->udp;
	const struct udp_route *best = NULL;

	for (size_t i = 0; i < all->n; i++) {
		const struct udp_route *route = all->at[i];

		if (route->status != ROUTE_DISABLED && is_on(route, entry_point->name) &&
		    (!best || goes_before(route, best)))
			best = route;
	}
	entry_point->udp_route = best;
	entry_point->udp = best ? best->service : NULL;
	for (size_t i = 0; best && i < all->n; i++) {
		struct udp_route *route = all->at[i];

		if (route == best || route->status == ROUTE_DISABLED ||
		    !is_on(route, entry_point->name))
			continue;
		diag_about(c->sink, route->object, (struct str){0}, 0);
		diag_warning(c->sink, DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "entryPoints"),
			     "entry point " STR_FMT " has one UDP route, and " STR_FMT
			     " has it: %s",
			     STR_ARG(entry_point->name), STR_ARG(best->object),
			     best->created_ns < route->created_ns ? "it is older"
								  : "its name is greater")
			->is_conflict = true;
		warn(c, route);
	}
}

void compile_stream_udp(struct compile *c)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_INGRESS_ROUTE_UDP, &n);
	struct compile_about before;

	for (size_t i = 0; objects && i < n; i++) {
		const struct ingress_route_udp *spec = objects[i]->spec;

		if (!objects[i]->valid || !compile_route_is_ours(c, objects[i]))
			continue;
		before = compile_about(c, objects[i]);
		for (size_t j = 0; j < spec->routes.n; j++)
			compile_rule(c, objects[i], j);
		compile_about_end(c, before);
	}
	before = (struct compile_about){c->sink->object, c->sink->file, c->sink->line};
	for (uint16_t i = 0; i < c->snapshot->n_entry_points; i++)
		if (c->snapshot->entry_points[i].conf->listen.udp)
			choose(c, &c->snapshot->entry_points[i]);
	compile_about_end(c, before);
}
