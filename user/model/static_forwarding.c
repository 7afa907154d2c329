// SPDX-License-Identifier: Apache-2.0
/* static_forwarding: see the header. */
#include "model/static_forwarding.h"

#define OURS .support = DIFFERS, .note = "Tidegate only"

static const struct field forwarding_fields[] = {
	FIELD(struct static_forwarding, offload, .name = "offload", .preset = "auto",
	      .choices = "auto|off", OURS,
	      .doc = "auto: IngressRouteTCPs with HostSNI(`*`) and IngressRouteUDPs that need no "
		     "byte of payload are forwarded by the kernel plane; `tidegate explain` says "
		     "which. off: the proxy forwards all of them."),
	FIELD(struct static_forwarding, node_name, .name = "nodeName", OURS,
	      .doc = "Name of this node among the Node objects; the environment variable "
		     "NODE_NAME when absent."),
	FIELD(struct static_forwarding, flow_secret, .name = "flowSecret", .secret = true, OURS,
	      .doc = "Any text, equal on all nodes that share VirtualAddresses with spread: which "
		     "node owns a flow depends on it. Without it the nodes' names are used, and a "
		     "client could choose its node."),
	FIELD(struct static_forwarding, address_pools, .name = "addressPools", .format = "cidr",
	      OURS, .doc = "CIDRs that VirtualAddresses may be in; any address when empty."),
};

const struct schema schema_static_forwarding = {
	.name = "forwarding",
	.doc = "What the kernel plane forwards by itself.",
	.size = sizeof(struct static_forwarding),
	SCHEMA_FIELDS(forwarding_fields),
	.flags = SCHEMA_ANY_CASE | SCHEMA_FROM_TEXT,
};
