// SPDX-License-Identifier: Apache-2.0
/*
 * compile_composite: services made of services: TraefikService, and a route's several services
 * (reference a.6, d.2).
 *
 * A TraefikService is made once, under its own name, however many name it. One whose child cannot
 * be made cannot be made either, nor can one that contains itself.
 */

#include "model/traefik_service.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"

enum { WEIGHT_MAX = 1 << 30, CHILDREN_MAX = 65535, PERCENT_MAX = 100 };

static bool begin_children(struct compile *c, struct service *service, size_t n,
			   const struct diag_path *path)
{
	if (n > CHILDREN_MAX) {
		diag_error(c->sink, path, "more than %d services", CHILDREN_MAX);
		return false;
	}
	service->children = ARENA_ARRAY(c->arena, struct service_child, n + 1);
	return service->children != NULL;
}

static bool add_child(struct compile *c, struct service *service, const struct wanted *model,
		      const struct service_ref *ref, const struct diag_path *path)
{
	struct service_child *child = &service->children[service->n_children];
	struct wanted wanted = *model;

	wanted.ref = ref;
	child->weight = ref->weight < WEIGHT_MAX ? (int32_t)ref->weight : WEIGHT_MAX;
	child->service = compile_service_wanted(c, &wanted, path, &child->name);
	if (!child->service)
		return false;
	if (child->service->levels >= SERVICE_LEVELS_MAX) {
		diag_error(c->sink, path, "more than %d services inside each other",
			   SERVICE_LEVELS_MAX);
		return false;
	}
	if (service->levels <= child->service->levels)
		service->levels = (uint8_t)(child->service->levels + 1);
	if (service->sticky)
		child->sticky_values = names_sticky_values(child->name, c->arena);
	service->n_children++;
	return true;
}

bool compile_composite_children(struct compile *c, struct service *service,
				const struct wanted *model, struct list_of refs,
				const struct diag_path *path)
{
	int64_t *weights = ARENA_ARRAY(&c->scratch, int64_t, refs.n + 1);

	if (!weights || !begin_children(c, service, refs.n, path))
		return false;
	for (size_t i = 0; i < refs.n; i++) {
		if (!add_child(c, service, model, LIST_AT(refs, const struct service_ref, i),
			       DIAG_INDEX(path, i)))
			return false;
		weights[i] = service->children[i].weight;
	}
	return compile_balance_turns(weights, refs.n, c->arena, &service->turns);
}

/* ------------------------------------------------------------------- kinds -- */

/* One being made. */
struct forming {
	struct compile *compile;
	const struct traefik_service *spec;
	struct service *service;
	struct wanted model;
	const struct diag_path *path; /* of the member of spec */
};

static bool form_weighted(struct forming *f)
{
	struct compile *c = f->compile;

	f->service->sticky =
		compile_balance_sticky(f->spec->weighted->sticky, f->service->name, c->arena);
	return compile_composite_children(c, f->service, &f->model, f->spec->weighted->services,
					  DIAG_FIELD(f->path, "services"));
}

static bool form_mirroring(struct forming *f)
{
	const struct mirroring *mirroring = f->spec->mirroring;
	const struct diag_path *mirrors = DIAG_FIELD(f->path, "mirrors");
	struct service *service = f->service;

	service->mirror_body = mirroring->mirror_body;
	service->max_body_bytes = mirroring->max_body_bytes;
	if (!begin_children(f->compile, service, mirroring->mirrors.n + 1, mirrors) ||
	    !add_child(f->compile, service, &f->model, &mirroring->service, f->path))
		return false;
	/* Whatever its weight says: it is the one that answers. */
	service->children[0].weight = 1;
	for (size_t i = 0; i < mirroring->mirrors.n; i++) {
		const struct mirror *mirror = LIST_AT(mirroring->mirrors, const struct mirror, i);

		if (!add_child(f->compile, service, &f->model, &mirror->service,
			       DIAG_INDEX(mirrors, i)))
			return false;
		service->children[i + 1].weight = 0;
		service->children[i + 1].percent = (uint8_t)mirror->percent;
	}
	return true;
}

static bool form_highest(struct forming *f)
{
	return compile_composite_children(f->compile, f->service, &f->model,
					  f->spec->highest_random_weight->services,
					  DIAG_FIELD(f->path, "services"));
}

static bool form_failover(struct forming *f)
{
	struct compile *c = f->compile;
	const struct failover *failover = f->spec->failover;
	struct service *service = f->service;
	struct status_range *statuses;
	struct str bad;

	service->max_body_bytes = failover->errors.max_request_body_bytes;
	if (status_range_parse(&failover->errors.status, c->arena, &statuses, &service->n_statuses,
			       &bad) < 0) {
		diag_found(c->sink,
			   diag_error(c->sink, DIAG_FIELD(DIAG_FIELD(f->path, "errors"), "status"),
				      "no status codes such as 500 or 500-599"),
			   bad);
		return false;
	}
	service->statuses = statuses;
	if (!begin_children(c, service, 2, f->path) ||
	    !add_child(c, service, &f->model, &failover->service, DIAG_FIELD(f->path, "service")) ||
	    !add_child(c, service, &f->model, &failover->fallback, DIAG_FIELD(f->path, "fallback")))
		return false;
	service->children[0].weight = service->children[1].weight = 1;
	return true;
}

static const struct form {
	const char *name;
	size_t offset; /* of the member of struct traefik_service */
	enum service_kind kind;
	bool (*make)(struct forming *forming);
} forms[] = {
	/* In the order of reference a.6: the first that is there is used. */
	{"weighted", offsetof(struct traefik_service, weighted), SERVICE_WEIGHTED, form_weighted},
	{"mirroring", offsetof(struct traefik_service, mirroring), SERVICE_MIRRORING,
	 form_mirroring},
	{"highestRandomWeight", offsetof(struct traefik_service, highest_random_weight),
	 SERVICE_HIGHEST_RANDOM_WEIGHT, form_highest},
	{"failover", offsetof(struct traefik_service, failover), SERVICE_FAILOVER, form_failover},
};

enum { FORMS = sizeof(forms) / sizeof(*forms) };

static bool has_form(const struct traefik_service *spec, const struct form *form)
{
	void *member;

	memcpy(&member, (const char *)spec + form->offset, sizeof(member));
	return member != NULL;
}

static const struct form *form_of(struct compile *c, const struct traefik_service *spec)
{
	const struct form *first = NULL;

	for (size_t i = 0; i < FORMS; i++) {
		if (!has_form(spec, &forms[i]))
			continue;
		if (first)
			diag_warning(c->sink, DIAG_FIELD(DIAG_FIELD(NULL, "spec"), forms[i].name),
				     "has no effect beside %s", first->name);
		else
			first = &forms[i];
	}
	return first;
}

/* ----------------------------------------------------------------- objects -- */

const struct service *compile_composite_object(struct compile *c, const struct object *object)
{
	const struct form *form = object->valid ? form_of(c, object->spec) : NULL;
	struct str name = names_qualified(object->meta.namespace_, object->meta.name, c->arena);
	struct forming forming = {
		.compile = c,
		.spec = object->spec,
		.model = {.owner = object, .in_traefik_service = true},
	};

	if (!form)
		return NULL;
	forming.path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), form->name);
	forming.service = compile_service_new(c, form->kind, name, true);
	if (!forming.service || !form->make(&forming))
		return NULL;
	return compile_service_file(c, forming.service);
}

const struct service *compile_composite(struct compile *c, const struct object *object,
					const struct diag_path *path)
{
	const struct compile_made *made = compile_unit_of(c, object->id);

	if (!made)
		return NULL;
	/* reference d.2: recursion in the service graph is an error */
	if (made->in_circle)
		diag_error(c->sink, path, STR_FMT " has errors: it contains itself",
			   STR_ARG(object->id));
	else if (!made->service)
		diag_error(c->sink, path, STR_FMT " has errors", STR_ARG(object->id));
	return made->in_circle ? NULL : made->service;
}
