// SPDX-License-Identifier: Apache-2.0
/*
 * core_service: the fields of v1 Service that are of concern here; the others are passed over.
 */
#include "model/core_service.h"

static const struct field port_fields[] = {
	FIELD(struct core_service_port, name, .name = "name", .doc = "Name of the port."),
	FIELD(struct core_service_port, protocol, .name = "protocol", .preset = "TCP",
	      .choices = "TCP|UDP|SCTP", .doc = "Its protocol."),
	FIELD(struct core_service_port, port, .name = "port", .required = true, .min = 1,
	      .max = 65535, .doc = "Its number."),
	FIELD(struct core_service_port, node_port, .name = "nodePort", .min = 0, .max = 65535,
	      .doc = "Port on every node."),
	FIELD(struct core_service_port, target_port, .name = "targetPort",
	      .doc = "Port of the pods, by number or by name."),
	FIELD(struct core_service_port, app_protocol, .name = "appProtocol",
	      .doc = "Application protocol."),
};

static const struct schema schema_port = {
	.name = "port",
	.doc = "A port of a Service.",
	.size = sizeof(struct core_service_port),
	SCHEMA_FIELDS(port_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field spec_fields[] = {
	FIELD(struct core_service, type, .name = "type", .preset = "ClusterIP",
	      .choices = "ClusterIP|NodePort|LoadBalancer|ExternalName",
	      .doc = "How the Service is reached."),
	FIELD(struct core_service, cluster_ip, .name = "clusterIP",
	      .doc = "Its virtual address; None for a headless Service."),
	FIELD(struct core_service, external_name, .name = "externalName",
	      .doc = "DNS name that it stands for."),
	FIELD(struct core_service, ports, .name = "ports", .sub = &schema_port,
	      .doc = "Its ports."),
};

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "What a Service is.",
	.size = sizeof(struct core_service),
	SCHEMA_FIELDS(spec_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true, .doc = "What a Service is."),
};

const struct schema schema_core_service = {
	.name = "Service",
	.doc = "A Kubernetes Service.",
	.size = sizeof(struct core_service),
	SCHEMA_FIELDS(object_fields),
	.flags = SCHEMA_LENIENT,
};
