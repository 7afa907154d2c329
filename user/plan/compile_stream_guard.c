// SPDX-License-Identifier: Apache-2.0
/*
 * compile_stream_guard: MiddlewareTCP objects -> what stands before a TCP route (reference a.5,
 * c.15).
 *
 * Counts of connections are one set for each router and middleware, as those of HTTP's inFlightReq,
 * and stay over updates.
 */

#include "plan/compile_stream.h"

#include "model/middleware_tcp.h"
#include "mw/in_flight.h"

static const struct object *find(struct compile *c, struct str from, const struct object_ref *ref,
				 const struct diag_path *path)
{
	const struct object *object = NULL;
	struct object **objects;
	struct str unused;
	size_t n;

	/* Who may name whom is the same as with Middlewares. */
	if (!compile_reference_middleware(c, from, ref, path, &unused))
		return NULL;
	if (str_find(ref->name, '@') < 0) {
		object = compile_find(c, KIND_MIDDLEWARE_TCP,
				      ref->namespace_.len ? ref->namespace_ : from, ref->name);
	} else {
		objects = compile_sorted(c, KIND_MIDDLEWARE_TCP, &n);
		for (size_t i = 0; objects && i < n && !object; i++)
			if (str_eq(names_qualified(objects[i]->meta.namespace_,
						   objects[i]->meta.name, &c->scratch),
				   ref->name))
				object = objects[i];
	}
	if (object && object->valid)
		return object;
	diag_error(c->sink, path, "MiddlewareTCP " STR_FMT " %s, so the route is not served",
		   STR_ARG(ref->name), object ? "has errors" : "does not exist");
	return NULL;
}

static void *new_counts(void *context)
{
	(void)context;
	return in_flight_new();
}

static void free_counts(void *thing)
{
	struct mw_state *state = thing;

	state->free(state);
}

static bool allow(struct compile *c, const struct tcp_ip_allow_list *conf,
		  struct stream_guard *guard)
{
	struct cidr_set *set = ARENA_NEW(c->arena, struct cidr_set);

	if (set)
		set->at = ARENA_ARRAY(c->arena, struct cidr, conf->source_range.n + 1);
	for (size_t i = 0; set && set->at && i < conf->source_range.n; i++)
		if (cidr_parse(str_trim(conf->source_range.at[i]), &set->at[set->n]) == 0)
			set->n++;
	if (!set || !set->at)
		return false;
	cidr_set_sort(set);
	guard->kind = STREAM_GUARD_ALLOW;
	guard->allow = set;
	return true;
}

static bool in_flight(struct compile *c, struct str router, const struct tcp_in_flight_conn *conf,
		      struct stream_guard *guard)
{
	struct str key = arena_printf(&c->scratch, "tcp-in-flight " STR_FMT " " STR_FMT,
				      STR_ARG(router), STR_ARG(guard->name));
	void *thing = NULL;

	if (!key.at ||
	    registry_thing(c->registry, key, new_counts, NULL, free_counts, &thing) < 0) {
		c->arena->failed = true;
		return false;
	}
	guard->kind = STREAM_GUARD_IN_FLIGHT;
	guard->in_flight = thing;
	guard->amount = conf->amount;
	return true;
}

bool compile_stream_guards(struct compile *c, struct tcp_draft *draft, struct list_of refs,
			   const struct diag_path *path)
{
	struct tcp_route *route = &draft->route;
	struct stream_guard *guards;

	if (!refs.n)
		return true;
	guards = ARENA_ARRAY(c->arena, struct stream_guard, refs.n);
	route->guards = guards;
	route->middleware_names.at = ARENA_ARRAY(c->arena, struct str, refs.n);
	for (size_t i = 0; guards && route->middleware_names.at && i < refs.n; i++) {
		const struct object *object =
			find(c, draft->object->meta.namespace_,
			     LIST_AT(refs, const struct object_ref, i), DIAG_INDEX(path, i));
		const struct middleware_tcp *spec = object ? object->spec : NULL;
		struct stream_guard *guard = &guards[i];

		if (!spec)
			return false;
		guard->name = names_qualified(object->meta.namespace_, object->meta.name, c->arena);
		route->middleware_names.at[route->middleware_names.n++] = guard->name;
		if (spec->in_flight_conn ? !in_flight(c, route->name, spec->in_flight_conn, guard)
					 : !allow(c,
						  spec->ip_allow_list ? spec->ip_allow_list
								      : spec->ip_white_list,
						  guard))
			return false;
		route->n_guards++;
	}
	return true;
}

void compile_stream_middlewares(struct compile *c)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_MIDDLEWARE_TCP, &n);
	struct mw_named *list = ARENA_ARRAY(c->arena, struct mw_named, n + 1);

	for (size_t i = 0; objects && list && i < n; i++) {
		const struct object *object = objects[i];
		struct mw_named *named = &list[i];

		*named = (struct mw_named){
			.name = names_qualified(object->meta.namespace_, object->meta.name,
						c->arena),
			.broken = !object->valid,
			.object = object->id,
			.problem = object->valid ? (struct str){0} : STR("it has errors"),
		};
		if (!object->valid)
			continue;
		named->type = middleware_tcp_type(object->spec);
		named->decoded = middleware_tcp_conf(object->spec, &named->schema);
	}
	c->snapshot->tcp_middlewares = list;
	c->snapshot->n_tcp_middlewares = list ? (uint32_t)n : 0;
}
