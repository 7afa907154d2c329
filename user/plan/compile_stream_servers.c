// SPDX-License-Identifier: Apache-2.0
/*
 * compile_stream_servers: a Service and its EndpointSlices -> servers of TCP and UDP (reference
 * a.0, a.2).
 *
 * Other than for HTTP, only ready endpoints are taken, one whose readiness is not said is none, and
 * nodePortLB is looked at first. Turns follow reference d.1: the servers in an order that is
 * another in every process, then stepping by the greatest common divisor of the weights.
 */

#include <stdlib.h>

#include "base/hash.h"
#include "model/core_node.h"
#include "model/core_service.h"
#include "model/endpoint_slice.h"
#include "plan/backend_rule.h"
#include "plan/compile_stream.h"

enum { SERVERS_MAX = 65535 /* turns are 16 bit */, HOST_TEXT_MAX = 272 };

struct gathering {
	struct compile *compile;
	struct stream_service *service;
	const struct diag_path *path;
	struct table seen; /* addresses */
};

/* ------------------------------------------------------------------ one -- */

static struct stream_server *server_new(struct compile *c, struct stream_service *service)
{
	uint32_t n = service->n_servers;

	if (n == SERVERS_MAX)
		return NULL;
	/* Room for 1, 2, 4, ...: full whenever the number is a power of two. */
	if ((n & (n - 1)) == 0) {
		struct stream_server *servers =
			ARENA_ARRAY(service->is_bare ? &c->scratch : c->arena, struct stream_server,
				    n ? (size_t)n * 2 : 1);

		if (!servers)
			return NULL;
		if (n)
			memcpy(servers, service->servers, n * sizeof(*servers));
		service->servers = servers;
	}
	return &service->servers[service->n_servers++];
}

static bool is_dns_name(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' &&
		    c != '_')
			return false;
	}
	return text.len > 0 && text.len <= 253;
}

static bool read_host(struct compile *c, struct str host, struct stream_server *server,
		      char ret_text[HOST_TEXT_MAX], const struct diag_path *path)
{
	const char *why;

	if (addr_parse(host, &server->addr) < 0) {
		if (is_dns_name(host)) {
			server->dns_name = host;
			snprintf(ret_text, HOST_TEXT_MAX, STR_FMT ":%u", STR_ARG(host),
				 server->port);
			return true;
		}
		diag_found(c->sink,
			   diag_error(c->sink, path,
				      "a backend is neither an IP address nor a DNS name"),
			   host);
		return false;
	}
	why = backend_rule_refuses(c->config, &server->addr, server->port);
	addr_print_port(&server->addr, server->port, ret_text);
	if (!why)
		return true;
	diag_suggest(c->sink,
		     diag_error(c->sink, path, "backend %s is refused: it is %s", ret_text, why),
		     "set security.allowLoopbackBackends if this is meant");
	return false;
}

bool compile_stream_server_add(struct compile *c, struct stream_service *service, struct str host,
			       uint16_t port, const struct diag_path *path)
{
	struct stream_server draft = {.port = port}, *server;
	uint64_t transport = service->transport ? service->transport->id : 0;
	char text[HOST_TEXT_MAX];

	if (!read_host(c, host, &draft, text, path))
		return false;
	server = server_new(c, service);
	if (!server)
		return false;
	*server = draft;
	if (service->is_bare)
		return true;
	server->address = arena_str(c->arena, str_of(text));
	if (registry_server(c->registry,
			    arena_printf(c->arena, "%s://%s %llu",
					 service->transport ? "tcp" : "udp", text,
					 (unsigned long long)transport),
			    server->dns_name.len > 0, &server->id, &server->live) < 0)
		c->arena->failed = true;
	if (service->probe &&
	    registry_member(c->registry, service->name, server->address, &server->member) < 0)
		c->arena->failed = true;
	return true;
}

static void gather_address(struct gathering *g, struct str text, uint16_t port)
{
	struct compile *c = g->compile;
	struct addr *addr = ARENA_NEW(&c->scratch, struct addr);

	if (!addr)
		return;
	if (addr_parse(text, addr) < 0) {
		diag_found(c->sink,
			   diag_error(c->sink, g->path, "an endpoint's address is no IP address"),
			   text);
		return;
	}
	struct str key = str_n((const char *)addr->byte, sizeof(addr->byte));

	if (table_find(&g->seen, key))
		return;
	table_put(&g->seen, key, addr, NULL);
	compile_stream_server_add(c, g->service, text, port, g->path);
}

/* -------------------------------------------------------------- endpoints -- */

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

/* One that is not ready, or not any more: what the kernel plane sends there may end there. */
static void gather_drain(struct gathering *g, struct str text, uint16_t port)
{
	struct stream_service *service = g->service;
	struct stream_drain drain = {.port = port};

	if (addr_parse(text, &drain.addr) < 0 ||
	    backend_rule_refuses(g->compile->config, &drain.addr, port))
		return;
	/* Room for 1, 2, 4, ...: full whenever the number is a power of two. */
	if ((service->n_drains & (service->n_drains - 1)) == 0) {
		size_t room = service->n_drains ? (size_t)service->n_drains * 2 : 1;
		struct stream_drain *at = ARENA_ARRAY(g->compile->arena, struct stream_drain, room);

		if (!at)
			return;
		if (service->n_drains)
			memcpy(at, service->drains, service->n_drains * sizeof(*at));
		service->drains = at;
	}
	service->drains[service->n_drains++] = drain;
}

/* reference a.0: ready, and said to be */
static void gather_slice(struct gathering *g, const struct endpoint_slice *slice,
			 struct str port_name)
{
	uint16_t port = port_of_slice(slice, port_name);

	if (str_eq(slice->address_type, STR("FQDN")))
		return;
	for (size_t i = 0; port && i < slice->endpoints.n; i++) {
		const struct slice_endpoint *endpoint =
			LIST_AT(slice->endpoints, struct slice_endpoint, i);
		bool is_ready = endpoint->conditions.ready.set && endpoint->conditions.ready.value;

		for (size_t j = 0; j < endpoint->addresses.n; j++) {
			if (is_ready)
				gather_address(g, endpoint->addresses.at[j], port);
			else
				gather_drain(g, endpoint->addresses.at[j], port);
		}
	}
}

static bool gather_slices(struct gathering *g, const struct object *object,
			  const struct core_service_port *port)
{
	struct compile *c = g->compile;
	const struct compile_slices *slices = compile_slices(c, object);

	for (size_t i = 0; slices && i < slices->n; i++)
		gather_slice(g, slices->at[i]->spec, port->name);
	if (g->service->n_servers || c->rules->allow_empty_services)
		return true;
	diag_suggest(c->sink,
		     diag_error(c->sink, g->path,
				"Service " STR_FMT "/" STR_FMT
				" has no ready endpoints for port %lld",
				STR_ARG(object->meta.namespace_), STR_ARG(object->meta.name),
				(long long)port->port),
		     "set providers.%s.allowEmptyServices to close connections instead",
		     c->rules->option);
	return false;
}

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
	for (size_t i = 0; nodes && i < n; i++) {
		const struct core_node *node = nodes[i]->valid ? nodes[i]->spec : NULL;

		for (size_t j = 0; node && j < node->addresses.n; j++) {
			const struct node_address *row =
				LIST_AT(node->addresses, const struct node_address, j);

			if (str_eq(row->type, STR("InternalIP")))
				gather_address(g, row->address, (uint16_t)port->node_port);
		}
	}
	if (g->service->n_servers)
		return true;
	diag_suggest(c->sink, diag_error(c->sink, path, "no Node with an InternalIP is known"),
		     "put the cluster's Node objects beside the other manifests");
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

static const struct core_service_port *named_port(struct gathering *g, const struct object *object,
						  const struct int_or_str *wanted,
						  struct core_service_port *verbatim)
{
	struct diag_sink *sink = g->compile->sink;
	const struct core_service *service = object->spec;
	const struct core_service_port *port = find_port(service, wanted);

	if (!wanted->set || !wanted->text.len || (wanted->is_number && !wanted->number)) {
		diag_error(sink, DIAG_FIELD(g->path, "port"), "a port is needed");
		return NULL;
	}
	if (!port && str_eq(service->type, STR("ExternalName")) && wanted->is_number) {
		*verbatim = (struct core_service_port){.port = wanted->number};
		port = verbatim;
	}
	if (port && port->port > 0 && port->port <= 65535)
		return port;
	diag_error(sink, DIAG_FIELD(g->path, "port"),
		   "Service " STR_FMT "/" STR_FMT " has no port " STR_FMT,
		   STR_ARG(object->meta.namespace_), STR_ARG(object->meta.name),
		   STR_ARG(wanted->text));
	return NULL;
}

static bool external_name(struct gathering *g, const struct core_service *service, uint16_t port)
{
	struct compile *c = g->compile;

	if (c->rules->allow_external_name_services)
		return compile_stream_server_add(c, g->service, service->external_name, port,
						 g->path);
	diag_suggest(c->sink, diag_error(c->sink, g->path, "ExternalName services are not allowed"),
		     "set providers.%s.allowExternalNameServices", c->rules->option);
	return false;
}

static bool native(struct gathering *g, const struct core_service *service, uint16_t port)
{
	struct addr addr;

	if (addr_parse(service->cluster_ip, &addr) < 0) {
		diag_error(g->compile->sink, g->path, "nativeLB needs a Service with a clusterIP");
		return false;
	}
	return compile_stream_server_add(g->compile, g->service, service->cluster_ip, port,
					 g->path);
}

/* reference a.0: the order of evaluation of TCP and UDP */
static bool gather(struct gathering *g, const struct object *object,
		   const struct stream_service_ref *ref)
{
	const struct core_service *service = object->spec;
	bool is_external = str_eq(service->type, STR("ExternalName"));
	bool is_native =
		ref->native_lb.set ? ref->native_lb.value : g->compile->rules->native_lb_by_default;
	struct core_service_port verbatim;
	const struct core_service_port *port = named_port(g, object, &ref->port, &verbatim);

	if (!port)
		return false;
	if (ref->node_port_lb && str_eq(service->type, STR("NodePort")))
		return gather_nodes(g, port);
	if (is_external)
		return external_name(g, service, (uint16_t)port->port);
	if (is_native)
		return native(g, service, (uint16_t)port->port);
	return gather_slices(g, object, port);
}

bool compile_stream_servers(struct compile *c, const struct object *service,
			    const struct stream_service_ref *ref, const struct diag_path *path,
			    struct stream_service *ret_service)
{
	struct gathering g = {.compile = c, .service = ret_service, .path = path};
	int64_t *weights;

	table_init(&g.seen, &c->scratch);
	if (!gather(&g, service, ref))
		return false;
	weights = ARENA_ARRAY(&c->scratch, int64_t, ret_service->n_servers + 1);
	for (uint32_t i = 0; weights && i < ret_service->n_servers; i++)
		weights[i] = 1;
	return weights && compile_stream_turns(c, ret_service, weights, ret_service->n_servers);
}

/* ------------------------------------------------------------------ turns -- */

/* A place that is another in every process, and stays in one: keyed hash of the name. */
struct shuffled {
	uint64_t key;
	size_t index;
};

static int by_key(const void *a, const void *b)
{
	const struct shuffled *x = a, *y = b;

	return x->key != y->key ? (x->key > y->key ? 1 : -1)
				: (x->index > y->index) - (x->index < y->index);
}

bool compile_stream_turns(struct compile *c, struct stream_service *service, const int64_t *weights,
			  size_t n)
{
	struct shuffled *places = ARENA_ARRAY(&c->scratch, struct shuffled, n + 1);
	int64_t *shuffled = ARENA_ARRAY(&c->scratch, int64_t, n + 1);
	struct turn_order *turns = &service->turns;

	if (!places || !shuffled)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct str name = service->children ? service->children[i]->name
						    : service->servers[i].address;

		places[i] = (struct shuffled){hash_keyed(name), i};
	}
	if (n)
		qsort(places, n, sizeof(*places), by_key);
	for (size_t i = 0; i < n; i++)
		shuffled[i] = weights[places[i].index];
	if (!compile_balance_steps(shuffled, n, c->arena, turns))
		return false;
	for (uint32_t i = 0; i < turns->n_order; i++)
		turns->order[i] = (uint16_t)places[turns->order[i]].index;
	return true;
}
