/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_DIFF_H
#define KERNEL_DIFF_H

/*
 * kernel_diff: what must change in the maps, as data. Pure: no map is touched here.
 *
 * An image is the content of the configuration maps in their own layout. kernel_image() compiles a
 * kernel_config to one, giving each policy and entry the slot that its name has in the old image,
 *so that its buckets, bans and counters go on. kernel_diff() lists the operations that lead from
 *one image to the other:
 *
 *	before the flip   KERNEL_OP_ACL      prefixes that change, marked with the generation they
 *hold from KERNEL_OP_*        slots of the spare half that differ from the half in force the flip
 *by the executor after a grace     KERNEL_OP_ACL_DEL  prefixes that are gone
 */

#include "abi.h"
#include "base/arena.h"
#include "plan/kernel_config.h"

struct kernel_image_acl {
	struct abi_acl_key key;
	enum abi_action action;
};

struct kernel_image {
	struct abi_policy policies[ABI_POLICIES];
	struct abi_entry entries[ABI_ENTRIES];
	struct abi_port_line ports[ABI_PORT_LINES];
	struct abi_gate_line gate[ABI_GATE_LINES];
	struct kernel_image_acl *acl; /* sorted by key */
	size_t n_acl;
};

enum kernel_op_kind {
	KERNEL_OP_POLICY,
	KERNEL_OP_ENTRY,
	KERNEL_OP_PORT,
	KERNEL_OP_GATE,
	KERNEL_OP_ACL,
	KERNEL_OP_ACL_DEL,
};

struct kernel_op {
	enum kernel_op_kind kind;
	uint32_t index; /* slot within a half */
	union {
		const struct abi_policy *policy; /* borrowed from the new image */
		const struct abi_entry *entry;
		const struct abi_port_line *port;
		const struct abi_gate_line *gate;
		struct {
			const struct abi_acl_key *key;
			enum abi_action before, after;
		} acl;
	};
};

struct kernel_ops {
	struct kernel_op *at;
	size_t n;
};

/* What the kernel plane's own constants are: read from the map "control" by the caller. */
struct kernel_scale {
	uint64_t tick_ns;
	__u64 seed[2];
};

/* -ENOMEM; -ENOSPC: no free slot, or too many addresses on one port. old may be NULL. */
int kernel_image(const struct kernel_config *config, const struct kernel_image *old,
		 const struct kernel_scale *scale, struct arena *arena,
		 struct kernel_image **ret_image);
/* Sorts the prefixes of an image that was filled in by hand (read back from the maps). */
void kernel_image_sort(struct kernel_image *image);
/* The operations stay valid as long as both images and the arena. -ENOMEM. */
int kernel_diff(const struct kernel_image *old, const struct kernel_image *new, struct arena *arena,
		struct kernel_ops *ret_ops);
/* The effective action of a prefix of a policy: that of the longest entry of the image that covers
 * it. */
enum abi_action kernel_image_action(const struct kernel_image *image,
				    const struct abi_acl_key *key);

#endif
