/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATIC_FORWARDING_H
#define STATIC_FORWARDING_H

/* static_forwarding: the options of what the kernel plane forwards by itself, forwarding.*. */

#include "model/schema.h"

struct static_forwarding {
	struct str offload;   /* auto, off */
	struct str node_name; /* empty: unknown */
	struct str flow_secret;
	struct strs address_pools; /* CIDRs; empty: any */
};

extern const struct schema schema_static_forwarding;

#endif
