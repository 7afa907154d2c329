// SPDX-License-Identifier: Apache-2.0
/* kernel_diff: two images -> operations. */
#include "plan/kernel_diff.h"

#include <errno.h>
#include <string.h>

static void add(struct kernel_ops *ops, enum kernel_op_kind kind, uint32_t index, uint32_t n,
		const void *at)
{
	ops->at[ops->n++] = (struct kernel_op){.kind = kind, .index = index, .n = n, .at = at};
}

/* Runs of slots that differ. At most (n + 1) / 2 operations. */
static void diff_slots(enum kernel_op_kind kind, const void *old, const void *new, uint32_t n,
		       size_t slot_bytes, struct kernel_ops *ops)
{
	const char *was = old, *is = new;
	uint32_t first = 0;
	bool in_run = false;

	for (uint32_t i = 0; i < n; i++) {
		bool differs = memcmp(was + i * slot_bytes, is + i * slot_bytes, slot_bytes);

		if (differs && !in_run)
			first = i;
		if (!differs && in_run)
			add(ops, kind, first, i - first, is + first * slot_bytes);
		in_run = differs;
	}
	if (in_run)
		add(ops, kind, first, n - first, is + first * slot_bytes);
}

int kernel_diff(const struct kernel_image *old, const struct kernel_image *new, struct arena *arena,
		struct kernel_ops *ret_ops)
{
	bool same_size = old->n_acl_lines == new->n_acl_lines;
	size_t most = ABI_POLICIES + ABI_ENTRIES + ABI_PORT_LINES + ABI_VIP_LINES + 1 +
		      ABI_GATE_LINES + new->n_acl_lines / 2 + 1;
	struct kernel_ops ops = {.at = ARENA_ARRAY(arena, struct kernel_op, most)};

	if (!ops.at)
		return -ENOMEM;
	diff_slots(KERNEL_OP_POLICY, old->policies, new->policies, ABI_POLICIES,
		   sizeof(*new->policies), &ops);
	diff_slots(KERNEL_OP_ENTRY, old->entries, new->entries, ABI_ENTRIES, sizeof(*new->entries),
		   &ops);
	diff_slots(KERNEL_OP_PORT, old->ports, new->ports, ABI_PORT_LINES, sizeof(*new->ports),
		   &ops);
	diff_slots(KERNEL_OP_VIP, old->vips, new->vips, ABI_VIP_LINES, sizeof(*new->vips), &ops);
	diff_slots(KERNEL_OP_HERE, &old->here, &new->here, 1, sizeof(new->here), &ops);
	diff_slots(KERNEL_OP_GATE, old->gate, new->gate, ABI_GATE_LINES, sizeof(*new->gate), &ops);
	/* Another size moves every prefix. */
	if (same_size)
		diff_slots(KERNEL_OP_ACL, old->acl, new->acl, new->n_acl_lines, sizeof(*new->acl),
			   &ops);
	else if (new->n_acl_lines)
		add(&ops, KERNEL_OP_ACL, 0, new->n_acl_lines, new->acl);
	*ret_ops = ops;
	return 0;
}
