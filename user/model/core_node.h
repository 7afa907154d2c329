/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NODE_H
#define CORE_NODE_H

/* core_node: v1 Node: its addresses, for nodePortLB. It has no namespace. */

#include "model/schema.h"

struct node_address {
	struct str type; /* "InternalIP" is what counts */
	struct str address;
};

struct core_node {
	struct list_of addresses; /* struct node_address */
};

extern const struct schema schema_core_node;

#endif
