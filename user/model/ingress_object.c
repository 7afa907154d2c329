// SPDX-License-Identifier: Apache-2.0
/* ingress_object: the field tables of Ingress and IngressClass. */
#include "model/ingress_object.h"

static const struct field port_fields[] = {
	FIELD(struct ingress_port, name, .name = "name", .doc = "Name of the Service's port."),
	FIELD(struct ingress_port, number, .name = "number", .min = 0, .max = 65535,
	      .doc = "Number of the Service's port."),
};

static void port_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct ingress_port *port = decoded;

	if (!port->name.len == !port->number)
		diag_expected(sink, diag_error(sink, path, "a port is its name or its number"),
			      "either name or number");
}

static const struct schema schema_port = {
	.name = "port",
	.doc = "A port of a Service.",
	.size = sizeof(struct ingress_port),
	SCHEMA_FIELDS(port_fields),
	.check = port_check,
};

static const struct field service_fields[] = {
	FIELD(struct ingress_service, name, .name = "name", .required = true,
	      .doc = "Service in the Ingress's namespace."),
	FIELD_IN(struct ingress_service, port, &schema_port, .name = "port", .required = true,
		 .doc = "Its port."),
};

static const struct schema schema_service = {
	.name = "service",
	.doc = "A Service and its port.",
	.size = sizeof(struct ingress_service),
	SCHEMA_FIELDS(service_fields),
};

static const struct field resource_fields[] = {
	FIELD(struct ingress_resource, api_group, .name = "apiGroup", .doc = "Its API group."),
	FIELD(struct ingress_resource, kind, .name = "kind", .doc = "Its kind."),
	FIELD(struct ingress_resource, name, .name = "name", .doc = "Its name."),
};

static const struct schema schema_resource = {
	.name = "resource",
	.doc = "An object of any kind.",
	.size = sizeof(struct ingress_resource),
	SCHEMA_FIELDS(resource_fields),
};

static const struct field backend_fields[] = {
	FIELD_SUB(struct ingress_backend, service, &schema_service, .name = "service",
		  .doc = "The Service that requests go to."),
	FIELD_SUB(struct ingress_backend, resource, &schema_resource, .name = "resource",
		  .support = UNSERVED, .note = "as in Traefik, only Services",
		  .doc = "Another object than a Service."),
};

static const struct schema schema_backend = {
	.name = "backend",
	.doc = "Where requests go.",
	.size = sizeof(struct ingress_backend),
	SCHEMA_FIELDS(backend_fields),
};

static const struct field path_fields[] = {
	FIELD(struct ingress_path, path, .name = "path",
	      .doc = "What the path must be, or begin with."),
	FIELD(struct ingress_path, path_type, .name = "pathType",
	      .choices = "Exact|Prefix|ImplementationSpecific",
	      .doc = "How path is compared; Prefix compares texts, not segments, unless "
		     "strictPrefixMatching is set."),
	FIELD_IN(struct ingress_path, backend, &schema_backend, .name = "backend", .required = true,
		 .doc = "Where requests go."),
};

static const struct schema schema_path = {
	.name = "path",
	.doc = "A path and its backend.",
	.size = sizeof(struct ingress_path),
	SCHEMA_FIELDS(path_fields),
};

static const struct field http_fields[] = {
	FIELD(struct ingress_http, paths, .name = "paths", .required = true, .sub = &schema_path,
	      .doc = "Paths and their backends."),
};

static const struct schema schema_http = {
	.name = "http",
	.doc = "The paths of a host.",
	.size = sizeof(struct ingress_http),
	SCHEMA_FIELDS(http_fields),
};

static const struct field rule_fields[] = {
	FIELD(struct ingress_rule, host, .name = "host",
	      .doc = "Host; *. stands for one label; any host when absent."),
	FIELD_SUB(struct ingress_rule, http, &schema_http, .name = "http",
		  .doc = "The paths of the host."),
};

static const struct schema schema_rule = {
	.name = "rule",
	.doc = "A host and its paths.",
	.size = sizeof(struct ingress_rule),
	SCHEMA_FIELDS(rule_fields),
};

static const struct field tls_fields[] = {
	FIELD(struct ingress_tls, hosts, .name = "hosts",
	      .doc = "Hosts of the certificate; not looked at, as in Traefik: the certificate "
		     "itself says them."),
	FIELD(struct ingress_tls, secret_name, .name = "secretName",
	      .doc = "Secret of type kubernetes.io/tls; the certificate is offered, the routes do "
		     "not become HTTPS by it."),
};

static const struct schema schema_tls = {
	.name = "tls",
	.doc = "A certificate.",
	.size = sizeof(struct ingress_tls),
	SCHEMA_FIELDS(tls_fields),
};

static const struct field spec_fields[] = {
	FIELD(struct ingress, ingress_class_name, .name = "ingressClassName",
	      .doc = "IngressClass of the object."),
	FIELD_SUB(struct ingress, default_backend, &schema_backend, .name = "defaultBackend",
		  .doc = "Where requests go that nothing else takes; only in an Ingress without "
			 "rules."),
	FIELD(struct ingress, tls, .name = "tls", .sub = &schema_tls, .doc = "Certificates."),
	FIELD(struct ingress, rules, .name = "rules", .sub = &schema_rule,
	      .doc = "Hosts and their paths."),
};

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Hosts, paths and where they lead.",
	.size = sizeof(struct ingress),
	SCHEMA_FIELDS(spec_fields),
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .doc = "Hosts, paths and where they lead."),
};

const struct schema schema_ingress = {
	.name = "Ingress",
	.doc = "HTTP routes in Kubernetes' own form.",
	.size = sizeof(struct ingress),
	SCHEMA_FIELDS(object_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field class_fields[] = {
	FIELD(struct ingress_class, controller, .name = "controller",
	      .doc = "Who serves Ingresses of this class."),
};

static const struct schema schema_class_spec = {
	.name = "spec",
	.doc = "Whose the class is.",
	.size = sizeof(struct ingress_class),
	SCHEMA_FIELDS(class_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field class_object_fields[] = {
	FIELD_DEEPER(&schema_class_spec, .name = "spec", .doc = "Whose the class is."),
};

const struct schema schema_ingress_class = {
	.name = "IngressClass",
	.doc = "A class of Ingresses.",
	.size = sizeof(struct ingress_class),
	SCHEMA_FIELDS(class_object_fields),
	.flags = SCHEMA_LENIENT,
};
