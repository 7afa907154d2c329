// SPDX-License-Identifier: Apache-2.0
/*
 * ingress_route_udp: the field table of IngressRouteUDP (reference a.3).
 */
#include "model/ingress_route_udp.h"

static const struct field rule_fields[] = {
	FIELD(struct ingress_route_udp_rule, services, .name = "services",
	      .sub = &schema_udp_service_ref,
	      .doc = "Where datagrams go; several are balanced by weight."),
};

static const struct schema schema_rule = {
	.name = "route",
	.doc = "Where datagrams go: there are no rules about them.",
	.size = sizeof(struct ingress_route_udp_rule),
	SCHEMA_FIELDS(rule_fields),
};

static const struct field spec_fields[] = {
	FIELD(struct ingress_route_udp, ingress_class_name, .name = "ingressClassName",
	      .doc = "Class of the object; compared with the provider's option ingressClass."),
	FIELD(struct ingress_route_udp, entry_points, .name = "entryPoints",
	      .doc = "UDP entry points of the routes; all of them when absent."),
	FIELD(struct ingress_route_udp, routes, .name = "routes", .required = true,
	      .sub = &schema_rule,
	      .doc = "The routes. An entry point has one: that with the greatest name."),
};

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Routes and their entry points.",
	.size = sizeof(struct ingress_route_udp),
	SCHEMA_FIELDS(spec_fields),
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Routes and their entry points."),
};

const struct schema schema_ingress_route_udp = {
	.name = "IngressRouteUDP",
	.doc = "UDP routes: to which services the datagrams of an entry point go.",
	.size = sizeof(struct ingress_route_udp),
	SCHEMA_FIELDS(object_fields),
};
