// SPDX-License-Identifier: Apache-2.0
/*
 * ingress_route: the field table of IngressRoute (reference a.1).
 *
 * What is not supported yet is never passed over where requests would be treated otherwise than the
 * object says: the route that asks for it is not served.
 */
#include "model/ingress_route.h"

static const struct field domain_fields[] = {
	FIELD(struct tls_domain, main, .name = "main", .doc = "Main name of the certificate."),
	FIELD(struct tls_domain, sans, .name = "sans", .doc = "Its other names."),
};

static const struct schema schema_tls_domain = {
	.name = "domain",
	.doc = "Names of a certificate to request.",
	.size = sizeof(struct tls_domain),
	SCHEMA_FIELDS(domain_fields),
};

#define NO_ACME "no certificate is requested: tls.secretName or the default certificate is used"

static const struct field tls_fields[] = {
	FIELD(struct ingress_route_tls, secret_name, .name = "secretName", .format = "name",
	      .doc = "Secret of type kubernetes.io/tls in the object's namespace."),
	FIELD_SUB(struct ingress_route_tls, options, &schema_object_ref, .name = "options",
		  .doc = "TLSOption for connections to these hosts."),
	FIELD_SUB(struct ingress_route_tls, store, &schema_object_ref, .name = "store",
		  .support = IGNORED, .note = "as in Traefik, there is one store",
		  .doc = "TLSStore of the certificates."),
	FIELD(struct ingress_route_tls, cert_resolver, .name = "certResolver", .support = IGNORED,
	      .note = NO_ACME, .doc = "Resolver that requests the certificates."),
	FIELD(struct ingress_route_tls, domains, .name = "domains", .sub = &schema_tls_domain,
	      .support = IGNORED, .note = NO_ACME, .doc = "Names of the certificates to request."),
};

const struct schema schema_ingress_route_tls = {
	.name = "tls",
	.doc = "Makes the routes HTTPS only, even when empty.",
	.size = sizeof(struct ingress_route_tls),
	SCHEMA_FIELDS(tls_fields),
};

static const struct field observability_fields[] = {
	FIELD(struct route_observability, access_logs, .name = "accessLogs",
	      .doc = "Logs requests of this route; as the entry point says when absent."),
	FIELD(struct route_observability, metrics, .name = "metrics",
	      .doc = "Counts requests of this route; as the entry point says when absent."),
	FIELD(struct route_observability, tracing, .name = "tracing",
	      .doc = "Traces requests of this route; as the entry point says when absent."),
	FIELD(struct route_observability, trace_verbosity, .name = "traceVerbosity",
	      .preset = "minimal", .choices = "minimal|detailed", .doc = "How much is traced."),
};

static const struct schema schema_observability = {
	.name = "observability",
	.doc = "What is observed of a route.",
	.size = sizeof(struct route_observability),
	SCHEMA_FIELDS(observability_fields),
};

static const struct field rule_fields[] = {
	FIELD(struct ingress_route_rule, match, .name = "match", .required = true,
	      .doc = "Rule that a request must match, such as Host(`example.org`) && "
		     "PathPrefix(`/a`)."),
	FIELD(struct ingress_route_rule, kind, .name = "kind", .choices = "Rule",
	      .doc = "Always Rule."),
	FIELD(struct ingress_route_rule, priority, .name = "priority", .min = INT64_MIN,
	      .max = 9223372036854774807LL,
	      .doc = "Routes of higher priority are tried first; 0 means the length of match."),
	FIELD(struct ingress_route_rule, syntax, .name = "syntax",
	      .doc = "Syntax of match: v3 or v2; deprecated. By default as "
		     "core.defaultRuleSyntax."),
	FIELD(struct ingress_route_rule, services, .name = "services", .sub = &schema_service_ref,
	      .doc = "Where requests go; several are balanced by weight."),
	FIELD(struct ingress_route_rule, middlewares, .name = "middlewares",
	      .sub = &schema_object_ref, .doc = "Middlewares, in order of application."),
	FIELD_SUB(struct ingress_route_rule, observability, &schema_observability,
		  .name = "observability", .support = IGNORED,
		  .note = "the entry point's settings hold for all its routes",
		  .doc = "What is observed of this route."),
};

static const struct schema schema_rule = {
	.name = "route",
	.doc = "A rule, and where the requests go that match it.",
	.size = sizeof(struct ingress_route_rule),
	SCHEMA_FIELDS(rule_fields),

};

static const struct field spec_fields[] = {
	FIELD(struct ingress_route, ingress_class_name, .name = "ingressClassName",
	      .doc = "Class of the object; compared with the provider's option ingressClass."),
	FIELD(struct ingress_route, entry_points, .name = "entryPoints",
	      .doc = "Entry points of the routes; the default ones when absent."),
	FIELD(struct ingress_route, routes, .name = "routes", .required = true, .sub = &schema_rule,
	      .doc = "The routes."),
	FIELD_SUB(struct ingress_route, tls, &schema_ingress_route_tls, .name = "tls",
		  .doc = "Makes the routes HTTPS only, even when empty."),
	FIELD(struct ingress_route, parent_refs, .name = "parentRefs", .sub = &schema_object_ref,
	      .doc = "IngressRoutes whose routes stand above these: their middlewares run first."),
};

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Routes and what they share.",
	.size = sizeof(struct ingress_route),
	SCHEMA_FIELDS(spec_fields),
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Routes and what they share."),
};

const struct schema schema_ingress_route = {
	.name = "IngressRoute",
	.doc = "HTTP routes: which requests go through which middlewares to which services.",
	.size = sizeof(struct ingress_route),
	SCHEMA_FIELDS(object_fields),
};
