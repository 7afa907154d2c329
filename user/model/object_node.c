// SPDX-License-Identifier: Apache-2.0
/* object_node: see the header; lengths are those of a condition. */
#include "model/object_node.h"

#include "model/object_condition.h"

static const struct field node_fields[] = {
	FIELD(struct object_node, name, .name = "name", .required = true, .min = 1, .max = 253,
	      .doc = "Name of the node."),
	FIELD(struct object_node, programmed, .name = "programmed", .required = true,
	      .choices = "True|False", .doc = "Whether its kernel plane works by the object."),
	FIELD(struct object_node, reason, .name = "reason", .required = true, .format = "reason",
	      .min = 1, .max = OBJECT_REASON_MAX_BYTES, .doc = "Why, in one word."),
	FIELD(struct object_node, message, .name = "message", .min = 0,
	      .max = OBJECT_MESSAGE_MAX_BYTES, .doc = "Why, in a sentence."),
	FIELD(struct object_node, last_transition_time, .name = "lastTransitionTime",
	      .required = true, .format = "date-time", .doc = "Since when."),
	FIELD(struct object_node, observed_generation, .name = "observedGeneration", .min = 0,
	      .max = INT64_MAX, .doc = "Generation of the object that this is said of."),
};

const struct schema schema_object_node = {
	.name = "node",
	.doc = "What a node says of the object.",
	.size = sizeof(struct object_node),
	SCHEMA_FIELDS(node_fields),
};
