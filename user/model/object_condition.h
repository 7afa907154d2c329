/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBJECT_CONDITION_H
#define OBJECT_CONDITION_H

/* object_condition: the table of meta/v1 Condition, as the status of every kind of ours has it. It
 * is for CRDs and reference pages: a status is written, never decoded. */

#include "model/schema.h"

enum {
	OBJECT_CONDITIONS_MAX = 8,
	OBJECT_REASON_MAX_BYTES = 1024,
	OBJECT_MESSAGE_MAX_BYTES = 32768,
};

struct object_condition {
	struct str type, status, reason, message, last_transition_time;
	int64_t observed_generation;
};

extern const struct schema schema_object_condition;

#endif
