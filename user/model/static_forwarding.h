/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATIC_FORWARDING_H
#define STATIC_FORWARDING_H

/* static_forwarding: the options of what the kernel plane forwards by itself, forwarding.*. */

#include <stdint.h>

#include "model/schema.h"

struct static_forwarding {
	struct str offload;   /* auto, off */
	struct str node_name; /* empty: unknown */
	struct str flow_secret;
	struct strs address_pools; /* CIDRs; empty: any */
	struct str nat_ports;	   /* "first-last" */
};

/* The ports of nat_ports, host order; 0 or -EINVAL, and then the presets. */
int static_forwarding_nat_ports(const struct static_forwarding *forwarding, uint16_t *ret_first,
				uint16_t *ret_last);
/* An error at forwarding.natPorts when it is wrong. */
void static_forwarding_check(const struct static_forwarding *forwarding, struct diag_sink *sink,
			     const struct diag_path *path);

extern const struct schema schema_static_forwarding;

#endif
