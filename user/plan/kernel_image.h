/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_IMAGE_H
#define KERNEL_IMAGE_H

/*
 * kernel_image: the content of the configuration maps in their own layout. Pure.
 *
 * kernel_image() compiles a kernel_config to one, giving each policy, entry and service the slot
 * that its name has in the old image, so that its buckets, bans, counters and flows go on. Services
 * have their names here only: their rings and backends do not stand in halves (kernel_fleet.h).
 */

#include "abi.h"
#include "base/arena.h"
#include "plan/kernel_config.h"

struct kernel_image {
	struct abi_policy policies[ABI_POLICIES];
	struct abi_entry entries[ABI_ENTRIES];
	struct abi_port_line ports[ABI_PORT_LINES];
	struct abi_vip_line vips[ABI_VIP_LINES];
	struct abi_here here;
	struct abi_gate_line gate[ABI_GATE_LINES];
	char services[ABI_SERVICES][ABI_NAME_BYTES]; /* by slot; "": free */
	char nodes[ABI_NODES][ABI_NAME_BYTES];
	/* Slots of config->services and nodes, in their order. */
	const uint32_t *service_slots, *node_slots;
	struct abi_acl_line *acl;
	uint64_t digest;      /* kernel_digest() of what it was made of; 0: unknown */
	uint32_t n_acl_lines; /* a power of two; 0: no prefixes */
	uint64_t acl_digest;  /* of what acl, gate and the policies' part of them came from; 0:
				 unknown */
};

/* What the kernel plane's own constants are: read from the map "control" by the caller. */
struct kernel_scale {
	uint64_t tick_ns;
	__u64 seed[2];
	uint32_t acl_lines; /* of one half of the map "acl" */
};

/*
 * -ENOMEM; -ENOSPC: no free slot, too many ranges of ports of one address, or too many prefixes.
 * Of two entries with the same address, ports and protocol the first slot's counts. old may be
 * NULL.
 */
int kernel_image(const struct kernel_config *config, const struct kernel_image *old,
		 const struct kernel_scale *scale, struct arena *arena,
		 struct kernel_image **ret_image);

#endif
