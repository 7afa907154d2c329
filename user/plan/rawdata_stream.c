// SPDX-License-Identifier: Apache-2.0
/* rawdata_stream: see the header. Who uses what is looked up route by route: there are few. */

#include "plan/rawdata_stream.h"

#include <stdio.h>

#include "base/num.h"

static const char *const statuses[] = {
	[ROUTE_ENABLED] = "enabled",
	[ROUTE_WARNING] = "warning",
	[ROUTE_DISABLED] = "disabled",
};

static json_t *text(struct str value)
{
	return json_stringn_nocheck(value.at ? value.at : "", value.len);
}

static json_t *texts(const struct strs *values)
{
	json_t *list = json_array();

	for (size_t i = 0; i < values->n; i++)
		json_array_append_new(list, text(values->at[i]));
	return list;
}

static struct str provider_of(struct str name)
{
	ptrdiff_t at = str_rfind(name, '@');

	return at < 0 ? (struct str){0} : str_from(name, (size_t)at + 1);
}

static struct str without_provider(struct str name)
{
	ptrdiff_t at = str_rfind(name, '@');

	return at < 0 ? name : str_take(name, (size_t)at);
}

static void add_identity(json_t *item, struct str name)
{
	json_object_set_new(item, "name", text(name));
	json_object_set_new(item, "provider", text(provider_of(name)));
}

static void put(json_t *object, struct str name, json_t *item)
{
	json_object_setn_new_nocheck(object, name.at, name.len, item);
}

/* ----------------------------------------------------------------- routers -- */

static void add_common(json_t *item, const struct strs *entry_points,
		       const struct stream_service *service, uint8_t status, struct str problem,
		       const struct stream_offload *offload)
{
	json_object_set_new(item, "entryPoints", texts(entry_points));
	if (service)
		json_object_set_new(item, "service", text(without_provider(service->name)));
	json_object_set_new(item, "status", json_string(statuses[status]));
	if (problem.len)
		json_object_set_new(item, "error", json_pack("[o]", text(problem)));
	json_object_set_new(item, "using", texts(entry_points));
	if (offload && offload->text.len)
		json_object_set_new(item, "offload",
				    json_pack("{s:b,s:o}", "kernelPlane", offload->is_offloaded,
					      "why", text(offload->text)));
}

static json_t *tcp_router_item(const struct snapshot *snapshot, const struct tcp_route *route)
{
	json_t *item = json_object();
	char priority[24];

	snprintf(priority, sizeof(priority), "%lld", (long long)route->priority);
	add_common(item, &route->entry_points, route->service, route->status, route->problem,
		   snapshot->tcp_offload ? &snapshot->tcp_offload[route->index] : NULL);
	json_object_set_new(item, "rule", text(route->rule_text));
	json_object_set_new(item, "priority", json_integer(route->priority));
	json_object_set_new(item, "priorityStr", json_string(priority));
	if (route->middleware_names.n)
		json_object_set_new(item, "middlewares", texts(&route->middleware_names));
	if (route->is_tls)
		json_object_set_new(
			item, "tls",
			route->passthrough
				? json_pack("{s:b}", "passthrough", 1)
				: json_pack("{s:b,s:o}", "passthrough", 0, "options",
					    text(route->tls_option.len ? route->tls_option
								       : STR("default"))));
	add_identity(item, route->name);
	return item;
}

static json_t *udp_router_item(const struct snapshot *snapshot, const struct udp_route *route)
{
	json_t *item = json_object();

	add_common(item, &route->entry_points, route->service, route->status, route->problem,
		   snapshot->udp_offload ? &snapshot->udp_offload[route->index] : NULL);
	add_identity(item, route->name);
	return item;
}

/* ---------------------------------------------------------------- services -- */

static json_t *balancer(const struct stream_service *service, uint64_t now_ns, json_t *status)
{
	const struct stream_probe *probe = service->probe;
	json_t *servers = json_array(), *item;
	char text_of[32];

	for (uint32_t i = 0; i < service->n_servers; i++) {
		const struct stream_server *server = &service->servers[i];
		json_t *row = json_pack("{s:o}", "address", text(server->address));

		if (service->transport && service->transport->tls)
			json_object_set_new(row, "tls", json_true());
		json_array_append_new(servers, row);
		put(status, server->address,
		    json_string(live_member_is_up(server->member, now_ns) ? "UP" : "DOWN"));
	}
	item = json_pack("{s:o}", "servers", servers);
	if (service->transport && service->transport->proxy_protocol)
		json_object_set_new(
			item, "proxyProtocol",
			json_pack("{s:i}", "version", (int)service->transport->proxy_protocol));
	if (probe) {
		num_print_duration((int64_t)probe->interval_ns, text_of, sizeof(text_of));
		json_object_set_new(item, "healthCheck",
				    json_pack("{s:i,s:o,s:o,s:s}", "port", (int)probe->port, "send",
					      text(probe->send), "expect", text(probe->expect),
					      "interval", text_of));
	}
	return item;
}

static json_t *weighted(const struct stream_service *service)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < service->n_children; i++) {
		int weight = 0;

		for (uint32_t k = 0; k < service->turns.n_order; k++)
			weight += service->turns.order[k] == i;
		json_array_append_new(list,
				      json_pack("{s:o,s:i}", "name",
						text(without_provider(service->children[i]->name)),
						"weight", weight));
	}
	return json_pack("{s:o}", "services", list);
}

static json_t *service_item(const struct stream_service *service, uint64_t now_ns)
{
	json_t *item = json_object(), *status = json_object();

	if (service->n_children)
		json_object_set_new(item, "weighted", weighted(service));
	else
		json_object_set_new(item, "loadBalancer", balancer(service, now_ns, status));
	json_object_set_new(item, "type",
			    json_string(service->n_children ? "weighted" : "loadbalancer"));
	json_object_set_new(item, "status", json_string("enabled"));
	if (json_object_size(status))
		json_object_set(item, "serverStatus", status);
	json_decref(status);
	add_identity(item, service->name);
	return item;
}

static void add_user(json_t *items, struct str name, struct str router)
{
	json_t *item = json_object_getn(items, name.at, name.len);
	json_t *users = json_object_get(item, "usedBy");

	if (!item)
		return;
	if (!users) {
		users = json_array();
		json_object_set_new(item, "usedBy", users);
	}
	json_array_append_new(users, text(router));
}

static json_t *middleware_item(const struct mw_named *mw)
{
	json_t *item = json_object();

	if (mw->schema && mw->decoded)
		json_object_set_new(item, mw->type, schema_to_json(mw->schema, mw->decoded));
	json_object_set_new(item, "status", json_string(mw->broken ? "disabled" : "enabled"));
	if (mw->problem.len)
		json_object_set_new(item, "error", json_pack("[o]", text(mw->problem)));
	json_object_set_new(item, "type", json_string(mw->type ? mw->type : ""));
	add_identity(item, mw->name);
	return item;
}

/* --------------------------------------------------------------------- all -- */

static void set(json_t *data, const char *key, json_t *items)
{
	if (json_object_size(items))
		json_object_set(data, key, items);
	json_decref(items);
}

static void add_tcp(const struct snapshot *snapshot, uint64_t now_ns, json_t *data)
{
	json_t *routers = json_object(), *services = json_object(), *middlewares = json_object();

	for (uint32_t i = 0; i < snapshot->n_tcp_services; i++)
		put(services, snapshot->tcp_services[i]->name,
		    service_item(snapshot->tcp_services[i], now_ns));
	for (uint32_t i = 0; i < snapshot->n_tcp_middlewares; i++)
		put(middlewares, snapshot->tcp_middlewares[i].name,
		    middleware_item(&snapshot->tcp_middlewares[i]));
	for (uint32_t i = 0; i < snapshot->n_tcp_routes; i++) {
		const struct tcp_route *route = snapshot->tcp_routes[i];

		put(routers, route->name, tcp_router_item(snapshot, route));
		if (route->service)
			add_user(services, route->service->name, route->name);
		for (size_t k = 0; k < route->middleware_names.n; k++)
			add_user(middlewares, route->middleware_names.at[k], route->name);
	}
	set(data, "tcpRouters", routers);
	set(data, "tcpMiddlewares", middlewares);
	set(data, "tcpServices", services);
}

static void add_udp(const struct snapshot *snapshot, uint64_t now_ns, json_t *data)
{
	json_t *routers = json_object(), *services = json_object();

	for (uint32_t i = 0; i < snapshot->n_udp_services; i++)
		put(services, snapshot->udp_services[i]->name,
		    service_item(snapshot->udp_services[i], now_ns));
	for (uint32_t i = 0; i < snapshot->n_udp_routes; i++) {
		const struct udp_route *route = snapshot->udp_routes[i];

		put(routers, route->name, udp_router_item(snapshot, route));
		if (route->service)
			add_user(services, route->service->name, route->name);
	}
	set(data, "udpRouters", routers);
	set(data, "udpServices", services);
}

void rawdata_stream(const struct snapshot *snapshot, uint64_t now_ns, json_t *data)
{
	add_tcp(snapshot, now_ns, data);
	add_udp(snapshot, now_ns, data);
}

static json_t *counts(uint32_t total, uint32_t warnings, uint32_t errors)
{
	return json_pack("{s:i,s:i,s:i}", "total", (int)total, "warnings", (int)warnings, "errors",
			 (int)errors);
}

json_t *rawdata_stream_tcp_counts(const struct snapshot *snapshot)
{
	uint32_t n[3] = {0}, broken = 0;

	for (uint32_t i = 0; i < snapshot->n_tcp_routes; i++)
		n[snapshot->tcp_routes[i]->status]++;
	for (uint32_t i = 0; i < snapshot->n_tcp_middlewares; i++)
		broken += snapshot->tcp_middlewares[i].broken;
	return json_pack("{s:o,s:o,s:o}", "routers",
			 counts(snapshot->n_tcp_routes, n[ROUTE_WARNING], n[ROUTE_DISABLED]),
			 "services", counts(snapshot->n_tcp_services, 0, 0), "middlewares",
			 counts(snapshot->n_tcp_middlewares, 0, broken));
}

json_t *rawdata_stream_udp_counts(const struct snapshot *snapshot)
{
	uint32_t n[3] = {0};

	for (uint32_t i = 0; i < snapshot->n_udp_routes; i++)
		n[snapshot->udp_routes[i]->status]++;
	return json_pack("{s:o,s:o}", "routers",
			 counts(snapshot->n_udp_routes, n[ROUTE_WARNING], n[ROUTE_DISABLED]),
			 "services", counts(snapshot->n_udp_services, 0, 0));
}
