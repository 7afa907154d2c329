// SPDX-License-Identifier: Apache-2.0
/*
 * service_ref: the field tables of references and of Traefik's LoadBalancerSpec (reference a.1).
 */
#include "model/service_ref.h"

static const struct field object_ref_fields[] = {
	FIELD(struct object_ref, name, .name = "name", .required = true, .format = "reference",
	      .doc = "Name of the object; name@provider for one of another provider.", .min = 1,
	      .max = 253),
	FIELD(struct object_ref, namespace_, .name = "namespace", .format = "namespace",
	      .doc = "Its namespace; that of the referring object when absent."),
};

const struct schema schema_object_ref = {
	.name = "reference",
	.doc = "A reference to another object.",
	.size = sizeof(struct object_ref),
	SCHEMA_FIELDS(object_ref_fields),
};

static const struct field cookie_fields[] = {
	FIELD(struct sticky_cookie, name, .name = "name",
	      .doc = "Name of the cookie; derived from the service's name when absent."),
	FIELD(struct sticky_cookie, secure, .name = "secure", .doc = "Adds the Secure attribute."),
	FIELD(struct sticky_cookie, http_only, .name = "httpOnly",
	      .doc = "Adds the HttpOnly attribute."),
	FIELD(struct sticky_cookie, same_site, .name = "sameSite",
	      .choices = "none|lax|strict|None|Lax|Strict",
	      .doc = "Value of the SameSite attribute; no attribute when absent."),
	FIELD(struct sticky_cookie, max_age, .name = "maxAge",
	      .doc = "Seconds the cookie lives: 0 leaves the attribute out, a negative number "
		     "deletes."),
	FIELD(struct sticky_cookie, path, .name = "path", .preset = "/", .format = "cookie",
	      .doc = "Value of the Path attribute."),
	FIELD(struct sticky_cookie, domain, .name = "domain", .format = "cookie",
	      .doc = "Value of the Domain attribute; no attribute when absent."),
};

static const struct schema schema_cookie = {
	.name = "cookie",
	.doc = "The cookie that ties a client to a server.",
	.size = sizeof(struct sticky_cookie),
	SCHEMA_FIELDS(cookie_fields),
};

static const struct field sticky_fields[] = {
	FIELD_SUB(struct sticky_conf, cookie, &schema_cookie, .name = "cookie",
		  .doc = "Keeps a client at its server by a cookie."),
};

const struct schema schema_sticky = {
	.name = "sticky",
	.doc = "Stickiness of clients to servers.",
	.size = sizeof(struct sticky_conf),
	SCHEMA_FIELDS(sticky_fields),
};

static const struct field health_check_fields[] = {
	FIELD(struct health_check, scheme, .name = "scheme", .choices = "http|https|h2c",
	      .doc = "Scheme of the probe; that of the server when absent."),
	FIELD(struct health_check, mode, .name = "mode", .preset = "http", .choices = "http|grpc",
	      .doc = "Kind of probe."),
	FIELD(struct health_check, path, .name = "path", .format = "value",
	      .doc = "Path that is asked for."),
	FIELD(struct health_check, method, .name = "method", .preset = "GET", .format = "token",
	      .doc = "Method of the probe."),
	FIELD(struct health_check, status, .name = "status", .min = 0, .max = 599,
	      .doc = "Status that means healthy; any of 200 to 399 when 0."),
	FIELD(struct health_check, port, .name = "port", .min = 0, .max = 65535,
	      .doc = "Port of the probe; that of the server when 0."),
	FIELD(struct health_check, interval, .name = "interval", .preset = "30s",
	      .doc = "Time between probes of a healthy server."),
	FIELD(struct health_check, unhealthy_interval, .name = "unhealthyInterval",
	      .doc = "Time between probes of an unhealthy server; interval when absent."),
	FIELD(struct health_check, timeout, .name = "timeout", .preset = "5s",
	      .doc = "How long a probe may take."),
	FIELD(struct health_check, hostname, .name = "hostname", .format = "value",
	      .doc = "Host header of the probe."),
	FIELD(struct health_check, follow_redirects, .name = "followRedirects", .preset = "true",
	      .doc = "Follows redirections."),
	FIELD(struct health_check, headers, .name = "headers", .format = "value",
	      .doc = "Further headers of the probe."),
};

static const struct schema schema_health_check = {
	.name = "healthCheck",
	.doc = "Active probes of the servers.",
	.size = sizeof(struct health_check),
	SCHEMA_FIELDS(health_check_fields),
};

static const struct field passive_fields[] = {
	FIELD(struct passive_health_check, failure_window, .name = "failureWindow", .preset = "10s",
	      .doc = "Time in which failures are counted, and a server rests."),
	FIELD(struct passive_health_check, max_failed_attempts, .name = "maxFailedAttempts",
	      .preset = "1", .doc = "Failures in that time that make a server rest."),
};

static const struct schema schema_passive = {
	.name = "passiveHealthCheck",
	.doc = "Rests servers whose answers fail.",
	.size = sizeof(struct passive_health_check),
	SCHEMA_FIELDS(passive_fields),
};

static const struct field forwarding_fields[] = {
	FIELD(struct response_forwarding, flush_interval, .name = "flushInterval",
	      .preset = "100ms", .support = DIFFERS,
	      .note = "pieces go out as they come; only what a body filter (compress) holds back "
		      "waits so long",
	      .doc = "How long a piece of a response may wait for more; negative: not at all."),
};

static const struct schema schema_forwarding = {
	.name = "responseForwarding",
	.doc = "How responses are passed on.",
	.size = sizeof(struct response_forwarding),
	SCHEMA_FIELDS(forwarding_fields),
};

static const struct field service_fields[] = {
	FIELD(struct service_ref, name, .name = "name", .required = true, .format = "reference",
	      .min = 1, .max = 253, .doc = "Name of the Service or TraefikService."),
	FIELD(struct service_ref, kind, .name = "kind", .preset = "Service",
	      .choices = "Service|TraefikService", .doc = "Kind of the object."),
	FIELD(struct service_ref, namespace_, .name = "namespace", .format = "namespace",
	      .doc = "Its namespace; that of the referring object when absent."),
	FIELD(struct service_ref, port, .name = "port",
	      .doc = "Port of the Service, by number or by name."),
	FIELD(struct service_ref, scheme, .name = "scheme", .choices = "http|https|h2c",
	      .doc = "Scheme towards the servers; https when the port is 443 or its name begins "
		     "so."),
	FIELD(struct service_ref, strategy, .name = "strategy", .preset = "wrr",
	      .choices = "wrr|p2c|hrw|leasttime|RoundRobin",
	      .doc = "How a server is chosen; RoundRobin is another word for wrr."),
	FIELD(struct service_ref, pass_host_header, .name = "passHostHeader", .preset = "true",
	      .doc = "Sends the client's Host header to the server, not the server's address."),
	FIELD(struct service_ref, weight, .name = "weight", .preset = "1", .min = 0,
	      .max = INT32_MAX, .doc = "Share of the requests among several services."),
	FIELD(struct service_ref, native_lb, .name = "nativeLB",
	      .doc = "Sends to the Service's cluster IP and lets the cluster balance."),
	FIELD(struct service_ref, node_port_lb, .name = "nodePortLB",
	      .doc = "Sends to the nodes' internal addresses and the Service's node port."),
	FIELD(struct service_ref, servers_transport, .name = "serversTransport",
	      .doc = "ServersTransport with the settings of connections to the servers."),
	FIELD_SUB(struct service_ref, sticky, &schema_sticky, .name = "sticky",
		  .doc = "Stickiness of clients to servers."),
	FIELD_SUB(struct service_ref, response_forwarding, &schema_forwarding,
		  .name = "responseForwarding", .doc = "How responses are passed on."),
	FIELD_SUB(struct service_ref, health_check, &schema_health_check, .name = "healthCheck",
		  .doc = "Active probes of the servers (ExternalName services only)."),
	FIELD_SUB(struct service_ref, passive_health_check, &schema_passive,
		  .name = "passiveHealthCheck", .doc = "Rests servers whose answers fail."),
	FIELD(struct service_ref, middlewares, .name = "middlewares", .sub = &schema_object_ref,
	      .doc = "Middlewares of the service, run after those of the route."),
};

static void service_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct service_ref *ref = decoded;

	const struct {
		const char *name;
		bool is_set;
	} own[] = {
		{"sticky", ref->sticky},
		{"healthCheck", ref->health_check},
		{"passiveHealthCheck", ref->passive_health_check},
		{"middlewares", ref->middlewares.n > 0},
		{"serversTransport", ref->servers_transport.len > 0},
		{"strategy", !str_eq(ref->strategy, STR("wrr"))},
	};

	for (size_t i = 0; service_ref_is_traefik(ref) && i < sizeof(own) / sizeof(*own); i++)
		if (own[i].is_set)
			diag_warning(sink, DIAG_FIELD(path, own[i].name),
				     "has no effect on a TraefikService: set it on the Services "
				     "inside");
}

const struct schema schema_service_ref = {
	.name = "service",
	.doc = "A Service or TraefikService that gets requests.",
	.size = sizeof(struct service_ref),
	SCHEMA_FIELDS(service_fields),
	.check = service_check,
};

bool service_ref_is_traefik(const struct service_ref *ref)
{
	return str_eq(ref->kind, STR("TraefikService"));
}
