// SPDX-License-Identifier: Apache-2.0
/* kernel_diff: kernel_config -> image -> operations. */
#include "plan/kernel_diff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "plan/kernel_acl.h"

enum { COST_BITS = 16, TICKS_AHEAD_MIN = 2 };

/* Times the bytes of the largest frame (2^19) it must still fit 64 bits: slower than 2 B/s there is
 * nothing. */
#define COST_MAX_BYTES (UINT64_MAX >> 19)
#define COST_MAX       (UINT64_MAX >> 2)

/* Pads with zeros: names are compared as whole arrays. A longer name is cut; the cut is its
 * identity. */
static void copy_name(char ret_name[ABI_NAME_BYTES], struct str name)
{
	memset(ret_name, 0, ABI_NAME_BYTES);
	if (name.len)
		memcpy(ret_name, name.at,
		       name.len < ABI_NAME_BYTES - 1 ? name.len : ABI_NAME_BYTES - 1);
}

/*
 * Time per unit, and how far ahead of now the due time may run. Packets and SYNs: burst n admits
 * exactly n at once. Bytes: a frame is admitted whole when any budget is left. Two ticks at least,
 * or the coarse clock would starve fast sources between its steps.
 */
static struct abi_limit compile_limit(const struct kernel_limit *limit, bool is_bytes,
				      uint64_t tick_ns)
{
	if (!(limit->per_second > 0))
		return (struct abi_limit){0};

	double burst = limit->burst ? (double)limit->burst : limit->per_second;
	uint64_t cost_max = is_bytes ? COST_MAX_BYTES : COST_MAX;
	double cost_ns = 1e9 / limit->per_second;
	double cost_fp = cost_ns * (1 << COST_BITS) + 0.5;
	double ahead_ns = ((burst > 1 ? burst : 1) - (is_bytes ? 0 : 1)) * cost_ns;

	if (ahead_ns < (double)(TICKS_AHEAD_MIN * tick_ns))
		ahead_ns = (double)(TICKS_AHEAD_MIN * tick_ns);
	return (struct abi_limit){
		.cost_fp = cost_fp < 1			? 1
			   : cost_fp < (double)cost_max ? (uint64_t)cost_fp
							: cost_max,
		.ahead_ns = ahead_ns < (double)INT64_MAX / 2 ? (uint64_t)ahead_ns : INT64_MAX / 2,
	};
}

static void compile_masks(const struct kernel_policy *policy, struct abi_policy *ret)
{
	struct addr ones, masked;
	uint32_t word[4];

	memset(ones.byte, 0xff, sizeof(ones.byte));
	ret->v4_bits = policy->v4_bits;
	ret->v6_bits = policy->v6_bits;
	ret->v4_mask = htonl(policy->v4_bits ? UINT32_MAX << (32 - policy->v4_bits) : 0);
	masked = addr_mask(&ones, 32, policy->v6_bits);
	memcpy(word, masked.byte, sizeof(word));
	ret->v6_mask = (uint64_t)word[1] << 32 | word[0];
	ret->v6_mask_low = (uint64_t)word[3] << 32 | word[2];
}

static void compile_policy(const struct kernel_policy *policy, uint64_t tick_ns,
			   struct abi_policy *ret)
{
	*ret = (struct abi_policy){0};
	copy_name(ret->name, policy->name);
	compile_masks(policy, ret);
	ret->limit[ABI_LIMIT_PACKETS] = compile_limit(&policy->packets, false, tick_ns);
	ret->limit[ABI_LIMIT_SYNS] = compile_limit(&policy->syns, false, tick_ns);
	ret->limit[ABI_LIMIT_BYTES] = compile_limit(&policy->bytes, true, tick_ns);
	for (int i = 0; i < ABI_LIMIT__COUNT; i++)
		if (ret->limit[i].cost_fp)
			ret->flags |= ABI_POLICY_LIMITS;
}

/* The slot that the name had, or 0. Names stand at the same offset in every slot of a table. */
static uint32_t find_name(const char *first_name, size_t slot_bytes, uint32_t n, struct str name)
{
	char want[ABI_NAME_BYTES];

	copy_name(want, name);
	for (uint32_t i = 1; i < n; i++)
		if (!memcmp(first_name + i * slot_bytes, want, sizeof(want)) && want[0])
			return i;
	return 0;
}

/*
 * A free slot, one that the old image did not use if there is one: the buckets and bans of a policy
 * that has just gone must not become those of a new one.
 */
static uint32_t free_slot(const bool *used, const bool *used_before, uint32_t n)
{
	uint32_t second = 0;

	for (uint32_t i = 1; i < n; i++) {
		if (used[i])
			continue;
		if (!used_before[i])
			return i;
		if (!second)
			second = i;
	}
	return second;
}

static int place_policies(const struct kernel_config *config, const struct kernel_image *old,
			  const struct kernel_scale *scale, struct kernel_image *image,
			  uint32_t slots[KERNEL_POLICIES_MAX])
{
	bool used[ABI_POLICIES] = {true}, used_before[ABI_POLICIES] = {true};

	for (uint32_t i = 1; old && i < ABI_POLICIES; i++)
		used_before[i] = old->policies[i].name[0];
	for (size_t i = 0; i < config->n_policies; i++) {
		slots[i] = old ? find_name(old->policies[0].name, sizeof(*old->policies),
					   ABI_POLICIES, config->policies[i]->name)
			       : 0;
		if (slots[i] && used[slots[i]])
			slots[i] = 0;
		used[slots[i]] = true;
	}
	for (size_t i = 0; i < config->n_policies; i++) {
		if (!slots[i])
			slots[i] = free_slot(used, used_before, ABI_POLICIES);
		if (!slots[i])
			return -ENOSPC;
		used[slots[i]] = true;
		compile_policy(config->policies[i], scale->tick_ns, &image->policies[slots[i]]);
	}
	return 0;
}

static bool is_any(const struct abi_addr *addr)
{
	return !(addr->word[0] | addr->word[1] | addr->word[2] | addr->word[3]);
}

/* Puts the entry into the chain of its port: specific addresses first, the wildcard last. */
static int chain_entry(struct kernel_image *image, uint32_t slot, uint16_t port)
{
	struct abi_entry *entry = &image->entries[slot];
	uint32_t line = (entry->proto == IPPROTO_UDP ? ABI_PORT_LINES / 2 : 0) + port / 32;
	uint16_t *at = &image->ports[line].first[port % 32];
	int length = 1;

	for (uint16_t i = *at; i; i = image->entries[i].next)
		length++;
	if (length > ABI_CHAIN_MAX)
		return -ENOSPC;
	if (is_any(&entry->addr))
		while (*at)
			at = &image->entries[*at].next;
	entry->next = *at;
	*at = (uint16_t)slot;
	return 0;
}

static int place_entries(const struct kernel_config *config, const struct kernel_image *old,
			 const uint32_t slots[KERNEL_POLICIES_MAX], struct kernel_image *image)
{
	bool used[ABI_ENTRIES] = {true}, used_before[ABI_ENTRIES] = {true};
	uint32_t at[KERNEL_ENTRIES_MAX] = {0};

	for (uint32_t i = 1; old && i < ABI_ENTRIES; i++)
		used_before[i] = old->entries[i].target;
	for (size_t i = 0; i < config->n_entries; i++) {
		at[i] = old ? find_name(old->entries[0].name, sizeof(*old->entries), ABI_ENTRIES,
					config->entries[i].name)
			    : 0;
		if (at[i] && used[at[i]])
			at[i] = 0;
		used[at[i]] = true;
	}
	for (size_t i = 0; i < config->n_entries; i++) {
		const struct kernel_entry *entry = &config->entries[i];
		struct abi_entry *ret;

		if (!at[i])
			at[i] = free_slot(used, used_before, ABI_ENTRIES);
		if (!at[i])
			return -ENOSPC;
		used[at[i]] = true;
		ret = &image->entries[at[i]];
		*ret = (struct abi_entry){
			.port = htons(entry->port),
			.proto = entry->proto,
			.target = ABI_TARGET_LOCAL,
			.policy = entry->policy ? (uint16_t)slots[entry->policy->index] : 0,
		};
		memcpy(&ret->addr, entry->addr.byte, sizeof(ret->addr));
		copy_name(ret->name, entry->name);
		TRY(chain_entry(image, at[i], entry->port));
	}
	return 0;
}

int kernel_image(const struct kernel_config *config, const struct kernel_image *old,
		 const struct kernel_scale *scale, struct arena *arena,
		 struct kernel_image **ret_image)
{
	struct kernel_image *image = ARENA_NEW(arena, struct kernel_image);
	uint32_t slots[KERNEL_POLICIES_MAX] = {0};

	if (!image)
		return -ENOMEM;
	TRY(place_policies(config, old, scale, image, slots));
	TRY(place_entries(config, old, slots, image));
	TRY(kernel_acl_build(config, slots, old, scale, arena, image));
	*ret_image = image;
	return 0;
}

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
	size_t most = ABI_POLICIES + ABI_ENTRIES + ABI_PORT_LINES + ABI_GATE_LINES +
		      new->n_acl_lines / 2 + 1;
	struct kernel_ops ops = {.at = ARENA_ARRAY(arena, struct kernel_op, most)};

	if (!ops.at)
		return -ENOMEM;
	diff_slots(KERNEL_OP_POLICY, old->policies, new->policies, ABI_POLICIES,
		   sizeof(*new->policies), &ops);
	diff_slots(KERNEL_OP_ENTRY, old->entries, new->entries, ABI_ENTRIES, sizeof(*new->entries),
		   &ops);
	diff_slots(KERNEL_OP_PORT, old->ports, new->ports, ABI_PORT_LINES, sizeof(*new->ports),
		   &ops);
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
