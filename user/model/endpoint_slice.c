// SPDX-License-Identifier: Apache-2.0
/*
 * endpoint_slice: the fields of discovery.k8s.io/v1 EndpointSlice that are of concern here; the
 * others are passed over.
 */
#include "model/endpoint_slice.h"

static const struct field condition_fields[] = {
	FIELD(struct slice_conditions, ready, .name = "ready", .doc = "Ready for new clients."),
	FIELD(struct slice_conditions, serving, .name = "serving", .doc = "Able to serve."),
	FIELD(struct slice_conditions, terminating, .name = "terminating",
	      .doc = "About to end: keeps its clients, gets no new ones."),
};

static const struct schema schema_conditions = {
	.name = "conditions",
	.doc = "State of an endpoint.",
	.size = sizeof(struct slice_conditions),
	SCHEMA_FIELDS(condition_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field endpoint_fields[] = {
	FIELD(struct slice_endpoint, addresses, .name = "addresses", .required = true, .min = 1,
	      .max = 100, .doc = "Addresses of the endpoint."),
	FIELD_IN(struct slice_endpoint, conditions, &schema_conditions, .name = "conditions",
		 .doc = "State of the endpoint."),
};

static const struct schema schema_endpoint = {
	.name = "endpoint",
	.doc = "One endpoint.",
	.size = sizeof(struct slice_endpoint),
	SCHEMA_FIELDS(endpoint_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field port_fields[] = {
	FIELD(struct slice_port, name, .name = "name", .doc = "Name of the port."),
	FIELD(struct slice_port, protocol, .name = "protocol", .preset = "TCP",
	      .choices = "TCP|UDP|SCTP", .doc = "Its protocol."),
	FIELD(struct slice_port, app_protocol, .name = "appProtocol",
	      .doc = "Application protocol."),
	FIELD(struct slice_port, port, .name = "port", .min = 0, .max = 65535,
	      .doc = "Its number; all ports when absent."),
};

static const struct schema schema_port = {
	.name = "port",
	.doc = "A port of the endpoints.",
	.size = sizeof(struct slice_port),
	SCHEMA_FIELDS(port_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field object_fields[] = {
	FIELD(struct endpoint_slice, address_type, .name = "addressType", .required = true,
	      .choices = "IPv4|IPv6|FQDN", .doc = "What the addresses are."),
	FIELD(struct endpoint_slice, endpoints, .name = "endpoints", .sub = &schema_endpoint,
	      .doc = "The endpoints."),
	FIELD(struct endpoint_slice, ports, .name = "ports", .sub = &schema_port,
	      .doc = "Their ports."),
};

const struct schema schema_endpoint_slice = {
	.name = "EndpointSlice",
	.doc = "Addresses behind a Service.",
	.size = sizeof(struct endpoint_slice),
	SCHEMA_FIELDS(object_fields),
	.flags = SCHEMA_LENIENT,
};
