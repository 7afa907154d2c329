/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_DIFF_H
#define KERNEL_DIFF_H

/*
 * kernel_diff: what must change in the halves of the configuration maps, as data. Pure: no map is
 * touched here. The operations are to be done in the spare half before the flip.
 */

#include "plan/kernel_image.h"

enum kernel_op_kind {
	KERNEL_OP_POLICY,
	KERNEL_OP_ENTRY,
	KERNEL_OP_PORT,
	KERNEL_OP_VIP,
	KERNEL_OP_HERE,
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

/* The operations stay valid as long as both images and the arena. -ENOMEM. */
int kernel_diff(const struct kernel_image *old, const struct kernel_image *new, struct arena *arena,
		struct kernel_ops *ret_ops);

#endif
