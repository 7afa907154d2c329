// SPDX-License-Identifier: Apache-2.0
/*
 * compile_endpoints: a Service and its EndpointSlices -> servers (reference a.0).
 *
 * Serving endpoints are taken, terminating ones fenced, equal addresses once. Addresses that no
 * backend of a tenant should have are refused (plan/backend_rule.h).
 */

#include <stdlib.h>

#include "model/core_node.h"
#include "model/core_service.h"
#include "obs/metric.h"
#include "plan/backend_rule.h"
#include "model/file_format.h"
#include "plan/compile_services.h"

enum {
	SERVERS_MAX = 65535, /* turns are 16 bit */
	HOST_TEXT_MAX = 272, /* a DNS name and a port */
};

/* One server list being made. */
struct gathering {
	struct compile *compile;
	struct service *service;
	const struct diag_path *path;
	enum transport_scheme scheme;
	const struct transport *transport;
	struct table seen; /* address of one of the first n_seen servers */
	uint32_t n_seen;
};

/* ---------------------------------------------------------------- servers -- */

/* Room for n servers in all: what is too small is left behind in the arena. */
static bool reserve_servers(struct compile *c, struct service *service, uint32_t n)
{
	struct compile_filed *filed = (struct compile_filed *)service;
	struct server *servers;

	if (n <= filed->room)
		return true;
	servers = arena_zero_line(c->arena, n, sizeof(*servers));
	if (!servers)
		return false;
	if (service->n_servers)
		memcpy(servers, service->servers, service->n_servers * sizeof(*servers));
	service->servers = servers;
	filed->room = n;
	return true;
}

static struct server *new_server(struct compile *c, struct service *service)
{
	const struct compile_filed *filed = (const struct compile_filed *)service;
	uint32_t n = service->n_servers;

	if (n == SERVERS_MAX || (n == filed->room && !reserve_servers(c, service, n ? n * 2 : 1)))
		return NULL;
	return &service->servers[service->n_servers++];
}

static bool is_dns_name(struct str text)
{
	enum { DNS_NAME_MAX = 253 };

	/* No room for more in HOST_TEXT_MAX. */
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' &&
		    c != '_')
			return false;
	}
	return text.len > 0 && text.len <= DNS_NAME_MAX;
}

/* The address, or a name that is resolved when it is used. */
static bool read_host(struct compile *c, struct str host, uint16_t port, struct server *server,
		      char ret_text[HOST_TEXT_MAX], const struct diag_path *path)
{
	const char *why;

	server->port = port;
	if (addr_parse(host, &server->addr) < 0) {
		if (!is_dns_name(host)) {
			diag_found(c->sink,
				   diag_error(c->sink, path,
					      "a backend is neither an IP address nor a DNS name"),
				   host);
			return false;
		}
		server->dns_name = host;
		server->is_named = true;
		snprintf(ret_text, HOST_TEXT_MAX, STR_FMT ":%u", STR_ARG(host), port);
		return true;
	}
	why = backend_rule_refuses(c->config, &server->addr, port);
	addr_print_port(&server->addr, port, ret_text);
	if (why) {
		diag_suggest(
			c->sink,
			diag_error(c->sink, path, "backend %s is refused: it is %s", ret_text, why),
			"set security.allowLoopbackBackends if this is meant");
		return false;
	}
	return true;
}

struct server *compile_endpoints_add(struct compile *c, struct service *service, struct str host,
				     uint16_t port, enum transport_scheme scheme,
				     const struct transport *transport,
				     const struct diag_path *path)
{
	struct server draft = {.weight = 1, .scheme = scheme, .transport = transport}, *server;
	static const struct str prefixes[] = {
		[TRANSPORT_HTTP] = STR("http://"),
		[TRANSPORT_HTTPS] = STR("https://"),
		[TRANSPORT_H2C] = STR("h2c://"),
	};

	char text[HOST_TEXT_MAX];

	if (!read_host(c, host, port, &draft, text, path))
		return NULL;
	server = new_server(c, service);
	if (!server)
		return NULL;
	*server = draft;
	server->url = names_join(prefixes[scheme], str_of(text), c->arena);
	server->host_at = (uint8_t)(prefixes[scheme].len & 15);
	if (registry_server(c->registry,
			    compile_transport_server_key(server->url, transport, c->arena),
			    server->dns_name.len > 0, &server->id, &server->live) < 0)
		c->arena->failed = true;
	if (service->sticky)
		server->sticky_values = names_sticky_values(server->url, c->arena);
	return server;
}

static struct server *server_add(struct gathering *g, struct str host, uint16_t port)
{
	struct compile *c = g->compile;
	struct server *server =
		compile_endpoints_add(c, g->service, host, port, g->scheme, g->transport, g->path);

	/* Of those that are watched (reference d.3, h.1): the others are always up. */
	if (server && c->service_series && (g->service->probe || g->service->passive))
		server->up_series =
			compile_series(c, METRIC_OF_SERVER, g->service->name, server->url);
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
	server = server_add(g, text, port);
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

	/* Names are not looked up, as nobody in a cluster does: what else the Service has serves.
	 */
	if (str_eq(slice->address_type, STR("FQDN")))
		return;
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
	const struct compile_slices *slices = compile_slices(c, object);
	size_t n = 0;

	for (size_t i = 0; slices && i < slices->n; i++)
		n += ((const struct endpoint_slice *)slices->at[i]->spec)->endpoints.n;
	reserve_servers(c, g->service, n < SERVERS_MAX ? (uint32_t)n : SERVERS_MAX);
	for (size_t i = 0; slices && i < slices->n; i++)
		gather_slice(g, slices->at[i]->spec, port->name);
	if (g->service->n_servers || c->rules->allow_empty_services)
		return true;
	diag_suggest(c->sink,
		     diag_error(c->sink, g->path,
				"Service " STR_FMT "/" STR_FMT " has no endpoints for port %lld",
				STR_ARG(object->meta.namespace_), STR_ARG(object->meta.name),
				(long long)port->port),
		     "set providers.%s.allowEmptyServices to answer 503 instead", c->rules->option);
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

/* reference a.0, scheme inference */
static bool find_scheme(struct compile *c, const struct service_ref *ref,
			const struct core_service_port *port, const struct diag_path *path,
			enum transport_scheme *ret_scheme)
{
	if (!ref->scheme.len) {
		*ret_scheme = port->port == 443 || str_starts(port->name, STR("https"))
				      ? TRANSPORT_HTTPS
				      : TRANSPORT_HTTP;
		return true;
	}
	if (transport_scheme_parse(ref->scheme, ret_scheme))
		return true;
	diag_found(
		c->sink,
		diag_error(c->sink, DIAG_FIELD(path, "scheme"), "scheme is not http, https or h2c"),
		ref->scheme);
	return false;
}

static bool external_name(struct gathering *g, const struct core_service *service, uint16_t port)
{
	struct compile *c = g->compile;

	if (!c->rules->allow_external_name_services) {
		diag_suggest(c->sink,
			     diag_error(c->sink, g->path, "ExternalName services are not allowed"),
			     "set providers.%s.allowExternalNameServices", c->rules->option);
		return false;
	}
	return server_add(g, service->external_name, port);
}

static bool native(struct gathering *g, const struct core_service *service, uint16_t port)
{
	struct addr addr;

	if (addr_parse(service->cluster_ip, &addr) < 0) {
		diag_error(g->compile->sink, g->path, "nativeLB needs a Service with a clusterIP");
		return false;
	}
	return server_add(g, service->cluster_ip, port);
}

/* reference a.0: each node's internal addresses, with the Service's node port */
static bool gather_nodes(struct gathering *g, const struct core_service_port *port)
{
	struct compile *c = g->compile;
	const struct diag_path *path = DIAG_FIELD(g->path, "nodePortLB");
	struct object **nodes;
	size_t n;

	if (c->config->providers.kubernetes_crd.disable_cluster_scope_resources) {
		diag_error(c->sink, path,
			   "nodePortLB needs the cluster's nodes, and "
			   "providers.kubernetesCRD.disableClusterScopeResources is set");
		return false;
	}
	if (port->node_port <= 0) {
		diag_error(c->sink, path, "the Service has no nodePort for port %lld",
			   (long long)port->port);
		return false;
	}
	nodes = compile_sorted(c, KIND_NODE, &n);
	for (size_t i = 0; i < n; i++) {
		const struct core_node *node = nodes[i]->valid ? nodes[i]->spec : NULL;

		for (size_t j = 0; node && j < node->addresses.n; j++) {
			const struct node_address *row =
				LIST_AT(node->addresses, const struct node_address, j);

			if (str_eq(row->type, STR("InternalIP")))
				gather_address(g, row->address, (uint16_t)port->node_port, false);
		}
	}
	if (g->service->n_servers)
		return true;
	diag_suggest(c->sink, diag_error(c->sink, path, "no Node with an InternalIP is known"),
		     "put the cluster's Node objects beside the other manifests");
	return false;
}

/* The Service's port; NULL with a diag. An ExternalName needs to list none. */
static const struct core_service_port *named_port(struct gathering *g, const struct object *object,
						  const struct service_ref *ref,
						  struct core_service_port *verbatim)
{
	struct diag_sink *sink = g->compile->sink;
	const struct core_service *service = object->spec;
	const struct core_service_port *port = find_port(service, &ref->port);

	if (!ref->port.set || !ref->port.text.len || (ref->port.is_number && !ref->port.number)) {
		diag_error(sink, DIAG_FIELD(g->path, "port"), "a port is needed");
		return NULL;
	}
	if (!port && str_eq(service->type, STR("ExternalName")) && ref->port.is_number) {
		*verbatim = (struct core_service_port){.port = ref->port.number};
		port = verbatim;
	}
	if (port && port->port > 0 && port->port <= 65535)
		return port;
	diag_error(sink, DIAG_FIELD(g->path, "port"),
		   "Service " STR_FMT "/" STR_FMT " has no port " STR_FMT,
		   STR_ARG(object->meta.namespace_), STR_ARG(object->meta.name),
		   STR_ARG(ref->port.text));
	return NULL;
}

/* Servers of Traefik's own files, by their URLs. */
static bool gather_listed(struct gathering *g, const struct object *object,
			  const struct service_ref *ref)
{
	struct compile *c = g->compile;
	const struct file_service *listed = object->spec;
	const struct diag_path *path = DIAG_FIELD(g->path, "servers");

	if (!compile_health(c, ref, true, g->path, g->service))
		return false;
	for (size_t i = 0; i < listed->servers.n; i++) {
		const struct file_server *conf =
			LIST_AT(listed->servers, const struct file_server, i);
		struct url_parts parts;
		struct server *server;

		g->path = DIAG_FIELD(DIAG_INDEX(path, i), "url");
		if (!compile_url_parse(c, conf->url, g->path, &parts))
			return false;
		g->scheme = parts.scheme;
		g->transport = compile_transport(c, ref->servers_transport, object->meta.namespace_,
						 g->scheme, g->path);
		server = g->transport ? server_add(g, parts.host, parts.port) : NULL;
		if (!server)
			return false;
		server->weight = (int32_t)conf->weight;
		server->fenced = conf->fenced;
		/* reference d.5: joined as Go joins them, with one slash in between. */
		if (conf->preserve_path)
			server->path = str_ends(parts.path, STR("/"))
					       ? str_take(parts.path, parts.path.len - 1)
					       : parts.path;
		/* Cookies are of the URL as it is written. */
		if (g->service->sticky)
			server->sticky_values = names_sticky_values(conf->url, c->arena);
	}
	return true;
}

static bool gather(struct gathering *g, const struct object *object, const struct service_ref *ref,
		   bool is_child)
{
	struct compile *c = g->compile;

	if (object->kind == KIND_FILE_SERVICE)
		return gather_listed(g, object, ref);
	const struct core_service *service = object->spec;
	bool is_external = str_eq(service->type, STR("ExternalName"));
	struct core_service_port verbatim;
	const struct core_service_port *port = named_port(g, object, ref, &verbatim);
	/* reference k.16: the default does not reach TraefikService children */
	bool is_native = ref->native_lb.set ? ref->native_lb.value
					    : !is_child && c->rules->native_lb_by_default;

	if (!port || !find_scheme(c, ref, port, g->path, &g->scheme))
		return false;
	g->transport = compile_transport(c, ref->servers_transport, object->meta.namespace_,
					 g->scheme, DIAG_FIELD(g->path, "serversTransport"));
	if (!g->transport || !compile_health(c, ref, is_external, g->path, g->service))
		return false;
	if (is_external)
		return external_name(g, service, (uint16_t)port->port);
	if (is_native)
		return native(g, service, (uint16_t)port->port);
	if (ref->node_port_lb && str_eq(service->type, STR("NodePort")))
		return gather_nodes(g, port);
	return gather_slices(g, object, port);
}

/* What is known of each server in this service; the gauge shows what a probe found before. */
static bool join_members(struct compile *c, struct service *service)
{
	for (uint32_t i = 0; i < service->n_servers; i++) {
		struct server *server = &service->servers[i];

		if (registry_member(c->registry, service->name, server->url, &server->member) < 0)
			return false;
		if (server->up_series && atomic_load_explicit(&server->member->down_until_ns,
							      memory_order_relaxed) == LIVE_DOWN)
			metric_gauge_set(registry_metrics(c->registry), server->up_series, 0);
	}
	return true;
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
	ok = ok && (!compile_health_needs_members(ret_service) || join_members(c, ret_service));
	if (!ok) {
		diag_error(c->sink, path, "out of memory");
		return false;
	}
	return compile_health_targets(c, ref, service->meta.namespace_, path, ret_service);
}
