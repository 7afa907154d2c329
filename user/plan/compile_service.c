// SPDX-License-Identifier: Apache-2.0
/*
 * compile_service: what a route, a TraefikService or a Middleware sends its requests to (reference
 * a.0, a.1).
 *
 * A route's only Service is made under the router's name; several become a weighted service of that
 * name with one child each; a TraefikService is made once, under its own (compile_composite). A
 * child that is a Service is made for each parent that names it, with that parent's settings
 * (Traefik lets the last parent's settings win for all); the API shows the last.
 */

#include "model/file_format.h"
#include "obs/metric.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"

struct service *compile_service_new(struct compile *c, enum service_kind kind, struct str name,
				    bool has_series)
{
	struct compile_filed *filed = arena_zero_line(c->arena, 1, sizeof(*filed));
	struct service *service = filed ? &filed->service : NULL;

	if (!service)
		return NULL;
	service->kind = kind;
	service->levels = 1;
	service->name = name;
	if (registry_service(c->registry, name, &service->id, &service->state) < 0) {
		c->arena->failed = true;
		return NULL;
	}
	if (has_series && c->service_series)
		service->series = compile_series(c, METRIC_OF_SERVICE, name, (struct str){0});
	return service;
}

const struct service *compile_service_file(struct compile *c, struct service *service)
{
	struct services *list = &c->made->services;
	struct service *old = table_find(&c->services, service->name);

	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 2;
		struct service **at = ARENA_ARRAY(c->arena, struct service *, room);

		if (!at)
			return NULL;
		if (list->n)
			memcpy(at, list->at, list->n * sizeof(*at));
		list->at = at;
		list->room = room;
	}
	if (table_put(&c->services, service->name, service, NULL) < 0)
		return NULL;
	/* Those that are probed are all known, the last of a name is the one that is shown. */
	if (old && !old->probe)
		for (size_t i = list->n; i-- > 0;)
			if (list->at[i] == old) {
				list->at[i] = service;
				return service;
			}
	list->at[list->n++] = service;
	return service;
}

const struct service *compile_service_noop(struct compile *c)
{
	struct str name = STR("noop" NAMES_INTERNAL);
	const struct service *known = table_find(&c->services, name);
	struct service *service;

	if (known)
		return known;
	service = compile_service_new(c, SERVICE_NOOP, name, true);
	return service ? compile_service_file(c, service) : NULL;
}

/* ------------------------------------------------------------- references -- */

static struct diag *no_such(struct compile *c, enum kind kind, struct str namespace_,
			    struct str name, const struct diag_path *path)
{
	return diag_error(c->sink, path, "%s " STR_FMT "/" STR_FMT " does not exist",
			  kind_infos[kind].kind, STR_ARG(namespace_), STR_ARG(name));
}

/* reference a.0: a name with a provider. */
static const struct service *cross_provider(struct compile *c, const struct wanted *wanted,
					    const struct diag_path *path)
{
	struct str name = wanted->ref->name;

	if (str_eq(name, STR("noop" NAMES_INTERNAL)))
		return compile_service_noop(c);
	if (str_ends(name, STR(NAMES_INTERNAL)))
		diag_error(c->sink, path,
			   STR_FMT " is served by the admin listener only, not through routes",
			   STR_ARG(name));
	else
		diag_error(c->sink, path, "there is no provider of " STR_FMT, STR_ARG(name));
	return NULL;
}

/* Middlewares of a service are looked for in its own namespace (reference a.1). */
static bool add_chain(struct compile *c, const struct service_ref *ref, struct str namespace_,
		      const struct diag_path *path, struct service *service)
{
	struct strs keys = {.n = ref->middlewares.n};
	struct mw_chain *chain;
	struct str problem;

	path = DIAG_FIELD(path, "middlewares");
	if (!keys.n)
		return true;
	keys.at = ARENA_ARRAY(&c->scratch, struct str, keys.n);
	chain = ARENA_NEW(c->arena, struct mw_chain);
	if (!keys.at || !chain)
		return false;
	for (size_t i = 0; i < keys.n; i++)
		if (!compile_reference_middleware(
			    c, namespace_, LIST_AT(ref->middlewares, const struct object_ref, i),
			    DIAG_INDEX(path, i), &keys.at[i]))
			return false;
	if (!compile_middleware_chain(c, service->name, &keys, chain, &problem)) {
		diag_error(c->sink, path, STR_FMT, STR_ARG(problem));
		return false;
	}
	if (chain->n)
		service->chain = chain;
	return true;
}

static const struct service *load_balancer(struct compile *c, const struct wanted *wanted,
					   const struct object *object, struct str name,
					   const struct diag_path *path)
{
	struct str qualified = object->kind == KIND_FILE_SERVICE
				       ? names_join(name, STR(NAMES_FILE), c->arena)
				       : names_join(name, str_of(c->rules->suffix), c->arena);
	const struct service_ref *ref = wanted->ref;
	struct service *service = wanted->is_shared ? table_find(&c->services, qualified) : NULL;

	if (service)
		return service;
	if (!object->valid) {
		diag_error(c->sink, path, STR_FMT " has errors", STR_ARG(object->id));
		return NULL;
	}
	service = compile_service_new(c, SERVICE_SERVERS, qualified, true);
	if (!service)
		return NULL;
	service->pass_host_header = ref->pass_host_header;
	service->flush_interval_ns = ref->response_forwarding
					     ? ref->response_forwarding->flush_interval.ns
					     : 100 * 1000 * 1000;
	service->sticky = compile_balance_sticky(ref->sticky, qualified, c->arena);
	if (!compile_endpoints(c, object, ref, wanted->in_traefik_service, path, service) ||
	    (!wanted->chain_is_above && !add_chain(c, ref, object->meta.namespace_, path, service)))
		return NULL;
	return compile_service_file(c, service);
}

/* One of Traefik's own files, for one of them or for anybody else. */
static const struct service *service_of_file(struct compile *c, const struct wanted *wanted,
					     const struct diag_path *path)
{
	struct str from = wanted->owner->meta.namespace_, name = wanted->ref->name, unused;
	struct object_ref ref = {.name = name};
	const struct object *object;
	struct wanted balancer = {.is_shared = true};

	/* reference a.0, rule 1: the same rules as for middlewares. */
	if (!names_are_of_file(from) && !compile_reference_middleware(c, from, &ref, path, &unused))
		return NULL;
	if (str_ends(name, STR(NAMES_FILE)))
		name.len -= strlen(NAMES_FILE);
	object = compile_find(c, KIND_TRAEFIK_SERVICE, STR(FILE_NAMESPACE), name);
	if (object)
		return compile_composite(c, object, path);
	object = compile_find(c, KIND_FILE_SERVICE, STR(FILE_NAMESPACE), name);
	if (!object) {
		diag_error(c->sink, path, "service " STR_FMT NAMES_FILE " does not exist",
			   STR_ARG(name));
		return NULL;
	}
	balancer.owner = object;
	balancer.ref = object->valid ? &((const struct file_service *)object->spec)->ref : NULL;
	return load_balancer(c, &balancer, object, name, path);
}

/* What a file calls by its qualified name. */
static const struct service *service_of_crd(struct compile *c, struct str name,
					    const struct diag_path *path)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_TRAEFIK_SERVICE, &n);

	for (size_t i = 0; objects && i < n; i++)
		if (str_eq(names_qualified(objects[i]->meta.namespace_, objects[i]->meta.name,
					   &c->scratch),
			   name))
			return compile_composite(c, objects[i], path);
	diag_error(c->sink, path, "service " STR_FMT " does not exist", STR_ARG(name));
	return NULL;
}

const struct service *compile_service_wanted(struct compile *c, const struct wanted *wanted,
					     const struct diag_path *path, struct str *ret_name)
{
	const struct service_ref *ref = wanted->ref;
	struct str name = ref->name, namespace_, from = wanted->owner->meta.namespace_;
	enum kind kind = service_ref_is_traefik(ref) ? KIND_TRAEFIK_SERVICE : KIND_SERVICE;
	const struct object *object;

	*ret_name = name;
	if (str_ends(name, STR(NAMES_FILE)) || (names_are_of_file(from) && str_find(name, '@') < 0))
		return service_of_file(c, wanted, path);
	if (names_are_of_file(from) && str_ends(name, STR(NAMES_CRD)))
		return service_of_crd(c, name, path);
	if (str_ends(name, STR(NAMES_CRD))) {
		name = str_take(name, name.len - strlen(NAMES_CRD));
		kind = KIND_TRAEFIK_SERVICE;
	} else if (str_find(name, '@') >= 0) {
		return cross_provider(c, wanted, path);
	}
	if (!compile_reference_namespace(c, from, name, ref->namespace_, path, &namespace_))
		return NULL;
	object = compile_find(c, kind, namespace_, name);
	if (!object) {
		no_such(c, kind, namespace_, name, path);
		return NULL;
	}
	if (kind == KIND_TRAEFIK_SERVICE) {
		*ret_name = names_object(namespace_, name, c->arena);
		return compile_composite(c, object, path);
	}
	*ret_name = wanted->name.len ? wanted->name
				     : names_child(namespace_, name, ref->port.text, c->arena);
	return load_balancer(c, wanted, object, *ret_name, path);
}

const struct service_ref *compile_service_alone(const struct ingress_route_rule *rule)
{
	const struct service_ref *ref =
		rule->services.n == 1 ? LIST_AT(rule->services, const struct service_ref, 0) : NULL;

	if (!ref || service_ref_is_traefik(ref) || str_find(ref->name, '@') >= 0)
		return NULL;
	return ref;
}

const struct service *compile_service_of_route(struct compile *c, const struct object *object,
					       const struct ingress_route_rule *rule,
					       struct str router, const struct diag_path *path)
{
	const struct diag_path *services = DIAG_FIELD(path, "services");
	struct wanted wanted = {.owner = object};
	struct service *service;
	struct str name;

	if (!rule->services.n) {
		diag_error(c->sink, services, "a route needs a service");
		return NULL;
	}
	if (rule->services.n == 1) {
		wanted.ref = LIST_AT(rule->services, const struct service_ref, 0);
		wanted.name = router;
		wanted.chain_is_above = compile_service_alone(rule) != NULL;
		return compile_service_wanted(c, &wanted, DIAG_INDEX(services, 0), &name);
	}
	service = compile_service_new(c, SERVICE_WEIGHTED,
				      names_join(router, STR(NAMES_CRD), c->arena), true);
	if (!service || !compile_composite_children(c, service, &wanted, rule->services, services))
		return NULL;
	return compile_service_file(c, service);
}

const struct service *compile_service_of_middleware(struct compile *c, const struct object *object,
						    const struct service_ref *ref, struct str name,
						    const struct diag_path *path)
{
	/* reference a.0: the quirk of nativeLBByDefault holds here, too */
	struct wanted wanted = {
		.owner = object, .ref = ref, .name = name, .in_traefik_service = true};
	struct str unused;

	return compile_service_wanted(c, &wanted, path, &unused);
}
