/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_ACL_H
#define KERNEL_ACL_H

/*
 * kernel_acl: the hashed table of all policies' prefixes, in the layout of the maps "acl" and
 * "gate".
 *
 * Pure. A million prefixes take a tenth of a second. The table is as large as the prefixes need, so
 * that a short list stays in the processor's cache. Policies whose lists are equal share one copy.
 */

#include "plan/kernel_diff.h"

/*
 * Fills in image->acl, image->gate and, in the policies at slots[i], what leads to them. Lists that
 * are those of old (which may be NULL) are taken over from there. -ENOMEM; -ENOSPC: more prefixes
 * than scale->acl_lines holds.
 */
int kernel_acl_build(const struct kernel_config *config, const uint32_t slots[KERNEL_POLICIES_MAX],
		     const struct kernel_image *old, const struct kernel_scale *scale,
		     struct arena *arena, struct kernel_image *image);
/* What the kernel answers about a source of the policy in a slot. */
enum abi_action kernel_acl_ask(const struct kernel_image *image, uint32_t slot,
			       const struct kernel_scale *scale, const struct addr *source);

#endif
