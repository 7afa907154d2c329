// SPDX-License-Identifier: Apache-2.0
/*
 * compile_endpoints: a Service and its EndpointSlices -> servers (reference a.0).
 *
 * Serving endpoints are taken, terminating ones fenced, equal addresses once. Addresses that no
 * backend of a tenant should have (loopback, link-local and so the metadata service, multicast, our
 * own listeners) are refused unless security.allowLoopbackBackends is set (security.md A2.7).
 */

#include <stdlib.h>

#include "model/core_service.h"
#include "obs/metric.h"
#include "plan/compile_parts.h"

enum { SERVERS_MAX = 65535 }; /* turns are 16 bit */

struct slices {
	const struct object **at;
	size_t n, room;
};

/* One server list being made. */
struct gathering {
	struct compile *compile;
	struct service *service;
	const struct diag_path *path;
	struct table seen; /* address of one of the first n_seen servers */
	uint32_t n_seen;
	size_t room;
};

/* ------------------------------------------------------------------ index -- */

static struct str slice_service(const struct object *slice)
{
	for (size_t i = 0; i < slice->meta.labels.n; i++)
		if (str_eq(slice->meta.labels.at[i].key, STR(ENDPOINT_SLICE_SERVICE_LABEL)))
			return slice->meta.labels.at[i].value;
	return (struct str){0};
}

static int by_age(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a;
	const struct object *y = *(const struct object *const *)b;

	if (x->meta.created_ns != y->meta.created_ns)
		return x->meta.created_ns < y->meta.created_ns ? -1 : 1;
	return str_cmp(x->meta.name, y->meta.name);
}

static void slices_add(struct slices *slices, const struct object *slice, struct arena *arena)
{
	if (slices->n == slices->room) {
		size_t room = slices->room ? slices->room * 2 : 2;
		const struct object **at = ARENA_ARRAY(arena, const struct object *, room);

		if (!at)
			return;
		if (slices->n)
			memcpy(at, slices->at, slices->n * sizeof(*at));
		slices->at = at;
		slices->room = room;
	}
	slices->at[slices->n++] = slice;
}

void compile_endpoints_index(struct compile *c)
{
	TABLE_EACH (&c->store->objects[KIND_ENDPOINT_SLICE], slot) {
		const struct object *slice = slot->value;
		struct str service = slice_service(slice);
		struct slices *slices;
		struct str key;

		if (!slice->valid || !service.len)
			continue;
		key = arena_printf(&c->scratch, STR_FMT "/" STR_FMT,
				   STR_ARG(slice->meta.namespace_), STR_ARG(service));
		slices = table_find(&c->slices, key);
		if (!slices) {
			slices = ARENA_NEW(&c->scratch, struct slices);
			if (!slices || table_put(&c->slices, key, slices, NULL) < 0)
				return;
		}
		slices_add(slices, slice, &c->scratch);
	}
	TABLE_EACH (&c->slices, slot) {
		struct slices *slices = slot->value;

		qsort(slices->at, slices->n, sizeof(*slices->at), by_age);
	}
}

static const struct slices *slices_of(struct compile *c, const struct object *service)
{
	char key[600], *at = key;
	struct str namespace_ = service->meta.namespace_, name = service->meta.name;

	/* Kubernetes names have at most 253 characters each. */
	if (namespace_.len + name.len + 1 > sizeof(key))
		return NULL;
	at = mempcpy(at, namespace_.at, namespace_.len);
	*at++ = '/';
	at = mempcpy(at, name.at, name.len);
	return table_find(&c->slices, str_n(key, (size_t)(at - key)));
}

/* ---------------------------------------------------------------- servers -- */

static const char *why_refused(const struct compile *c, const struct addr *addr, uint16_t port)
{
	static const uint8_t ec2_metadata_v6[16] = {0xfd, 0, 0x0e, 0xc2, 0, 0, 0,    0,
						    0,	  0, 0,	   0,	 0, 0, 0x02, 0x54};

	if (addr_is_unspecified(addr))
		return "the unspecified address";
	if (addr->byte[0] == 0xff || (addr_is_v4(addr) && addr->byte[12] >= 224))
		return "a multicast or reserved address";
	if (c->config->security.allow_loopback_backends)
		return NULL;
	if (addr_is_loopback(addr))
		return "a loopback address";
	if (addr_is_link_local(addr) || !memcmp(addr->byte, ec2_metadata_v6, 16))
		return "a link-local or metadata address";
	for (size_t i = 0; i < c->config->entry_points.n; i++) {
		const struct static_entry_point *conf = static_entry_point(c->config, i);

		if (conf->listen.port == port && addr_eq(&conf->listen.addr, addr))
			return "an address that the proxy itself listens on";
	}
	return NULL;
}

static struct server *server_add(struct gathering *g, const struct addr *addr, uint16_t port)
{
	struct compile *c = g->compile;
	struct service *service = g->service;
	char text[ADDR_TEXT_MAX];
	struct server *server;
	const char *why = why_refused(c, addr, port);

	addr_print_port(addr, port, text);
	if (why) {
		diag_suggest(
			c->sink,
			diag_error(c->sink, g->path, "backend %s is refused: it is %s", text, why),
			"set security.allowLoopbackBackends if this is meant");
		return NULL;
	}
	if (service->n_servers == SERVERS_MAX)
		return NULL;
	if (service->n_servers == g->room) {
		size_t room = g->room ? g->room * 2 : 1;
		struct server *servers = arena_zero_line(c->arena, room, sizeof(*servers));

		if (!servers)
			return NULL;
		if (service->n_servers)
			memcpy(servers, service->servers, service->n_servers * sizeof(*servers));
		service->servers = servers;
		g->room = room;
	}
	server = &service->servers[service->n_servers++];
	*server = (struct server){.addr = *addr, .port = port, .weight = 1};
	server->url = names_join(STR("http://"), str_of(text), c->arena);
	server->host = str_from(server->url, strlen("http://"));
	if (registry_server(c->registry, server->url, false, &server->id, &server->live) < 0)
		c->arena->failed = true;
	if (service->sticky)
		names_sticky_values(server->url, c->arena, server->sticky_values);
	if (c->service_series)
		server->up_series = compile_series(c, METRIC_OF_SERVER, service->name, server->url);
	return server;
}

static struct str addr_key(const struct addr *addr)
{
	return str_n((const char *)addr->byte, sizeof(addr->byte));
}

/* A few servers are searched one by one, many through a table of copies (servers move as they
 * grow). */
static bool is_known(struct gathering *g, const struct addr *addr)
{
	enum { FEW = 32 };
	struct service *service = g->service;

	if (service->n_servers > FEW) {
		for (; g->n_seen < service->n_servers; g->n_seen++) {
			struct addr *copy = ARENA_NEW(&g->compile->scratch, struct addr);

			if (!copy)
				return true;
			*copy = service->servers[g->n_seen].addr;
			table_put(&g->seen, addr_key(copy), copy, NULL);
		}
		return table_find(&g->seen, addr_key(addr));
	}
	for (uint32_t i = 0; i < service->n_servers; i++)
		if (addr_eq(&service->servers[i].addr, addr))
			return true;
	return false;
}

static void gather_address(struct gathering *g, struct str text, uint16_t port, bool fenced)
{
	struct diag_sink *sink = g->compile->sink;
	struct addr addr;
	struct server *server;

	if (addr_parse(text, &addr) < 0) {
		diag_found(sink,
			   diag_error(sink, g->path, "an endpoint's address is no IP address"),
			   text);
		return;
	}
	if (is_known(g, &addr))
		return;
	server = server_add(g, &addr, port);
	if (server)
		server->fenced = fenced;
}

static uint16_t port_of_slice(const struct endpoint_slice *slice, struct str name)
{
	for (size_t i = 0; i < slice->ports.n; i++) {
		const struct slice_port *port = LIST_AT(slice->ports, struct slice_port, i);

		if (str_eq(port->name, name))
			return port->port.set && port->port.value > 0 && port->port.value < 65536
				       ? (uint16_t)port->port.value
				       : 0;
	}
	return 0;
}

static void gather_slice(struct gathering *g, const struct endpoint_slice *slice,
			 struct str port_name)
{
	uint16_t port = port_of_slice(slice, port_name);

	for (size_t i = 0; port && i < slice->endpoints.n; i++) {
		const struct slice_endpoint *endpoint =
			LIST_AT(slice->endpoints, struct slice_endpoint, i);
		const struct slice_conditions *is = &endpoint->conditions;

		if (is->serving.set && !is->serving.value)
			continue;
		for (size_t j = 0; j < endpoint->addresses.n; j++)
			gather_address(g, endpoint->addresses.at[j], port,
				       is->terminating.set && is->terminating.value);
	}
}

static bool gather_slices(struct gathering *g, const struct object *object,
			  const struct core_service_port *port)
{
	struct compile *c = g->compile;
	const struct slices *slices = slices_of(c, object);

	for (size_t i = 0; slices && i < slices->n; i++)
		gather_slice(g, slices->at[i]->spec, port->name);
	if (g->service->n_servers || c->config->providers.kubernetes_crd.allow_empty_services)
		return true;
	diag_suggest(c->sink,
		     diag_error(c->sink, g->path,
				"Service " STR_FMT "/" STR_FMT " has no endpoints for port %lld",
				STR_ARG(object->meta.namespace_), STR_ARG(object->meta.name),
				(long long)port->port),
		     "set providers.kubernetesCRD.allowEmptyServices to answer 503 instead");
	return false;
}

/* ---------------------------------------------------------------- Service -- */

static const struct core_service_port *find_port(const struct core_service *service,
						 const struct int_or_str *port)
{
	for (size_t i = 0; i < service->ports.n; i++) {
		const struct core_service_port *row =
			LIST_AT(service->ports, struct core_service_port, i);

		if (port->is_number ? row->port == port->number : str_eq(row->name, port->text))
			return row;
	}
	return NULL;
}

/* reference a.0, scheme inference; only http is spoken to backends yet. */
static bool check_scheme(struct compile *c, const struct service_ref *ref,
			 const struct core_service_port *port, const struct diag_path *path)
{
	struct str scheme = ref->scheme;

	if (!scheme.len)
		scheme = port->port == 443 || str_starts(port->name, STR("https")) ? STR("https")
										   : STR("http");
	if (str_eq(scheme, STR("http")))
		return true;
	if (str_eq(scheme, STR("https")) || str_eq(scheme, STR("h2c")))
		diag_suggest(c->sink,
			     diag_error(c->sink, path,
					"backends are reached over " STR_FMT
					", which is not supported yet",
					STR_ARG(scheme)),
			     "scheme: http if the backend speaks it on this port");
	else
		diag_found(c->sink, diag_error(c->sink, path, "scheme is not http, https or h2c"),
			   scheme);
	return false;
}

static bool external_name(struct gathering *g, const struct core_service *service, int64_t port)
{
	struct compile *c = g->compile;
	struct addr addr;

	if (!c->config->providers.kubernetes_crd.allow_external_name_services) {
		diag_suggest(c->sink,
			     diag_error(c->sink, g->path, "ExternalName services are not allowed"),
			     "set providers.kubernetesCRD.allowExternalNameServices");
		return false;
	}
	if (addr_parse(service->external_name, &addr) < 0) {
		diag_error(c->sink, g->path,
			   "ExternalName " STR_FMT
			   " is no IP address, and names are not resolved yet",
			   STR_ARG(service->external_name));
		return false;
	}
	return server_add(g, &addr, (uint16_t)port);
}

static bool native(struct gathering *g, const struct core_service *service, int64_t port)
{
	struct addr addr;

	if (addr_parse(service->cluster_ip, &addr) < 0) {
		diag_error(g->compile->sink, g->path, "nativeLB needs a Service with a clusterIP");
		return false;
	}
	return server_add(g, &addr, (uint16_t)port);
}

static bool check_refused(struct compile *c, const struct core_service *service,
			  const struct service_ref *ref, const struct diag_path *path)
{
	if (ref->health_check && !str_eq(service->type, STR("ExternalName"))) {
		diag_error(c->sink, DIAG_FIELD(path, "healthCheck"),
			   "healthCheck allowed only for ExternalName services");
		return false;
	}
	if (ref->node_port_lb && str_eq(service->type, STR("NodePort"))) {
		diag_error(c->sink, DIAG_FIELD(path, "nodePortLB"),
			   "nodePortLB is not supported yet");
		return false;
	}
	if (ref->servers_transport.len) {
		diag_error(c->sink, DIAG_FIELD(path, "serversTransport"),
			   "serversTransport is not supported yet");
		return false;
	}
	return true;
}

static bool gather(struct gathering *g, const struct object *object, const struct service_ref *ref,
		   bool is_child)
{
	struct compile *c = g->compile;
	const struct core_service *service = object->spec;
	bool is_external = str_eq(service->type, STR("ExternalName"));
	const struct core_service_port *port = find_port(service, &ref->port);
	struct core_service_port verbatim = {.port = ref->port.number};
	/* reference k.16: the default does not reach TraefikService children */
	bool is_native =
		ref->native_lb.set
			? ref->native_lb.value
			: !is_child && c->config->providers.kubernetes_crd.native_lb_by_default;

	if (!ref->port.set || !ref->port.text.len || (ref->port.is_number && !ref->port.number)) {
		diag_error(c->sink, DIAG_FIELD(g->path, "port"), "a port is needed");
		return false;
	}
	if (!port && is_external && ref->port.is_number && ref->port.number < 65536)
		port = &verbatim;
	if (!port || port->port <= 0 || port->port > 65535) {
		diag_error(c->sink, DIAG_FIELD(g->path, "port"),
			   "Service " STR_FMT "/" STR_FMT " has no port " STR_FMT,
			   STR_ARG(object->meta.namespace_), STR_ARG(object->meta.name),
			   STR_ARG(ref->port.text));
		return false;
	}
	if (!check_scheme(c, ref, port, DIAG_FIELD(g->path, "scheme")) ||
	    !check_refused(c, service, ref, g->path))
		return false;
	if (is_external)
		return external_name(g, service, port->port);
	return is_native ? native(g, service, port->port) : gather_slices(g, object, port);
}

bool compile_endpoints(struct compile *c, const struct object *service,
		       const struct service_ref *ref, bool is_child, const struct diag_path *path,
		       struct service *ret_service)
{
	struct gathering g = {.compile = c, .service = ret_service, .path = path};
	int64_t *weights;
	bool ok;

	table_init(&g.seen, &c->scratch);
	if (!gather(&g, service, ref, is_child))
		return false;
	weights = ARENA_ARRAY(&c->scratch, int64_t, ret_service->n_servers + 1);
	for (uint32_t i = 0; weights && i < ret_service->n_servers; i++)
		weights[i] = ret_service->servers[i].fenced ? 0 : ret_service->servers[i].weight;
	ok = weights &&
	     compile_balance_turns(weights, ret_service->n_servers, c->arena, &ret_service->turns);
	if (!ok)
		diag_error(c->sink, path, "out of memory");
	return ok;
}
