// SPDX-License-Identifier: Apache-2.0
/*
 * compile_stream_service: what a TCP or UDP route sends its connections to (reference a.2, a.3).
 *
 * A route's only Service is made under the router's name; several become a service of services of
 * that name, and one that cannot be made is left out. Files name their services, which are shared.
 */

#include "plan/compile_stream.h"

#include "obs/metric.h"

#include "base/num.h"
#include "http/uri.h"

enum { LEVELS_MAX = 8 /* of services in services */ };

/* What is being made. */
struct making {
	struct compile *compile;
	bool is_tcp;
	unsigned int level;
};

static struct stream_service *service_new(struct making *making, struct str name)
{
	struct compile *c = making->compile;
	struct stream_service *service = ARENA_NEW(c->arena, struct stream_service);

	if (!service)
		return NULL;
	service->name = name;
	service->series =
		compile_series(c, METRIC_OF_STREAM, name, making->is_tcp ? STR("tcp") : STR("udp"));
	/* HTTP, TCP and UDP services may share names: their turns must not. */
	if (registry_service(c->registry,
			     names_join(making->is_tcp ? STR("tcp ") : STR("udp "), name, c->arena),
			     &service->id, &service->state) < 0) {
		c->arena->failed = true;
		return NULL;
	}
	return service;
}

static bool service_file(struct making *making, struct stream_service *service)
{
	struct compile *c = making->compile;

	return compile_stream_push(
		c, making->is_tcp ? &c->streams->tcp_services : &c->streams->udp_services, service);
}

/* ---------------------------------------------------------------- Services -- */

static const struct object *find(struct compile *c, const struct object *route,
				 const struct stream_service_ref *ref, const struct diag_path *path)
{
	const struct object *object;
	struct str namespace_;

	if (str_find(ref->name, '@') >= 0) {
		diag_error(c->sink, DIAG_FIELD(path, "name"),
			   STR_FMT ": TCP and UDP routes name Services only", STR_ARG(ref->name));
		return NULL;
	}
	if (!compile_reference_namespace(c, route->meta.namespace_, ref->name, ref->namespace_,
					 path, &namespace_))
		return NULL;
	object = compile_find(c, KIND_SERVICE, namespace_, ref->name);
	if (object && object->valid)
		return object;
	diag_error(c->sink, path, "Service " STR_FMT "/" STR_FMT " %s", STR_ARG(namespace_),
		   STR_ARG(ref->name), object ? "has errors" : "does not exist");
	return NULL;
}

static struct stream_service *of_service(struct making *making, const struct object *route,
					 const struct stream_service_ref *ref, struct str name,
					 const struct diag_path *path)
{
	struct compile *c = making->compile;
	const struct object *object = find(c, route, ref, path);
	struct stream_service *service;

	if (!object)
		return NULL;
	service = service_new(making, names_join(name, STR(NAMES_CRD), c->arena));
	if (!service)
		return NULL;
	if (making->is_tcp) {
		struct stream_transport_ask ask = {.reference = ref->servers_transport,
						   .from = route->meta.namespace_,
						   .tls = ref->tls,
						   .termination_delay = ref->termination_delay,
						   .proxy_protocol = ref->proxy_protocol};

		service->transport =
			compile_stream_transport(c, &ask, DIAG_FIELD(path, "serversTransport"));
		if (!service->transport)
			return NULL;
	}
	if (!compile_stream_servers(c, object, ref, path, service) ||
	    !service_file(making, service))
		return NULL;
	return service;
}

/* Several: each that can be made (reference a.2). */
static struct stream_service *of_several(struct making *making, const struct object *route,
					 struct list_of refs, struct str router,
					 const struct diag_path *path)
{
	struct compile *c = making->compile;
	struct stream_service *parent =
		service_new(making, names_join(router, STR(NAMES_CRD), c->arena));
	int64_t *weights = ARENA_ARRAY(&c->scratch, int64_t, refs.n + 1);

	if (!parent || !weights)
		return NULL;
	parent->children = ARENA_ARRAY(c->arena, const struct stream_service *, refs.n);
	for (size_t i = 0; parent->children && i < refs.n; i++) {
		const struct stream_service_ref *ref =
			LIST_AT(refs, const struct stream_service_ref, i);
		struct str name =
			arena_printf(c->arena, STR_FMT "-" STR_FMT "-" STR_FMT, STR_ARG(router),
				     STR_ARG(ref->name), STR_ARG(ref->port.text));
		const struct stream_service *child =
			of_service(making, route, ref, name, DIAG_INDEX(path, i));

		if (!child)
			continue;
		weights[parent->n_children] = ref->weight;
		parent->children[parent->n_children++] = child;
	}
	if (!parent->n_children || !compile_stream_turns(c, parent, weights, parent->n_children) ||
	    !service_file(making, parent))
		return NULL;
	return parent;
}

/* -------------------------------------------------------------------- files -- */

static struct stream_service *of_file(struct making *making, struct str name,
				      const struct diag_path *path);

static bool add_probe(struct making *making, const struct file_stream_health *conf,
		      struct stream_service *service)
{
	enum { INTERVAL_MIN_NS = 100000000 };
	const uint64_t interval_ns =
		conf->interval.ns > 0 ? (uint64_t)conf->interval.ns : 30000000000ULL;
	struct compile *c = making->compile;
	struct stream_probe *probe = ARENA_NEW(c->arena, struct stream_probe);

	if (!probe)
		return false;
	*probe = (struct stream_probe){
		.next = c->snapshot->stream_probes,
		.service = service,
		.port = (uint16_t)conf->port,
		.send = conf->send,
		.expect = conf->expect,
		.interval_ns = interval_ns < INTERVAL_MIN_NS ? INTERVAL_MIN_NS : interval_ns,
		.timeout_ns = conf->timeout.ns > 0 ? (uint64_t)conf->timeout.ns : 5000000000ULL,
	};
	probe->unhealthy_interval_ns = conf->unhealthy_interval.ns > 0
					       ? (uint64_t)conf->unhealthy_interval.ns
					       : probe->interval_ns;
	if (probe->unhealthy_interval_ns < INTERVAL_MIN_NS)
		probe->unhealthy_interval_ns = INTERVAL_MIN_NS;
	service->probe = probe;
	c->snapshot->stream_probes = probe;
	return true;
}

/* "host:port", "[::1]:53" */
static bool add_listed(struct compile *c, struct stream_service *service, struct str address,
		       const struct diag_path *path)
{
	struct str host, port;
	uint16_t number = 0;

	if (uri_split_authority(address, &host, &port) && host.len && port.len &&
	    num_uint16(port, &number) == 0 && number)
		return compile_stream_server_add(c, service, host, number, path);
	diag_found(c->sink, diag_error(c->sink, path, "not host:port"), address);
	return false;
}

static bool balancer(struct making *making, const struct file_stream_balancer *conf,
		     const struct diag_path *path, struct stream_service *service)
{
	struct compile *c = making->compile;
	int64_t *weights = ARENA_ARRAY(&c->scratch, int64_t, conf->servers.n + 1);
	struct stream_transport_ask ask = {.reference = conf->servers_transport,
					   .from = STR(FILE_NAMESPACE),
					   .termination_delay = conf->termination_delay,
					   .proxy_protocol = conf->proxy_protocol};

	if (!weights)
		return false;
	for (size_t i = 0; i < conf->servers.n; i++)
		ask.tls |= LIST_AT(conf->servers, struct file_stream_server, i)->tls;
	if (making->is_tcp)
		service->transport =
			compile_stream_transport(c, &ask, DIAG_FIELD(path, "serversTransport"));
	if (making->is_tcp && !service->transport)
		return false;
	if (conf->health_check && making->is_tcp && !add_probe(making, conf->health_check, service))
		return false;
	for (size_t i = 0; i < conf->servers.n; i++) {
		const struct file_stream_server *server =
			LIST_AT(conf->servers, struct file_stream_server, i);
		const struct diag_path *here = DIAG_INDEX(DIAG_FIELD(path, "servers"), i);

		if (server->tls != ask.tls) {
			diag_error(c->sink, DIAG_FIELD(here, "tls"),
				   "all servers of a service speak TLS, or none of them");
			return false;
		}
		if (!add_listed(c, service, server->address, DIAG_FIELD(here, "address")))
			return false;
		weights[i] = 1;
	}
	return compile_stream_turns(c, service, weights, service->n_servers);
}

static bool weighted(struct making *making, const struct file_stream_weighted *conf,
		     const struct diag_path *path, struct stream_service *service)
{
	struct compile *c = making->compile;
	size_t n = conf->services.n;
	int64_t *weights = ARENA_ARRAY(&c->scratch, int64_t, n + 1);

	service->children = ARENA_ARRAY(c->arena, const struct stream_service *, n + 1);
	for (size_t i = 0; weights && service->children && i < n; i++) {
		const struct file_stream_child *child =
			LIST_AT(conf->services, const struct file_stream_child, i);
		const struct stream_service *made =
			of_file(making, child->name, DIAG_INDEX(DIAG_FIELD(path, "services"), i));

		if (!made)
			return false;
		weights[service->n_children] = child->weight;
		service->children[service->n_children++] = made;
	}
	service->minds_health = conf->health_check != NULL;
	return weights && compile_stream_turns(c, service, weights, n);
}

static bool fill(struct making *making, const struct object *object, struct stream_service *service)
{
	const struct file_stream_service *spec = object->spec;
	const struct diag_path *path = DIAG_FIELD(NULL, "spec");
	struct compile *c = making->compile;
	struct compile_about before = compile_about(c, object);
	bool ok;

	if (spec->load_balancer)
		ok = balancer(making, spec->load_balancer, DIAG_FIELD(path, "loadBalancer"),
			      service);
	else
		ok = weighted(making, spec->weighted, DIAG_FIELD(path, "weighted"), service);
	compile_about_end(c, before);
	return ok;
}

/* Once for each name; what is being made may not contain itself. */
struct named {
	struct stream_service *service; /* NULL: it cannot be made */
	bool is_open;
};

static struct stream_service *make_named(struct making *making, const struct object *object,
					 struct str name)
{
	struct compile *c = making->compile;
	struct stream_service *service =
		service_new(making, names_join(name, STR(NAMES_FILE), c->arena));

	if (!service || !object->valid || !fill(making, object, service) ||
	    !service_file(making, service))
		return NULL;
	return service;
}

static struct stream_service *of_file(struct making *making, struct str name,
				      const struct diag_path *path)
{
	struct compile *c = making->compile;
	const struct object *object;
	struct named *named;
	struct str key;

	if (str_ends(name, STR(NAMES_FILE)))
		name.len -= strlen(NAMES_FILE);
	key = names_join(making->is_tcp ? STR(FILE_TCP) : STR(FILE_UDP), name, c->arena);
	object = compile_find(c, KIND_FILE_STREAM_SERVICE, STR(FILE_NAMESPACE), key);
	if (!object) {
		diag_error(c->sink, path, "service " STR_FMT NAMES_FILE " does not exist",
			   STR_ARG(name));
		return NULL;
	}
	named = table_find(&c->streams->services, key);
	if (!named) {
		named = ARENA_NEW(c->arena, struct named);
		if (!named || table_put(&c->streams->services, key, named, NULL) < 0)
			return NULL;
		named->is_open = true;
		if (++making->level <= LEVELS_MAX)
			named->service = make_named(making, object, name);
		making->level--;
		named->is_open = false;
	} else if (named->is_open) {
		diag_error(c->sink, path, "service " STR_FMT " contains itself", STR_ARG(name));
		return NULL;
	}
	if (!named->service)
		diag_error(c->sink, path, "service " STR_FMT NAMES_FILE " has errors",
			   STR_ARG(name));
	return named->service;
}

void compile_stream_file_services(struct compile *c)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_FILE_STREAM_SERVICE, &n);

	for (size_t i = 0; objects && i < n; i++) {
		struct str name = objects[i]->meta.name;
		struct making making = {.compile = c, .is_tcp = str_starts(name, STR(FILE_TCP))};
		struct compile_about before;

		/* Those in use were made already. */
		if (!objects[i]->valid || table_find(&c->streams->services, name))
			continue;
		before = compile_about(c, objects[i]);
		of_file(&making, str_from(name, strlen(FILE_TCP)), DIAG_FIELD(NULL, "spec"));
		compile_about_end(c, before);
	}
}

const struct stream_service *compile_stream_service(struct compile *c, const struct object *route,
						    struct list_of refs, struct str router,
						    bool is_tcp, const struct diag_path *path)
{
	struct making making = {.compile = c, .is_tcp = is_tcp};
	const struct stream_service_ref *first = LIST_AT(refs, const struct stream_service_ref, 0);
	const struct stream_service *service;

	if (!refs.n) {
		diag_error(c->sink, path, "a route needs a service");
		return NULL;
	}
	if (names_are_of_file(route->meta.namespace_))
		return of_file(&making, first->name, path);
	if (refs.n == 1)
		return of_service(&making, route, first, router, DIAG_INDEX(path, 0));
	service = of_several(&making, route, refs, router, path);
	if (!service)
		diag_error(c->sink, path, "none of the services can be used");
	return service;
}
