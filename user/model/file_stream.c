// SPDX-License-Identifier: Apache-2.0
/*
 * file_stream: see the header. What is not known stays where it is, so that the object's own field
 * table complains about it.
 */
#include "model/file_stream.h"

#include <stdio.h>

enum { NAME_BYTES = 320 };

/* The only service of a route. It has no port: that is its servers'. */
static json_t *services_of(json_t *conf)
{
	json_t *services = json_array(), *name = file_entry_take(conf, "service");

	if (name)
		json_array_append_new(services, json_pack("{s:o, s:i}", "name", name, "port", 0));
	return services;
}

/* "tls: true" and an empty table mean the same. */
static void spread_tls(json_t *spec)
{
	json_t *value = json_object_get(spec, "tls");

	if (json_is_true(value) || json_is_null(value))
		json_object_set_new(spec, "tls", json_object());
	value = file_entry_find(json_object_get(spec, "tls"), "options");
	if (json_is_string(value))
		json_object_set_new(json_object_get(spec, "tls"), "options",
				    file_entry_ref(json_incref(value), NULL));
}

void file_stream_tcp_router(struct file_entry *entry, json_t *conf)
{
	json_t *route = json_object(), *spec = json_object(), *value;

	if ((value = file_entry_take(conf, "rule")))
		json_object_set_new(route, "match", value);
	if ((value = file_entry_take(conf, "ruleSyntax")))
		json_object_set_new(route, "syntax", value);
	if ((value = file_entry_take(conf, "middlewares")))
		json_object_set_new(route, "middlewares", file_entry_refs(value, NULL));
	json_object_set_new(route, "services", services_of(conf));
	if ((value = file_entry_take(conf, "entryPoints")))
		json_object_set_new(spec, "entryPoints", value);
	if ((value = file_entry_take(conf, "tls")))
		json_object_set_new(spec, "tls", value);
	spread_tls(spec);
	json_object_update_missing(route, conf);
	json_object_set_new(spec, "routes", json_pack("[o]", route));
	file_entry_emit(entry, KIND_INGRESS_ROUTE_TCP, spec);
}

void file_stream_udp_router(struct file_entry *entry, json_t *conf)
{
	json_t *route = json_object(), *spec = json_object(), *value;

	json_object_set_new(route, "services", services_of(conf));
	if ((value = file_entry_take(conf, "entryPoints")))
		json_object_set_new(spec, "entryPoints", value);
	json_object_update_missing(route, conf);
	json_object_set_new(spec, "routes", json_pack("[o]", route));
	file_entry_emit(entry, KIND_INGRESS_ROUTE_UDP, spec);
}

static void service(struct file_entry *entry, const char *prefix, json_t *conf)
{
	char name[NAME_BYTES];
	struct file_entry named = *entry;

	snprintf(name, sizeof(name), "%s" STR_FMT, prefix, STR_ARG(str_take(entry->name, 256)));
	named.name = str_of(name);
	file_entry_emit(&named, KIND_FILE_STREAM_SERVICE, json_incref(conf));
}

void file_stream_tcp_service(struct file_entry *entry, json_t *conf)
{
	service(entry, FILE_TCP, conf);
}

void file_stream_udp_service(struct file_entry *entry, json_t *conf)
{
	service(entry, FILE_UDP, conf);
}

void file_stream_middleware(struct file_entry *entry, json_t *conf)
{
	file_entry_emit(entry, KIND_MIDDLEWARE_TCP, json_incref(conf));
}

void file_stream_transport(struct file_entry *entry, json_t *conf)
{
	file_entry_transport_files(entry, file_entry_find(conf, "tls"));
	file_entry_emit(entry, KIND_SERVERS_TRANSPORT_TCP, json_incref(conf));
}

/* ----------------------------------------------------------- field tables -- */

static const struct field server_fields[] = {
	FIELD(struct file_stream_server, address, .name = "address", .required = true, .min = 1,
	      .max = 300, .doc = "Where the server is: host:port."),
	FIELD(struct file_stream_server, tls, .name = "tls", .doc = "Speaks TLS with it."),
};

static const struct schema schema_server = {
	.name = "server",
	.doc = "A server.",
	.size = sizeof(struct file_stream_server),
	SCHEMA_FIELDS(server_fields),
};

static const struct field health_fields[] = {
	FIELD(struct file_stream_health, port, .name = "port", .min = 0, .max = 65535,
	      .doc = "Port of the probe; that of the server when 0."),
	FIELD(struct file_stream_health, send, .name = "send", .min = 0, .max = 65535,
	      .doc = "What is sent, at most 65535 bytes."),
	FIELD(struct file_stream_health, expect, .name = "expect", .min = 0, .max = 65535,
	      .doc = "What the answer must be."),
	FIELD(struct file_stream_health, interval, .name = "interval", .preset = "30s",
	      .doc = "Time between probes of a healthy server."),
	FIELD(struct file_stream_health, unhealthy_interval, .name = "unhealthyInterval",
	      .doc = "Time between probes of an unhealthy server; interval when absent."),
	FIELD(struct file_stream_health, timeout, .name = "timeout", .preset = "5s",
	      .doc = "How long a probe may take."),
};

static const struct schema schema_health = {
	.name = "healthCheck",
	.doc = "Active probes of the servers.",
	.size = sizeof(struct file_stream_health),
	SCHEMA_FIELDS(health_fields),
};

static const struct field balancer_fields[] = {
	FIELD(struct file_stream_balancer, servers, .name = "servers", .sub = &schema_server,
	      .doc = "The servers."),
	FIELD(struct file_stream_balancer, servers_transport, .name = "serversTransport",
	      .doc = "Settings of connections to the servers."),
	FIELD(struct file_stream_balancer, termination_delay, .name = "terminationDelay",
	      .min = INT64_MIN, .max = INT64_MAX,
	      .doc = "Nanoseconds that a connection may live on after one side's end. "
		     "Deprecated."),
	FIELD_SUB(struct file_stream_balancer, proxy_protocol, &schema_stream_proxy_protocol,
		  .name = "proxyProtocol", .doc = "Sends a PROXY protocol header. Deprecated."),
	FIELD_SUB(struct file_stream_balancer, health_check, &schema_health, .name = "healthCheck",
		  .doc = "Active probes of the servers."),
};

static const struct schema schema_balancer = {
	.name = "loadBalancer",
	.doc = "Servers by their addresses.",
	.size = sizeof(struct file_stream_balancer),
	SCHEMA_FIELDS(balancer_fields),
};

static const struct field child_fields[] = {
	FIELD(struct file_stream_child, name, .name = "name", .required = true, .min = 1,
	      .max = 300, .doc = "Name of the service."),
	FIELD(struct file_stream_child, weight, .name = "weight", .preset = "1", .min = 0,
	      .max = INT32_MAX, .doc = "Its share; 0 gets nothing."),
};

static const struct schema schema_child = {
	.name = "service",
	.doc = "A service and its share.",
	.size = sizeof(struct file_stream_child),
	SCHEMA_FIELDS(child_fields),
};

static const struct schema schema_member_health = {
	.name = "healthCheck",
	.doc = "A service none of whose servers is up gets no turn.",
	.size = sizeof(struct file_stream_member_health),
};

static const struct field weighted_fields[] = {
	FIELD(struct file_stream_weighted, services, .name = "services", .sub = &schema_child,
	      .doc = "The services."),
	FIELD_SUB(struct file_stream_weighted, health_check, &schema_member_health,
		  .name = "healthCheck",
		  .doc = "A service none of whose servers is up gets no turn."),
};

static const struct schema schema_weighted = {
	.name = "weighted",
	.doc = "Services by their shares.",
	.size = sizeof(struct file_stream_weighted),
	SCHEMA_FIELDS(weighted_fields),
};

static const struct field service_fields[] = {
	FIELD_SUB(struct file_stream_service, load_balancer, &schema_balancer,
		  .name = "loadBalancer", .doc = "Servers by their addresses."),
	FIELD_SUB(struct file_stream_service, weighted, &schema_weighted, .name = "weighted",
		  .doc = "Services by their shares."),
};

static void service_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct file_stream_service *spec = decoded;

	if (!spec->load_balancer == !spec->weighted)
		diag_expected(sink, diag_error(sink, path, "not one kind of service"),
			      "exactly one of loadBalancer, weighted");
}

static const struct schema schema_service = {
	.name = "service",
	.doc = "A service of TCP or UDP.",
	.size = sizeof(struct file_stream_service),
	SCHEMA_FIELDS(service_fields),
	.check = service_check,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_service, .name = "spec", .required = true,
		     .doc = "A service of TCP or UDP."),
};

const struct schema schema_file_stream_service = {
	.name = "FileStreamService",
	.doc = "A TCP or UDP service of Traefik's file format.",
	.size = sizeof(struct file_stream_service),
	SCHEMA_FIELDS(object_fields),
};
