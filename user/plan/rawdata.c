// SPDX-License-Identifier: Apache-2.0
/*
 * rawdata: who uses what is found in one pass over the routes, then every item is printed.
 */

#include "plan/rawdata.h"

#include "base/num.h"
#include "base/table.h"
#include "plan/compile_conflict.h"
#include "plan/rawdata_stream.h"

/* Names of routers by what they use; values are json arrays, owned. */
struct usage {
	struct table services, middlewares;
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

static void note_use(struct table *users, struct str what, struct str router)
{
	json_t *list = table_find(users, what);

	if (!list) {
		list = json_array();
		if (!list || table_put(users, what, list, NULL) < 0) {
			json_decref(list);
			return;
		}
	}
	json_array_append_new(list, text(router));
}

static void usage_init(struct usage *usage, const struct snapshot *snapshot)
{
	table_init(&usage->services, NULL);
	table_init(&usage->middlewares, NULL);
	for (uint32_t i = 0; i < snapshot->n_routes; i++) {
		const struct route *route = snapshot->routes[i];

		if (route->service)
			note_use(&usage->services, route->service->name, route->name);
		for (size_t j = 0; j < route->middleware_names.n; j++)
			note_use(&usage->middlewares, route->middleware_names.at[j], route->name);
	}
}

static void usage_done(struct usage *usage)
{
	TABLE_EACH (&usage->services, slot)
		json_decref(slot->value);
	TABLE_EACH (&usage->middlewares, slot)
		json_decref(slot->value);
	table_done(&usage->services);
	table_done(&usage->middlewares);
}

static void add_users(json_t *item, const struct table *users, struct str name)
{
	json_t *list = table_find(users, name);

	if (list)
		json_object_set(item, "usedBy", list);
}

static void add_identity(json_t *item, struct str name)
{
	json_object_set_new(item, "name", text(name));
	json_object_set_new(item, "provider", text(provider_of(name)));
}

static void add_problem(json_t *item, struct str problem)
{
	if (problem.len)
		json_object_set_new(item, "error", json_pack("[o]", text(problem)));
}

/* ------------------------------------------------------------------- items -- */

json_t *rawdata_router(const struct snapshot *snapshot, const struct route *route)
{
	static const char *const statuses[] = {
		[ROUTE_ENABLED] = "enabled",
		[ROUTE_WARNING] = "warning",
		[ROUTE_DISABLED] = "disabled",
	};
	struct str hidden = compile_conflict_of(snapshot, route->name);
	json_t *item = json_object();
	char priority[24];
	bool is_hidden;

	snprintf(priority, sizeof(priority), "%lld", (long long)route->priority);
	json_object_set_new(item, "entryPoints", texts(&route->entry_points));
	if (route->middleware_names.n)
		json_object_set_new(item, "middlewares", texts(&route->middleware_names));
	if (route->service)
		json_object_set_new(
			item, "service",
			text(str_eq(provider_of(route->service->name), provider_of(route->name))
				     ? without_provider(route->service->name)
				     : route->service->name));
	json_object_set_new(item, "rule", text(route->rule_text));
	json_object_set_new(item, "priority", json_integer(route->priority));
	json_object_set_new(item, "priorityStr", json_string(priority));
	if (route->is_tls)
		json_object_set_new(item, "tls",
				    json_pack("{s:o}", "options",
					      text(route->tls_option.len ? route->tls_option
									 : STR("default"))));
	is_hidden = route->status == ROUTE_ENABLED && hidden.len;
	json_object_set_new(item, "status",
			    json_string(statuses[is_hidden ? ROUTE_WARNING : route->status]));
	add_problem(item, is_hidden ? hidden : route->problem);
	json_object_set_new(item, "using", texts(&route->entry_points));
	add_identity(item, route->name);
	return item;
}

static json_t *sticky_json(const struct sticky *sticky)
{
	return json_pack("{s:{s:o}}", "cookie", "name", text(sticky->cookie_name));
}

static json_t *duration(uint64_t ns)
{
	char text[32];

	num_print_duration((int64_t)ns, text, sizeof(text));
	return json_string(text);
}

static void add_checks(json_t *item, const struct service *service)
{
	const struct health_probe *probe = service->probe;
	const struct live_passive *passive = service->passive;

	if (probe) {
		json_t *check = json_pack(
			"{s:s,s:o,s:o,s:o,s:o,s:o,s:b}", "mode", probe->is_grpc ? "grpc" : "http",
			"path", text(probe->path), "method", text(probe->method), "interval",
			duration(probe->interval_ns), "unhealthyInterval",
			duration(probe->unhealthy_interval_ns), "timeout",
			duration(probe->timeout_ns), "followRedirects", probe->follow_redirects);

		if (probe->status)
			json_object_set_new(check, "status", json_integer(probe->status));
		if (probe->host.len)
			json_object_set_new(check, "hostname", text(probe->host));
		json_object_set_new(item, "healthCheck", check);
	}
	if (passive)
		json_object_set_new(item, "passiveHealthCheck",
				    json_pack("{s:o,s:i}", "failureWindow",
					      duration(passive->window_ns), "maxFailedAttempts",
					      (int)passive->max_failures));
}

static json_t *load_balancer(const struct service *service, uint64_t now_ns, json_t *status)
{
	static const char *const strategies[] = {
		[STRATEGY_WRR] = "wrr",
		[STRATEGY_P2C] = "p2c",
		[STRATEGY_HRW] = "hrw",
		[STRATEGY_LEASTTIME] = "leasttime",
	};
	json_t *servers = json_array(), *item;

	for (uint32_t i = 0; i < service->n_servers; i++) {
		const struct server *server = &service->servers[i];
		json_t *row = json_pack("{s:o}", "url", text(server->url));
		bool is_up = live_member_is_up(server->member, now_ns);

		if (server->fenced)
			json_object_set_new(row, "fenced", json_true());
		json_array_append_new(servers, row);
		json_object_setn_new_nocheck(status, server->url.at, server->url.len,
					     json_string(is_up ? "UP" : "DOWN"));
	}
	item = json_pack("{s:o,s:s,s:b,s:{s:o}}", "servers", servers, "strategy",
			 strategies[service->strategy], "passHostHeader", service->pass_host_header,
			 "responseForwarding", "flushInterval",
			 duration((uint64_t)service->flush_interval_ns));
	if (service->sticky)
		json_object_set_new(item, "sticky", sticky_json(service->sticky));
	add_checks(item, service);
	return item;
}

/* Children from the first-th on, with their weights or percentages. */
static json_t *children(const struct service *service, uint32_t first, const char *number)
{
	json_t *list = json_array();

	for (uint32_t i = first; i < service->n_children; i++) {
		const struct service_child *child = &service->children[i];

		json_array_append_new(
			list, json_pack("{s:o,s:i}", "name", text(child->name), number,
					service->kind == SERVICE_MIRRORING ? (int)child->percent
									   : (int)child->weight));
	}
	return list;
}

static json_t *mirroring(const struct service *service)
{
	return json_pack("{s:o,s:b,s:I,s:o}", "service", text(service->children[0].name),
			 "mirrorBody", service->mirror_body, "maxBodySize",
			 (json_int_t)service->max_body_bytes, "mirrors",
			 children(service, 1, "percent"));
}

static json_t *failover(const struct service *service)
{
	json_t *statuses = json_array();
	char range[16];

	for (uint32_t i = 0; i < service->n_statuses; i++) {
		const struct status_range *row = &service->statuses[i];

		snprintf(range, sizeof(range), row->from == row->to ? "%u" : "%u-%u", row->from,
			 row->to);
		json_array_append_new(statuses, json_string(range));
	}
	return json_pack("{s:o,s:o,s:{s:o,s:I}}", "service", text(service->children[0].name),
			 "fallback", text(service->children[1].name), "errors", "status", statuses,
			 "maxRequestBodyBytes", (json_int_t)service->max_body_bytes);
}

/* What it is made of, under the name of its kind. */
static void add_kind(json_t *item, const struct service *service, uint64_t now_ns, json_t *status)
{
	const char *name = NULL, *type = NULL;
	json_t *what = NULL;

	switch (service->kind) {
	case SERVICE_SERVERS:
		name = "loadBalancer";
		type = "loadbalancer";
		what = load_balancer(service, now_ns, status);
		break;
	case SERVICE_WEIGHTED:
		name = type = "weighted";
		what = json_pack("{s:o}", "services", children(service, 0, "weight"));
		if (service->sticky)
			json_object_set_new(what, "sticky", sticky_json(service->sticky));
		break;
	case SERVICE_MIRRORING:
		name = type = "mirroring";
		what = mirroring(service);
		break;
	case SERVICE_HIGHEST_RANDOM_WEIGHT:
		name = "highestRandomWeight";
		type = "highestrandomweight";
		what = json_pack("{s:o}", "services", children(service, 0, "weight"));
		break;
	case SERVICE_FAILOVER:
		name = type = "failover";
		what = failover(service);
		break;
	case SERVICE_NOOP:
		return;
	}
	json_object_set_new(item, name, what);
	json_object_set_new(item, "type", json_string(type));
}

static json_t *service_item(const struct service *service, const struct usage *usage,
			    uint64_t now_ns)
{
	json_t *item = json_object(), *status = json_object();

	add_kind(item, service, now_ns, status);
	if (service->chain) {
		json_t *list = json_array();

		for (uint16_t i = 0; i < service->chain->n; i++)
			json_array_append_new(list, text(service->chain->at[i].name));
		json_object_set_new(item, "middlewares", list);
	}
	json_object_set_new(item, "status", json_string("enabled"));
	if (json_object_size(status))
		json_object_set(item, "serverStatus", status);
	json_decref(status);
	add_users(item, &usage->services, service->name);
	add_identity(item, service->name);
	return item;
}

static json_t *middleware_item(const struct mw_named *mw, const struct usage *usage)
{
	json_t *item = json_object();

	if (mw->schema && mw->decoded)
		json_object_set_new(item, mw->type, schema_to_json(mw->schema, mw->decoded));
	json_object_set_new(item, "status", json_string(mw->broken ? "disabled" : "enabled"));
	add_problem(item, mw->problem);
	add_users(item, &usage->middlewares, mw->name);
	add_identity(item, mw->name);
	json_object_set_new(item, "type", json_string(mw->type ? mw->type : ""));
	return item;
}

json_t *rawdata_service(const struct snapshot *snapshot, const struct service *service,
			uint64_t now_ns)
{
	struct usage usage;
	json_t *item;

	usage_init(&usage, snapshot);
	item = service_item(service, &usage, now_ns);
	usage_done(&usage);
	return item;
}

json_t *rawdata_middleware(const struct snapshot *snapshot, const struct mw_named *middleware)
{
	struct usage usage;
	json_t *item;

	usage_init(&usage, snapshot);
	item = middleware_item(middleware, &usage);
	usage_done(&usage);
	return item;
}

json_t *rawdata(const struct snapshot *snapshot, uint64_t now_ns)
{
	json_t *routers = json_object(), *services = json_object(), *middlewares = json_object();
	struct usage usage;
	json_t *data;

	usage_init(&usage, snapshot);
	for (uint32_t i = 0; i < snapshot->n_routes; i++)
		json_object_setn_new_nocheck(routers, snapshot->routes[i]->name.at,
					     snapshot->routes[i]->name.len,
					     rawdata_router(snapshot, snapshot->routes[i]));
	for (uint32_t i = 0; i < snapshot->n_services; i++)
		json_object_setn_new_nocheck(services, snapshot->services[i]->name.at,
					     snapshot->services[i]->name.len,
					     service_item(snapshot->services[i], &usage, now_ns));
	for (uint32_t i = 0; i < snapshot->n_middlewares; i++)
		json_object_setn_new_nocheck(middlewares, snapshot->middlewares[i].name.at,
					     snapshot->middlewares[i].name.len,
					     middleware_item(&snapshot->middlewares[i], &usage));
	usage_done(&usage);
	data = json_pack("{s:o,s:o,s:o}", "routers", routers, "middlewares", middlewares,
			 "services", services);
	if (data)
		rawdata_stream(snapshot, now_ns, data);
	return data;
}
