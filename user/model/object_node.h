/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBJECT_NODE_H
#define OBJECT_NODE_H

/* object_node: the table of a row of status.nodes: what one node says of an object that its kernel
 * plane works by. It is for CRDs and reference pages: a status is written, never decoded. */

#include "model/schema.h"

/* Of status.nodes. */
enum { OBJECT_NODES_MAX = 64 };

struct object_node {
	struct str name, programmed, reason, message, last_transition_time;
	int64_t observed_generation;
};

extern const struct schema schema_object_node;

#endif
