// SPDX-License-Identifier: Apache-2.0
/*
 * ingress_route_tcp: the field table of IngressRouteTCP (reference a.2).
 */
#include "model/ingress_route_tcp.h"

static const struct field tls_fields[] = {
	FIELD_FLAT(struct ingress_route_tcp_tls, common, &schema_ingress_route_tls),
	FIELD(struct ingress_route_tcp_tls, passthrough, .name = "passthrough",
	      .doc = "Passes TLS on to the servers, which have the certificates; secretName and "
		     "options have no effect then."),
};

static void tls_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct ingress_route_tcp_tls *tls = decoded;

	if (tls->passthrough && tls->common.secret_name.len)
		diag_warning(sink, DIAG_FIELD(path, "secretName"),
			     "has no effect with passthrough: the servers have the certificates");
	if (tls->passthrough && tls->common.options)
		diag_warning(sink, DIAG_FIELD(path, "options"),
			     "has no effect with passthrough: the servers decide about TLS");
}

static const struct schema schema_tls = {
	.name = "tls",
	.doc = "Makes the routes TLS only, even when empty.",
	.size = sizeof(struct ingress_route_tcp_tls),
	SCHEMA_FIELDS(tls_fields),
	.check = tls_check,
};

static const struct field rule_fields[] = {
	FIELD(struct ingress_route_tcp_rule, match, .name = "match", .required = true,
	      .doc = "Rule that a connection must match, such as HostSNI(`db.example.org`)."),
	FIELD(struct ingress_route_tcp_rule, priority, .name = "priority", .min = INT64_MIN,
	      .max = 9223372036854774807LL,
	      .doc = "Routes of higher priority are tried first; 0 means the length of match, and "
		     "-1 for HostSNI(`*`)."),
	FIELD(struct ingress_route_tcp_rule, syntax, .name = "syntax", .choices = "v3|v2",
	      .doc = "Syntax of match; deprecated. By default as core.defaultRuleSyntax."),
	FIELD(struct ingress_route_tcp_rule, services, .name = "services",
	      .sub = &schema_tcp_service_ref,
	      .doc = "Where connections go; several are balanced by weight."),
	FIELD(struct ingress_route_tcp_rule, middlewares, .name = "middlewares",
	      .sub = &schema_object_ref, .doc = "MiddlewareTCPs, in order of application."),
};

static const struct schema schema_rule = {
	.name = "route",
	.doc = "A rule, and where the connections go that match it.",
	.size = sizeof(struct ingress_route_tcp_rule),
	SCHEMA_FIELDS(rule_fields),
};

static const struct field spec_fields[] = {
	FIELD(struct ingress_route_tcp, ingress_class_name, .name = "ingressClassName",
	      .doc = "Class of the object; compared with the provider's option ingressClass."),
	FIELD(struct ingress_route_tcp, entry_points, .name = "entryPoints",
	      .doc = "Entry points of the routes; the default ones when absent."),
	FIELD(struct ingress_route_tcp, routes, .name = "routes", .required = true,
	      .sub = &schema_rule, .doc = "The routes."),
	FIELD_SUB(struct ingress_route_tcp, tls, &schema_tls, .name = "tls",
		  .doc = "Makes the routes TLS only, even when empty."),
};

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Routes and what they share.",
	.size = sizeof(struct ingress_route_tcp),
	SCHEMA_FIELDS(spec_fields),
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Routes and what they share."),
};

const struct schema schema_ingress_route_tcp = {
	.name = "IngressRouteTCP",
	.doc = "TCP routes: which connections go to which services.",
	.size = sizeof(struct ingress_route_tcp),
	SCHEMA_FIELDS(object_fields),
};
