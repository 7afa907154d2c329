/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_SAME_H
#define COMPILE_SAME_H

/*
 * compile_same: whether two snapshots say the same: what the API shows, servers with their turns,
 * routers in their order, the kernel plane's image, faults. Ids and numbers of series may differ.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plan/kernel_diff.h"
#include "plan/rawdata.h"
#include "plan/router.h"
#include "plan/stream_plan.h"
#include "plan/tcp_router.h"
#include "plan/transport.h"
#include "plan/vip_probe.h"
#include "tls/tls_table.h"

enum { SAME_AROUND = 8 };

/* The first line that differs, with some of those around it. */
static inline void same_fail(const char *what, const char *a, const char *b)
{
	const char *from = a;
	int lines = 0;

	for (; *a && *a == *b; a++, b++)
		if (*a == '\n' && ++lines > SAME_AROUND)
			from = strchr(from, '\n') + 1;
	fail_msg("%s differs after\n%.*s\n--- what changed was compiled:\n%.300s\n--- everything:\n"
		 "%.300s",
		 what, (int)(a - from), from, a, b);
}

static inline void same_json(const char *what, json_t *a, json_t *b)
{
	if (!json_equal(a, b))
		same_fail(what, json_dumps(a, JSON_SORT_KEYS | JSON_INDENT(1)),
			  json_dumps(b, JSON_SORT_KEYS | JSON_INDENT(1)));
	json_decref(a);
	json_decref(b);
}

static inline json_t *same_str(struct str text)
{
	return json_stringn(text.at ? text.at : "", text.len);
}

static inline json_t *same_service(const struct service *service, int depth)
{
	json_t *item = json_object(), *servers = json_array(), *turns = json_array(),
	       *children = json_array();

	for (uint32_t i = 0; i < service->n_servers; i++) {
		const struct server *server = &service->servers[i];

		json_array_append_new(
			servers,
			json_pack("{s:o,s:o,s:b,s:i,s:o,s:i,s:o}", "url", same_str(server->url),
				  "host", same_str(server_host(server)), "fenced", server->fenced,
				  "weight", server->weight, "cookie",
				  same_str(server->sticky_values ? server->sticky_values[0]
								 : (struct str){0}),
				  "scheme", server->scheme, "transport",
				  same_str(server->transport ? server->transport->name
							     : (struct str){0})));
	}
	for (uint32_t i = 0; i < service->turns.n_order; i++)
		json_array_append_new(turns, json_integer(service->turns.order[i]));
	for (uint32_t i = 0; depth < 9 && i < service->n_children; i++)
		json_array_append_new(
			children,
			json_pack("{s:o,s:i,s:o}", "name", same_str(service->children[i].name),
				  "weight", service->children[i].weight, "service",
				  same_service(service->children[i].service, depth + 1)));
	json_object_set_new(item, "name", same_str(service->name));
	json_object_set_new(item, "kind", json_integer(service->kind));
	json_object_set_new(item, "strategy", json_integer(service->strategy));
	json_object_set_new(item, "probed", json_boolean(service->probe));
	json_object_set_new(item, "chain", json_integer(service->chain ? service->chain->n : 0));
	json_object_set_new(item, "servers", servers);
	json_object_set_new(item, "turns", turns);
	json_object_set_new(item, "children", children);
	return item;
}

static inline json_t *same_route(const struct route *route)
{
	json_t *item = json_object(), *chain = json_array();

	for (uint32_t i = 0; i < route->chain.n; i++)
		json_array_append_new(chain, same_str(route->chain.at[i].name));
	json_object_set_new(item, "name", same_str(route->name));
	json_object_set_new(item, "rule", same_str(route->rule_text));
	json_object_set_new(item, "object", same_str(route->object));
	json_object_set_new(item, "priority", json_integer(route->priority));
	json_object_set_new(item, "status", json_integer(route->status));
	json_object_set_new(item, "problem", same_str(route->problem));
	json_object_set_new(item, "policy", json_integer(route->tls_policy));
	json_object_set_new(item, "option", same_str(route->tls_option));
	json_object_set_new(item, "tls", json_boolean(route->is_tls));
	json_object_set_new(item, "chain", chain);
	json_object_set_new(item, "service",
			    route->service ? same_service(route->service, 0) : json_null());
	return item;
}

static inline json_t *same_router(const struct router *router)
{
	json_t *list = json_array();

	for (size_t i = 0; i < router_size(router); i++)
		json_array_append_new(list, same_route(router_route(router, i)));
	return list;
}

/* Turns are shuffled, so only their number is the same. */
static inline json_t *same_stream_service(const struct stream_service *service)
{
	json_t *servers, *children;

	if (!service)
		return json_null();
	servers = json_array();
	children = json_array();
	for (uint32_t i = 0; i < service->n_servers; i++)
		json_array_append_new(servers, same_str(service->servers[i].address));
	for (uint32_t i = 0; i < service->n_children; i++)
		json_array_append_new(children, same_stream_service(service->children[i]));
	return json_pack("{s:o,s:o,s:o,s:i,s:b,s:b,s:i}", "name", same_str(service->name),
			 "servers", servers, "children", children, "turns",
			 (int)service->turns.n_order, "probed", service->probe != NULL, "TLS",
			 service->transport && service->transport->tls, "PROXY",
			 service->transport ? service->transport->proxy_protocol : 0);
}

static inline json_t *same_tcp(const struct snapshot *snapshot, uint32_t i)
{
	const struct tcp_route *route = snapshot->tcp_routes[i];

	return json_pack(
		"{s:o,s:o,s:i,s:o,s:b,s:i,s:o,s:i,s:o,s:o}", "name", same_str(route->name), "rule",
		same_str(route->rule_text), "status", route->status, "problem",
		same_str(route->problem), "TLS", route->is_tls, "policy", route->tls_policy,
		"option", same_str(route->tls_option), "guards", (int)route->n_guards, "service",
		same_stream_service(route->service), "offload",
		same_str(snapshot->tcp_offload ? snapshot->tcp_offload[i].text : (struct str){0}));
}

static inline json_t *same_streams(const struct snapshot *snapshot)
{
	json_t *tcp = json_array(), *udp = json_array(), *entries = json_array();
	int n_probes = 0;

	for (uint32_t i = 0; i < snapshot->n_tcp_routes; i++)
		json_array_append_new(tcp, same_tcp(snapshot, i));
	for (uint32_t i = 0; i < snapshot->n_udp_routes; i++)
		json_array_append_new(
			udp,
			json_pack("{s:o,s:i,s:o,s:o,s:o}", "name",
				  same_str(snapshot->udp_routes[i]->name), "status",
				  snapshot->udp_routes[i]->status, "problem",
				  same_str(snapshot->udp_routes[i]->problem), "service",
				  same_stream_service(snapshot->udp_routes[i]->service), "offload",
				  same_str(snapshot->udp_offload ? snapshot->udp_offload[i].text
								 : (struct str){0})));
	for (uint16_t i = 0; i < snapshot->n_entry_points; i++) {
		const struct entry_point *entry = &snapshot->entry_points[i];
		const struct tcp_route *first = entry->tcp ? tcp_router_first(entry->tcp) : NULL;

		json_array_append_new(
			entries,
			json_pack("{s:b,s:o,s:o,s:b,s:o}", "TCP", entry->tcp != NULL, "first",
				  same_str(first ? first->name : (struct str){0}), "UDP",
				  same_stream_service(entry->udp), "HTTPS",
				  entry->tcp && tcp_router_is_https(entry->tcp, STR("h1")),
				  "option",
				  json_integer(entry->tls_table ? tls_table_policy(entry->tls_table,
										   STR("h1"))
								: 0)));
	}
	for (const struct stream_probe *probe = snapshot->stream_probes; probe; probe = probe->next)
		n_probes++;
	return json_pack("{s:o,s:o,s:o,s:i}", "TCP", tcp, "UDP", udp, "entry points", entries,
			 "probes", n_probes);
}

static inline json_t *same_everything(const struct snapshot *snapshot)
{
	json_t *all = json_object(), *entries = json_array(), *services = json_array(),
	       *probed = json_array(), *routes = json_array();

	for (uint16_t i = 0; i < snapshot->n_entry_points; i++) {
		const struct entry_point *entry = &snapshot->entry_points[i];

		json_array_append_new(entries, json_pack("{s:o,s:o,s:o,s:b,s:I}", "name",
							 same_str(entry->name), "plain",
							 same_router(entry->plain), "tls",
							 same_router(entry->tls), "table",
							 entry->tls_table != NULL, "escalate",
							 (json_int_t)entry->escalate.refusals));
	}
	for (uint32_t i = 0; i < snapshot->n_routes; i++)
		json_array_append_new(routes, same_route(snapshot->routes[i]));
	for (uint32_t i = 0; i < snapshot->n_services; i++)
		json_array_append_new(services, same_service(snapshot->services[i], 0));
	for (uint32_t i = 0; i < snapshot->n_probed; i++)
		json_array_append_new(probed, same_service(snapshot->probed[i], 0));
	json_object_set_new(all, "entryPoints", entries);
	json_object_set_new(all, "routes", routes);
	json_object_set_new(all, "services", services);
	json_object_set_new(all, "probed", probed);
	json_object_set_new(all, "streams", same_streams(snapshot));
	return all;
}

static inline int same_by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Faults as a sorted list: which of several parts is made first may differ. */
static inline json_t *same_diags(const struct snapshot *snapshot)
{
	const struct diag_sink *sink = &snapshot->diags;
	char **texts = calloc(sink->n + 1, sizeof(char *));
	json_t *list = json_array();

	for (size_t i = 0; i < sink->n; i++) {
		json_t *diag = diag_to_json(&sink->at[i]);

		texts[i] = json_dumps(diag, JSON_SORT_KEYS);
		json_decref(diag);
	}
	qsort(texts, sink->n, sizeof(char *), same_by_text);
	for (size_t i = 0; i < sink->n; i++) {
		json_array_append_new(list, json_string(texts[i]));
		free(texts[i]);
	}
	free(texts);
	return list;
}

static inline json_t *same_vips(const struct snapshot *snapshot)
{
	const struct kernel_config *config = snapshot->kernel;
	json_t *services = json_array(), *probes = json_array();

	for (size_t i = 0; config && i < config->n_services; i++) {
		const struct kernel_service *service = config->services[i];
		json_t *backends = json_array();

		for (uint32_t k = 0; k < service->n_backends; k++) {
			const struct kernel_backend *backend = &service->backends[k];
			char text[ADDR_TEXT_MAX];

			addr_print_port(&backend->addr, backend->port, text);
			json_array_append_new(backends, json_pack("[s,i,i]", text, backend->weight,
								  backend->state));
		}
		json_array_append_new(services,
				      json_pack("{s:o,s:o,s:i,s:i,s:I,s:i,s:o}", "name",
						same_str(service->name), "object",
						same_str(service->object), "mode", service->mode,
						"affinity", service->affinity, "drain",
						(json_int_t)service->drain_ns, "index",
						service->index, "backends", backends));
	}
	for (const struct vip_probe *probe = snapshot->vip_probes; probe; probe = probe->next)
		json_array_append_new(probes,
				      json_pack("{s:o,s:i,s:I}", "name", same_str(probe->name),
						"targets", probe->n_targets, "interval",
						(json_int_t)probe->interval_ns));
	return json_pack("[o,o]", services, probes);
}

static inline void same_kernel(const struct snapshot *a, const struct snapshot *b)
{
	struct kernel_scale scale = {.tick_ns = 1000000, .acl_lines = 4096};
	struct kernel_image *images[2];
	struct arena arena;

	arena_init(&arena, 64 << 20, 0);
	if (a->kernel && b->kernel &&
	    kernel_image(a->kernel, NULL, &scale, &arena, &images[0]) == 0 &&
	    kernel_image(b->kernel, NULL, &scale, &arena, &images[1]) == 0) {
		struct kernel_ops ops = {0};

		assert_int_equal(kernel_diff(images[0], images[1], &arena, &ops), 0);
		if (ops.n)
			fail_msg("the kernel plane's image differs in %zu places", ops.n);
	}
	same_json("services of the kernel plane", same_vips(a), same_vips(b));
	assert_int_equal(a->kernel != NULL, b->kernel != NULL);
	arena_done(&arena);
}

/* now_ns is the same for both. */
static inline void same_snapshots(const struct snapshot *quick, const struct snapshot *whole)
{
	same_json("the API's data", rawdata(quick, 1), rawdata(whole, 1));
	same_json("what workers read", same_everything(quick), same_everything(whole));
	same_json("the list of faults", same_diags(quick), same_diags(whole));
	assert_int_equal(quick->diags.n_errors, whole->diags.n_errors);
	assert_int_equal(quick->diags.n_warnings, whole->diags.n_warnings);
	same_kernel(quick, whole);
}

#endif
