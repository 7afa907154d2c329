// SPDX-License-Identifier: Apache-2.0
/*
 * core_node: the fields of v1 Node that are of concern here; the others are passed over.
 */
#include "model/core_node.h"

static const struct field address_fields[] = {
	FIELD(struct node_address, type, .name = "type", .doc = "What the address is."),
	FIELD(struct node_address, address, .name = "address", .doc = "The address."),
};

static const struct schema schema_address = {
	.name = "address",
	.doc = "An address of a node.",
	.size = sizeof(struct node_address),
	SCHEMA_FIELDS(address_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field status_fields[] = {
	FIELD(struct core_node, addresses, .name = "addresses", .sub = &schema_address,
	      .doc = "Addresses of the node."),
};

static const struct schema schema_status = {
	.name = "status",
	.doc = "What is known of a node.",
	.size = sizeof(struct core_node),
	SCHEMA_FIELDS(status_fields),
	.flags = SCHEMA_LENIENT,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_status, .name = "status", .doc = "What is known of a node."),
};

const struct schema schema_core_node = {
	.name = "Node",
	.doc = "A Kubernetes Node.",
	.size = sizeof(struct core_node),
	SCHEMA_FIELDS(object_fields),
	.flags = SCHEMA_LENIENT,
};
