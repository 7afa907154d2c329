/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_DIFF_H
#define KERNEL_DIFF_H

/*
 * kernel_diff: what must change in the maps, as data. Pure: no map is touched here.
 *
 * An image is the content of the configuration maps in their own layout. kernel_image() compiles a
 * kernel_config to one, giving each policy and entry the slot that its name has in the old image,
 * so that its buckets, bans and counters go on. kernel_diff() lists what differs between two
 * images: the operations to be done in the spare half before the flip.
 */

#include "abi.h"
#include "base/arena.h"
#include "plan/kernel_config.h"

struct kernel_image {
	struct abi_policy policies[ABI_POLICIES];
	struct abi_entry entries[ABI_ENTRIES];
	struct abi_port_line ports[ABI_PORT_LINES];
	struct abi_gate_line gate[ABI_GATE_LINES];
	struct abi_acl_line *acl;
	uint32_t n_acl_lines; /* a power of two; 0: no prefixes */
	uint64_t acl_digest;  /* of what acl, gate and the policies' part of them came from; 0:
				 unknown */
};

enum kernel_op_kind {
	KERNEL_OP_POLICY,
	KERNEL_OP_ENTRY,
	KERNEL_OP_PORT,
	KERNEL_OP_GATE,
	KERNEL_OP_ACL,
};

struct kernel_op {
	enum kernel_op_kind kind;
	uint32_t index; /* slot within a half */
	uint32_t n;	/* of how many neighbouring slots */
	const void *at; /* what they become: borrowed from the new image, in the map's layout */
};

struct kernel_ops {
	struct kernel_op *at;
	size_t n;
};

/* What the kernel plane's own constants are: read from the map "control" by the caller. */
struct kernel_scale {
	uint64_t tick_ns;
	__u64 seed[2];
	uint32_t acl_lines; /* of one half of the map "acl" */
};

/* -ENOMEM; -ENOSPC: no free slot, too many addresses on one port, or too many prefixes. old may be
 * NULL. */
int kernel_image(const struct kernel_config *config, const struct kernel_image *old,
		 const struct kernel_scale *scale, struct arena *arena,
		 struct kernel_image **ret_image);
/* The operations stay valid as long as both images and the arena. -ENOMEM. */
int kernel_diff(const struct kernel_image *old, const struct kernel_image *new, struct arena *arena,
		struct kernel_ops *ret_ops);

#endif
