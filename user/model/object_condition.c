// SPDX-License-Identifier: Apache-2.0
/* object_condition: see the header; lengths and patterns are those of meta/v1. */
#include "model/object_condition.h"

static const struct field condition_fields[] = {
	FIELD(struct object_condition, type, .name = "type", .required = true, .min = 1, .max = 316,
	      .doc = "What it is about: Accepted, Programmed."),
	FIELD(struct object_condition, status, .name = "status", .required = true,
	      .choices = "True|False|Unknown", .doc = "Whether it holds."),
	FIELD(struct object_condition, reason, .name = "reason", .required = true,
	      .format = "reason", .min = 1, .max = OBJECT_REASON_MAX_BYTES,
	      .doc = "Why, in one word."),
	FIELD(struct object_condition, message, .name = "message", .required = true, .min = 0,
	      .max = OBJECT_MESSAGE_MAX_BYTES, .doc = "Why, in a sentence."),
	FIELD(struct object_condition, last_transition_time, .name = "lastTransitionTime",
	      .required = true, .format = "date-time", .doc = "Since when."),
	FIELD(struct object_condition, observed_generation, .name = "observedGeneration", .min = 0,
	      .max = INT64_MAX, .doc = "Generation of the object that this is said of."),
};

const struct schema schema_object_condition = {
	.name = "condition",
	.doc = "One thing that is said of the object.",
	.size = sizeof(struct object_condition),
	SCHEMA_FIELDS(condition_fields),
};
