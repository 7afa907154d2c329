// SPDX-License-Identifier: Apache-2.0
/*
 * rawdata: who uses what is found in one pass over the routes, then every item is printed.
 */

#include "plan/rawdata.h"

#include "base/num.h"
#include "base/table.h"

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
	json_t *item = json_object();
	char priority[24];

	(void)snapshot;
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
	json_object_set_new(item, "status", json_string(statuses[route->status]));
	add_problem(item, route->problem);
	json_object_set_new(item, "using", texts(&route->entry_points));
	add_identity(item, route->name);
	return item;
}

static json_t *sticky_json(const struct sticky *sticky)
{
	return json_pack("{s:{s:o}}", "cookie", "name", text(sticky->cookie_name));
}

static json_t *load_balancer(const struct service *service, json_t *status)
{
	json_t *servers = json_array(), *item;
	char flush[32];

	for (uint32_t i = 0; i < service->n_servers; i++) {
		const struct server *server = &service->servers[i];
		json_t *row = json_pack("{s:o}", "url", text(server->url));

		if (server->fenced)
			json_object_set_new(row, "fenced", json_true());
		json_array_append_new(servers, row);
		json_object_setn_new_nocheck(status, server->url.at, server->url.len,
					     json_string("UP"));
	}
	num_print_duration(service->flush_interval_ns, flush, sizeof(flush));
	item = json_pack("{s:o,s:s,s:b,s:{s:s}}", "servers", servers, "strategy", "wrr",
			 "passHostHeader", service->pass_host_header, "responseForwarding",
			 "flushInterval", flush);
	if (service->sticky)
		json_object_set_new(item, "sticky", sticky_json(service->sticky));
	return item;
}

static json_t *weighted(const struct service *service)
{
	json_t *children = json_array(), *item;

	for (uint32_t i = 0; i < service->n_children; i++)
		json_array_append_new(children, json_pack("{s:o,s:i}", "name",
							  text(service->children[i].name), "weight",
							  (int)service->children[i].weight));
	item = json_pack("{s:o}", "services", children);
	if (service->sticky)
		json_object_set_new(item, "sticky", sticky_json(service->sticky));
	return item;
}

static json_t *service_item(const struct service *service, const struct usage *usage)
{
	json_t *item = json_object(), *status = json_object();

	if (service->kind == SERVICE_SERVERS) {
		json_object_set_new(item, "loadBalancer", load_balancer(service, status));
		json_object_set_new(item, "type", json_string("loadbalancer"));
	} else if (service->kind == SERVICE_WEIGHTED) {
		json_object_set_new(item, "weighted", weighted(service));
		json_object_set_new(item, "type", json_string("weighted"));
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

json_t *rawdata_service(const struct snapshot *snapshot, const struct service *service)
{
	struct usage usage;
	json_t *item;

	usage_init(&usage, snapshot);
	item = service_item(service, &usage);
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

json_t *rawdata(const struct snapshot *snapshot)
{
	json_t *routers = json_object(), *services = json_object(), *middlewares = json_object();
	struct usage usage;

	usage_init(&usage, snapshot);
	for (uint32_t i = 0; i < snapshot->n_routes; i++)
		json_object_setn_new_nocheck(routers, snapshot->routes[i]->name.at,
					     snapshot->routes[i]->name.len,
					     rawdata_router(snapshot, snapshot->routes[i]));
	for (uint32_t i = 0; i < snapshot->n_services; i++)
		json_object_setn_new_nocheck(services, snapshot->services[i]->name.at,
					     snapshot->services[i]->name.len,
					     service_item(snapshot->services[i], &usage));
	for (uint32_t i = 0; i < snapshot->n_middlewares; i++)
		json_object_setn_new_nocheck(middlewares, snapshot->middlewares[i].name.at,
					     snapshot->middlewares[i].name.len,
					     middleware_item(&snapshot->middlewares[i], &usage));
	usage_done(&usage);
	return json_pack("{s:o,s:o,s:o}", "routers", routers, "middlewares", middlewares,
			 "services", services);
}
