// SPDX-License-Identifier: Apache-2.0
/* static_forwarding: see the header. */
#include "model/static_forwarding.h"

#include <errno.h>

#include "base/num.h"

enum {
	NAT_FIRST = 61000, /* presets: above what Linux gives to its own sockets */
	NAT_LAST = 65535,
	NAT_LOWEST = 1024,
	NAT_FEWEST = 64,
};

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
	FIELD(struct static_forwarding, nat_ports, .name = "natPorts", .preset = "61000-65535",
	      OURS,
	      .doc = "Ports of this node that flows translated by mode nat use: no socket of its "
		     "own may have them. Flows of the ports before end when it changes."),
};

int static_forwarding_nat_ports(const struct static_forwarding *forwarding, uint16_t *ret_first,
				uint16_t *ret_last)
{
	struct str text = forwarding->nat_ports;
	ptrdiff_t dash = str_find(text, '-');
	uint16_t first, last;

	*ret_first = NAT_FIRST;
	*ret_last = NAT_LAST;
	if (dash < 0 || num_uint16(str_take(text, (size_t)dash), &first) ||
	    num_uint16(str_from(text, (size_t)dash + 1), &last) || first < NAT_LOWEST ||
	    last < first + NAT_FEWEST - 1)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

void static_forwarding_check(const struct static_forwarding *forwarding, struct diag_sink *sink,
			     const struct diag_path *path)
{
	struct diag *diag;
	uint16_t first, last;

	if (!static_forwarding_nat_ports(forwarding, &first, &last))
		return;
	diag = diag_error(sink, DIAG_FIELD(path, "forwarding.natPorts"), "wrong value");
	diag_expected(sink, diag, "two ports from %d to 65535, %d of them or more, as 61000-65535",
		      NAT_LOWEST, NAT_FEWEST);
	diag_found(sink, diag, forwarding->nat_ports);
}

const struct schema schema_static_forwarding = {
	.name = "forwarding",
	.doc = "What the kernel plane forwards by itself.",
	.size = sizeof(struct static_forwarding),
	SCHEMA_FIELDS(forwarding_fields),
	.flags = SCHEMA_ANY_CASE | SCHEMA_FROM_TEXT,
};
