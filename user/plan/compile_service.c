// SPDX-License-Identifier: Apache-2.0
/*
 * compile_service: what a route or a TraefikService sends its requests to (reference a.0, a.1,
 * a.6).
 *
 * A route's only Service is made under the router's name; several become a weighted service of that
 * name with one child each; a TraefikService is made once, under its own. A child that is a Service
 * is made for each parent that names it, with that parent's settings (Traefik lets the last
 * parent's settings win for all); the API shows the last.
 */

#include "model/traefik_service.h"
#include "obs/metric.h"
#include "plan/compile_parts.h"

enum { WEIGHT_MAX = 1 << 30, CHILDREN_MAX = 65535 };

/* A TraefikService that is, was or could not be made. */
struct weighted {
	const struct service *service;
	bool is_open, is_done;
};

/* One reference to be made into a service. */
struct wanted {
	const struct object *owner; /* IngressRoute or TraefikService */
	const struct service_ref *ref;
	struct str name; /* of a Service's load balancer, unqualified; empty: as a child */
	bool in_traefik_service;
};

/* A service and where it stands in c->service_list. */
struct filed {
	struct service service; /* first */
	size_t place;
};

static const struct service *service_of(struct compile *c, const struct wanted *wanted,
					const struct diag_path *path, struct str *ret_name);

static struct service *service_new(struct compile *c, enum service_kind kind, struct str name)
{
	struct filed *filed = arena_zero_line(c->arena, 1, sizeof(*filed));
	struct service *service = filed ? &filed->service : NULL;

	if (!service)
		return NULL;
	service->kind = kind;
	service->name = name;
	if (registry_service(c->registry, name, &service->id, &service->state) < 0) {
		c->arena->failed = true;
		return NULL;
	}
	if (c->service_series)
		service->series = compile_series(c, METRIC_OF_SERVICE, name, (struct str){0});
	return service;
}

/* Under its name; a later one of the same name takes the place of the former. */
static const struct service *file(struct compile *c, struct service *service)
{
	struct services *list = &c->service_list;
	struct filed *filed = (struct filed *)service;
	void *old = NULL;

	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 256;
		struct service **at = ARENA_ARRAY(&c->scratch, struct service *, room);

		if (!at)
			return NULL;
		if (list->n)
			memcpy(at, list->at, list->n * sizeof(*at));
		list->at = at;
		list->room = room;
	}
	if (table_put(&c->services, service->name, service, &old) < 0)
		return NULL;
	filed->place = old ? ((struct filed *)old)->place : list->n++;
	list->at[filed->place] = service;
	return service;
}

const struct service *compile_service_noop(struct compile *c)
{
	struct str name = STR("noop" NAMES_INTERNAL);
	const struct service *known = table_find(&c->services, name);
	struct service *service;

	if (known)
		return known;
	service = service_new(c, SERVICE_NOOP, name);
	return service ? file(c, service) : NULL;
}

/* --------------------------------------------------------------- weighted -- */

static bool add_children(struct compile *c, struct service *service, const struct wanted *model,
			 struct list_of refs, const struct diag_path *path)
{
	int64_t *weights = ARENA_ARRAY(&c->scratch, int64_t, refs.n + 1);

	service->children = ARENA_ARRAY(c->arena, struct service_child, refs.n + 1);
	if (!weights || !service->children)
		return false;
	if (refs.n > CHILDREN_MAX) {
		diag_error(c->sink, path, "more than %d services", CHILDREN_MAX);
		return false;
	}
	for (size_t i = 0; i < refs.n; i++) {
		struct service_child *child = &service->children[i];
		struct wanted wanted = *model;

		wanted.ref = LIST_AT(refs, const struct service_ref, i);
		weights[i] = wanted.ref->weight < WEIGHT_MAX ? wanted.ref->weight : WEIGHT_MAX;
		child->weight = (int32_t)weights[i];
		child->service = service_of(c, &wanted, DIAG_INDEX(path, i), &child->name);
		if (!child->service)
			return false;
		if (service->sticky)
			names_sticky_values(child->name, c->arena, child->sticky_values);
		service->n_children++;
	}
	return compile_balance_turns(weights, refs.n, c->arena, &service->turns);
}

static const struct service *make_traefik_service(struct compile *c, const struct object *object)
{
	const struct traefik_service *spec = object->spec;
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "weighted");
	struct str name =
		names_join(names_object(object->meta.namespace_, object->meta.name, c->arena),
			   STR(NAMES_CRD), c->arena);
	struct wanted model = {.owner = object, .in_traefik_service = true};
	struct service *service;

	if (!spec->weighted) {
		diag_error(c->sink, DIAG_FIELD(NULL, "spec"), "has no weighted services");
		return NULL;
	}
	service = service_new(c, SERVICE_WEIGHTED, name);
	if (!service)
		return NULL;
	service->sticky = compile_balance_sticky(spec->weighted->sticky, name, c->arena);
	if (!add_children(c, service, &model, spec->weighted->services,
			  DIAG_FIELD(path, "services")))
		return NULL;
	return file(c, service);
}

static const struct service *traefik_service(struct compile *c, const struct object *object,
					     const struct diag_path *path)
{
	struct weighted *weighted = table_find(&c->weighted, object->id);
	struct compile_about before;

	if (weighted && weighted->is_open) {
		/* reference d.2: recursion in the service graph is an error */
		diag_error(c->sink, path, STR_FMT " contains itself", STR_ARG(object->id));
		return NULL;
	}
	if (!weighted) {
		weighted = ARENA_NEW(&c->scratch, struct weighted);
		if (!weighted || table_put(&c->weighted, object->id, weighted, NULL) < 0)
			return NULL;
		weighted->is_open = true;
		before = compile_about(c, object);
		if (object->valid)
			weighted->service = make_traefik_service(c, object);
		compile_about_end(c, before);
		weighted->is_open = false;
	}
	if (!weighted->service && path)
		diag_error(c->sink, path, STR_FMT " has errors", STR_ARG(object->id));
	return weighted->service;
}

void compile_services(struct compile *c)
{
	size_t n;
	struct object **objects = store_sorted(c->store, KIND_TRAEFIK_SERVICE, &c->scratch, &n);

	for (size_t i = 0; i < n; i++)
		traefik_service(c, objects[i], NULL);
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

static const struct service *load_balancer(struct compile *c, const struct wanted *wanted,
					   const struct object *object, struct str name,
					   const struct diag_path *path)
{
	struct str qualified = names_join(name, STR(NAMES_CRD), c->arena);
	const struct service_ref *ref = wanted->ref;
	struct service *service;

	if (!object->valid) {
		diag_error(c->sink, path, STR_FMT " has errors", STR_ARG(object->id));
		return NULL;
	}
	service = service_new(c, SERVICE_SERVERS, qualified);
	if (!service)
		return NULL;
	service->pass_host_header = ref->pass_host_header;
	service->flush_interval_ns = ref->response_forwarding
					     ? ref->response_forwarding->flush_interval.ns
					     : 100 * 1000 * 1000;
	service->sticky = compile_balance_sticky(ref->sticky, qualified, c->arena);
	if (!compile_endpoints(c, object, ref, wanted->in_traefik_service, path, service))
		return NULL;
	return file(c, service);
}

/* ret_name: what a parent's sticky cookie calls it (reference a.1). */
static const struct service *service_of(struct compile *c, const struct wanted *wanted,
					const struct diag_path *path, struct str *ret_name)
{
	const struct service_ref *ref = wanted->ref;
	struct str name = ref->name, namespace_, from = wanted->owner->meta.namespace_;
	enum kind kind = service_ref_is_traefik(ref) ? KIND_TRAEFIK_SERVICE : KIND_SERVICE;
	const struct object *object;

	*ret_name = name;
	if (str_ends(name, STR(NAMES_CRD))) {
		name = str_take(name, name.len - strlen(NAMES_CRD));
		kind = KIND_TRAEFIK_SERVICE;
	} else if (str_find(name, '@') >= 0) {
		return cross_provider(c, wanted, path);
	}
	if (!compile_reference_namespace(c, from, name, ref->namespace_, path, &namespace_))
		return NULL;
	object = store_find(c->store, kind, namespace_, name);
	if (!object) {
		no_such(c, kind, namespace_, name, path);
		return NULL;
	}
	if (kind == KIND_TRAEFIK_SERVICE) {
		*ret_name = names_object(namespace_, name, c->arena);
		return traefik_service(c, object, path);
	}
	*ret_name = wanted->name.len ? wanted->name
				     : names_child(namespace_, name, ref->port.text, c->arena);
	return load_balancer(c, wanted, object, *ret_name, path);
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
		return service_of(c, &wanted, DIAG_INDEX(services, 0), &name);
	}
	service = service_new(c, SERVICE_WEIGHTED, names_join(router, STR(NAMES_CRD), c->arena));
	if (!service || !add_children(c, service, &wanted, rule->services, services))
		return NULL;
	return file(c, service);
}
