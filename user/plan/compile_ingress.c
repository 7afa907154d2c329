// SPDX-License-Identifier: Apache-2.0
/*
 * compile_ingress: Ingress objects -> routes (reference f.1).
 *
 * Every path becomes a route of its own, with a rule as Traefik writes it, so that lengths, and
 * with them priorities, are the same. A Service is one service for all paths that lead to its port.
 * What annotations say is read first; a wrong one means that the object is not used at all.
 */

#include "model/ingress_object.h"
#include "model/ingress_annotation.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"

/* One Ingress on its way. */
struct ingressing {
	struct compile *c;
	const struct object *object;
	const struct ingress *spec;
	struct ingress_router_conf conf;
	struct table keys; /* of its routes -> how many have it */
};

/* ------------------------------------------------------------------ class -- */

static bool is_our_controller(struct str name)
{
	return str_eq(name, STR("traefik.io/ingress-controller")) ||
	       str_eq(name, STR("tidegate.io/ingress-controller"));
}

static bool is_known_class(struct compile *c, struct str name)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_INGRESS_CLASS, &n);

	for (size_t i = 0; i < n; i++)
		if (objects[i]->valid && str_eq(objects[i]->meta.name, name) &&
		    is_our_controller(((const struct ingress_class *)objects[i]->spec)->controller))
			return true;
	return false;
}

static bool is_ours(struct compile *c, const struct object *object)
{
	const struct kubernetes_ingress_provider *provider =
		&c->config->providers.kubernetes_ingress;
	const struct ingress *spec = object->spec;
	struct str wanted = provider->ingress_class, annotation = {0};

	if (spec->ingress_class_name.at) {
		if (wanted.len && !str_eq(spec->ingress_class_name, wanted))
			return false;
		/* Without IngressClasses the name alone decides. */
		if (provider->disable_ingress_class_lookup ||
		    provider->disable_cluster_scope_resources)
			return wanted.len > 0 || str_eq(spec->ingress_class_name, STR("traefik"));
		return is_known_class(c, spec->ingress_class_name);
	}
	for (size_t i = 0; i < object->meta.annotations.n; i++)
		if (str_eq(object->meta.annotations.at[i].key, STR("kubernetes.io/ingress.class")))
			annotation = object->meta.annotations.at[i].value;
	return wanted.len ? str_eq(annotation, wanted)
			  : !annotation.len || str_eq(annotation, STR("traefik"));
}

/* ------------------------------------------------------------------ rules -- */

/* The text as a Go string in double quotes: as long as Traefik's rule is. */
static struct str quoted(struct compile *c, struct str text)
{
	char *at = arena_alloc(c->arena, 2 * text.len + 2, 1);
	size_t n = 0;

	if (!at)
		return (struct str){0};
	at[n++] = '"';
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			at[n++] = '\\';
		at[n++] = text.at[i];
	}
	at[n++] = '"';
	return str_n(at, n);
}

static struct str strict_prefix(struct compile *c, struct str path)
{
	struct str with_slash;

	if (str_eq(path, STR("/")))
		return STR("PathPrefix(\"/\")");
	if (str_ends(path, STR("/")))
		path.len--;
	with_slash = arena_printf(c->arena, STR_FMT "/", STR_ARG(path));
	return arena_printf(c->arena, "(Path(" STR_FMT ") || PathPrefix(" STR_FMT "))",
			    STR_ARG(quoted(c, path)), STR_ARG(quoted(c, with_slash)));
}

static struct str path_rule(struct ingressing *ing, const struct ingress_path *path)
{
	struct compile *c = ing->c;
	struct str matcher = STR("PathPrefix");

	if (str_eq(path->path_type, STR("Exact")))
		matcher = STR("Path");
	else if (!str_eq(path->path_type, STR("Prefix")))
		matcher = ing->conf.path_matcher;
	else if (c->config->providers.kubernetes_ingress.strict_prefix_matching)
		return strict_prefix(c, path->path);
	return arena_printf(c->arena, STR_FMT "(" STR_FMT ")", STR_ARG(matcher),
			    STR_ARG(quoted(c, path->path)));
}

static enum rule_syntax syntax_of(const struct ingressing *ing)
{
	struct str word = ing->conf.rule_syntax;

	return rule_syntax_of(word.len ? word : ing->c->config->core.default_rule_syntax);
}

/* A wildcard is one label in either syntax: Host of v2 knows none, so there it is a template. */
static struct str host_rule(struct ingressing *ing, struct str host)
{
	struct arena *arena = ing->c->arena;

	if (syntax_of(ing) != RULE_V2 || !str_starts(host, STR("*.")))
		return arena_printf(arena, "Host(" STR_FMT ")", STR_ARG(quoted(ing->c, host)));
	host = arena_join(arena, STR("{subdomain:[a-zA-Z0-9-]+}"), str_from(host, 1));
	return arena_printf(arena, "HostRegexp(" STR_FMT ")", STR_ARG(quoted(ing->c, host)));
}

static struct str rule_text(struct ingressing *ing, struct str host,
			    const struct ingress_path *path)
{
	struct compile *c = ing->c;
	struct str of_path = path->path.len ? path_rule(ing, path) : (struct str){0};

	if (!host.len)
		return of_path;
	return arena_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(host_rule(ing, host)),
			    of_path.len ? " && " : "", STR_ARG(of_path));
}

/* --------------------------------------------------------------- services -- */

static struct list_of middleware_refs(struct compile *c, const struct strs *names)
{
	struct list_of list = {ARENA_ARRAY(c->arena, struct object_ref, names->n + 1), 0};

	for (size_t i = 0; list.at && i < names->n; i++) {
		struct str name = str_trim(names->at[i]);

		/* Names without a provider are those of this one, which has no middlewares. */
		if (str_find(name, '@') < 0)
			name = names_join(name, STR(NAMES_INGRESS), c->arena);
		LIST_AT(list, struct object_ref, list.n)->name = name;
		list.n++;
	}
	return list;
}

static struct int_or_str port_of(struct compile *c, const struct ingress_port *port)
{
	return (struct int_or_str){
		.text = port->name.len ? port->name
				       : arena_printf(c->arena, "%lld", (long long)port->number),
		.number = port->number,
		.is_number = !port->name.len,
		.set = true,
	};
}

/* What annotations of the Service say, as a reference of an IngressRoute would. */
static bool reference_to(struct ingressing *ing, const struct ingress_service *backend,
			 struct service_ref *ret_ref)
{
	struct compile *c = ing->c;
	const struct object *service =
		compile_find(c, KIND_SERVICE, ing->object->meta.namespace_, backend->name);
	struct ingress_service_conf conf;
	struct compile_about before;
	struct str_map none = {0};
	bool ok;

	before = service ? compile_about(c, service) : compile_about(c, ing->object);
	ok = ingress_annotation_service(service ? &service->meta.annotations : &none, c->arena,
					c->sink, &conf);
	compile_about_end(c, before);
	schema_preset(&schema_service_ref, c->arena, ret_ref);
	ret_ref->name = backend->name;
	ret_ref->port = port_of(c, &backend->port);
	ret_ref->scheme = conf.servers_scheme;
	ret_ref->servers_transport = conf.servers_transport;
	ret_ref->pass_host_header = conf.pass_host_header;
	ret_ref->native_lb = conf.native_lb;
	ret_ref->node_port_lb = conf.node_port_lb;
	ret_ref->sticky = conf.sticky;
	ret_ref->middlewares = middleware_refs(c, &conf.middlewares);
	return ok;
}

static const struct service *service_of(struct ingressing *ing,
					const struct ingress_backend *backend,
					struct str fixed_name, const struct diag_path *path)
{
	struct compile *c = ing->c;
	struct wanted wanted = {.owner = ing->object, .is_shared = !fixed_name.len};
	struct service_ref *ref = ARENA_NEW(c->arena, struct service_ref);
	struct str unused;

	if (!backend->service) {
		diag_error(c->sink, path, "a backend is a Service");
		return NULL;
	}
	if (!ref)
		return NULL;
	if (!reference_to(ing, backend->service, ref)) {
		diag_error(c->sink, path, "Service " STR_FMT " has wrong annotations",
			   STR_ARG(backend->service->name));
		return NULL;
	}
	wanted.ref = ref;
	wanted.name = fixed_name.len ? fixed_name
				     : names_child(ing->object->meta.namespace_, ref->name,
						   ref->port.text, c->arena);
	return compile_service_wanted(c, &wanted, DIAG_FIELD(path, "service"), &unused);
}

/* ----------------------------------------------------------------- routes -- */

static struct str path_key(struct ingressing *ing, struct str host, struct str path)
{
	struct compile *c = ing->c;
	struct str key = names_normalize(
		arena_printf(c->arena, STR_FMT "-" STR_FMT "-" STR_FMT STR_FMT,
			     STR_ARG(ing->object->meta.namespace_), STR_ARG(ing->object->meta.name),
			     STR_ARG(host), STR_ARG(path)),
		c->arena);

	return str_starts(key, STR("-")) ? str_from(key, 1) : key;
}

static void count_key(struct ingressing *ing, struct str key)
{
	size_t n = (size_t)(uintptr_t)table_find(&ing->keys, key);

	table_put(&ing->keys, key, (void *)(uintptr_t)(n + 1), NULL);
}

/* Routes of one Ingress that would share a name are told apart by their rules; those of two
 * objects by a number, so that nobody replaces another tenant's route. */
static struct str route_name(struct ingressing *ing, struct str key, struct str rule)
{
	struct compile *c = ing->c;
	struct str base = key, name;

	if ((uintptr_t)table_find(&ing->keys, key) > 1)
		base = arena_printf(c->arena, STR_FMT "-" STR_FMT, STR_ARG(key),
				    STR_ARG(names_rule_hash(rule, c->arena)));
	name = names_join(base, STR(NAMES_INGRESS), c->arena);
	for (unsigned int i = 2; compile_unit_claim(c, c->unit, &c->router_names, name); i++) {
		struct str numbered = arena_printf(c->arena, STR_FMT "_%u", STR_ARG(base), i);

		name = names_join(numbered, STR(NAMES_INGRESS), c->arena);
	}
	return name;
}

static void add_route(struct ingressing *ing, struct draft *draft,
		      const struct ingress_backend *backend, struct str service_name,
		      const struct diag_path *path)
{
	struct compile *c = ing->c;
	const struct diag_path *annotations =
		DIAG_FIELD(DIAG_FIELD(NULL, "metadata"), "annotations");
	struct list_of refs = middleware_refs(c, &ing->conf.middlewares);
	struct strs keys = {ARENA_ARRAY(c->arena, struct str, refs.n + 1), 0};

	draft->object = ing->object;
	draft->route.object = ing->object->id;
	draft->route.is_tls = ing->conf.tls;
	compile_route_parse(c, draft, syntax_of(ing), path);
	compile_route_priority(c, draft, DIAG_FIELD(annotations, "router.priority"));
	compile_route_entry_points(c, draft, &ing->conf.entry_points,
				   DIAG_FIELD(annotations, "router.entrypoints"));
	for (size_t i = 0; keys.at && i < refs.n; i++)
		if (compile_reference_middleware(
			    c, ing->object->meta.namespace_, LIST_AT(refs, struct object_ref, i),
			    DIAG_FIELD(annotations, "router.middlewares"), &keys.at[keys.n]))
			keys.n++;
		else
			compile_route_disable(draft, compile_problem(c));
	draft->route.service = service_of(ing, backend, service_name, DIAG_FIELD(path, "backend"));
	if (!draft->route.service)
		compile_route_disable(draft, compile_problem(c));
	if (ing->conf.tls)
		compile_tls_option_named(c, ing->conf.tls->options, draft);
	compile_route_add(c, draft, &keys);
}

static void add_path(struct ingressing *ing, const struct ingress_rule *rule, size_t index,
		     uint32_t number, const struct diag_path *path)
{
	const struct ingress_path *entry =
		LIST_AT(rule->http->paths, const struct ingress_path, index);
	struct str text = rule_text(ing, rule->host, entry);
	struct draft draft = {
		.route = {.rule_text = text,
			  .priority = ing->conf.priority,
			  .route_index = number,
			  .name = route_name(ing, path_key(ing, rule->host, entry->path), text)},
	};

	add_route(ing, &draft, &entry->backend, (struct str){0}, path);
}

static void add_default(struct ingressing *ing)
{
	struct compile *c = ing->c;
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "defaultBackend");
	const struct compile_unit *owner;
	struct draft draft = {
		.route = {.rule_text = STR("PathPrefix(`/`)"),
			  .priority = ing->conf.priority ? ing->conf.priority : INT32_MIN,
			  .name = STR("default-router" NAMES_INGRESS)},
	};

	if (!ing->spec->default_backend)
		return;
	if (ing->spec->rules.n) {
		diag_warning(c->sink, path,
			     "is not used, as in Traefik, since the Ingress has rules");
		return;
	}
	owner = compile_unit_claim(c, c->unit, &c->router_names, STR("default backend"));
	if (owner) {
		diag_error(c->sink, path, "is not used: " STR_FMT " has the default backend",
			   STR_ARG(owner->id));
		return;
	}
	add_route(ing, &draft, ing->spec->default_backend, STR("default-backend"),
		  DIAG_FIELD(NULL, "spec"));
}

/* Goes through all paths: to count names, or to make routes. */
static void each_path(struct ingressing *ing, bool is_counting)
{
	const struct diag_path *rules = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "rules");
	uint32_t number = 0;

	for (size_t i = 0; i < ing->spec->rules.n; i++) {
		const struct ingress_rule *rule =
			LIST_AT(ing->spec->rules, const struct ingress_rule, i);
		const struct diag_path *paths =
			DIAG_FIELD(DIAG_FIELD(DIAG_INDEX(rules, i), "http"), "paths");

		for (size_t j = 0; rule->http && j < rule->http->paths.n; j++, number++)
			if (is_counting)
				count_key(ing, path_key(ing, rule->host,
							LIST_AT(rule->http->paths,
								const struct ingress_path, j)
								->path));
			else
				add_path(ing, rule, j, number, DIAG_INDEX(paths, j));
	}
}

static void compile_one(struct ingressing *ing)
{
	struct compile *c = ing->c;
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "metadata"), "annotations");

	if (!ingress_annotation_router(&ing->object->meta.annotations, c->arena, c->sink,
				       &ing->conf)) {
		diag_error(c->sink, path, "the Ingress is not used, since an annotation is wrong");
		return;
	}
	table_init(&ing->keys, &c->scratch);
	each_path(ing, true);
	each_path(ing, false);
	add_default(ing);
}

void compile_ingress_object(struct compile *c, const struct object *object)
{
	struct ingressing ing = {.c = c, .object = object, .spec = object->spec};

	if (object->valid && is_ours(c, object))
		compile_one(&ing);
}

struct provider_rules compile_ingress_rules(const struct static_config *config)
{
	const struct kubernetes_ingress_provider *provider = &config->providers.kubernetes_ingress;

	return (struct provider_rules){
		.suffix = NAMES_INGRESS,
		.option = "kubernetesIngress",
		.allow_external_name_services = provider->allow_external_name_services,
		.allow_empty_services = provider->allow_empty_services,
		.native_lb_by_default = provider->native_lb_by_default,
		.cross_provider_namespaces = provider->cross_provider_namespaces,
	};
}
