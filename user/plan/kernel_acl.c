// SPDX-License-Identifier: Apache-2.0
/* kernel_acl: see kernel_acl.h. Names and lines are those of bpf/include/acl_key.h. */
#include "plan/kernel_acl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "acl_key.h"
#include "base/cleanup.h"
#include "gate.h"

enum { V4_OFFSET = 96, V4_BITS = 32, V6_BITS = 128 };

struct building {
	const struct kernel_scale *scale;
	struct kernel_image *image;
	uint32_t owner;
	uint32_t n; /* prefixes in the table */
	bool has4[V4_BITS + 1], has6[V6_BITS + 1];
};

static struct acl_addr split(const struct addr *addr)
{
	uint32_t word[4];

	memcpy(word, addr->byte, sizeof(word));
	return (struct acl_addr){.high = (uint64_t)ntohl(word[0]) << 32 | ntohl(word[1]),
				 .low = (uint64_t)ntohl(word[2]) << 32 | ntohl(word[3])};
}

static uint64_t name_of(const struct acl_addr *addr, bool is_v4, uint32_t bits, uint32_t owner,
			const struct kernel_scale *scale)
{
	return is_v4 ? acl_name4((uint32_t)addr->low, bits, owner)
		     : acl_name6(addr, bits, owner, scale->seed);
}

static void open_gate(struct building *building, const struct addr *addr, bool is_v4, uint32_t bits)
{
	struct abi_addr raw;
	uint32_t cell;

	if (bits < (is_v4 ? GATE_V4_BITS : GATE_V6_BITS))
		return; /* the policy is marked as wide */
	memcpy(&raw, addr->byte, sizeof(raw));
	cell = gate_cell(&raw, is_v4, building->scale->seed);
	building->image->gate[cell / GATE_LINE_CELLS].lengths[cell % GATE_LINE_CELLS] |=
		(uint16_t)(1u << gate_bit(bits, is_v4));
}

/* Files a prefix; of two equal ones, deny stays. */
static int file(struct building *building, uint64_t name, enum abi_action action)
{
	struct kernel_image *image = building->image;
	uint32_t mask = image->n_acl_lines - 1;
	uint32_t start = acl_line(name, mask, building->scale->seed);

	for (uint32_t i = 0; i < ABI_ACL_RUN; i++) {
		__u64 *slot = image->acl[(start + i) & mask].slot;

		for (int j = 0; j < ABI_ACL_SLOTS; j++) {
			if ((slot[j] ^ name) <= ACL_ACTION_MASK && slot[j]) {
				if (action == ABI_ACTION_DENY)
					slot[j] = name | action;
				return 0;
			}
			if (slot[j])
				continue;
			slot[j] = name | action;
			building->n++;
			return 0;
		}
	}
	return -ENOSPC;
}

static int file_all(struct building *building, const struct kernel_acl *at, size_t n)
{
	for (const struct kernel_acl *acl = at; acl < at + n; acl++) {
		bool is_v4 = acl->cidr.is_v4;
		uint32_t bits = acl->cidr.bits - (is_v4 ? V4_OFFSET : 0u);
		struct acl_addr addr = split(&acl->cidr.addr);

		if (acl->action == KERNEL_NONE)
			continue;
		*(is_v4 ? &building->has4[bits] : &building->has6[bits]) = true;
		open_gate(building, &acl->cidr.addr, is_v4, bits);
		TRY(file(building, name_of(&addr, is_v4, bits, building->owner, building->scale),
			 acl->action == KERNEL_ALLOW ? ABI_ACTION_ALLOW : ABI_ACTION_DENY));
	}
	return 0;
}

/* Longest first, plus one, as the policy's row says. Returns whether there are any. */
static bool list_lengths(const bool *has, uint32_t longest, uint8_t *ret_lengths)
{
	size_t n = 0;

	for (uint32_t bits = longest + 1; bits-- > 0;)
		if (has[bits])
			ret_lengths[n++] = (uint8_t)(bits + 1);
	return n;
}

static bool has_below(const bool *has, uint32_t bits)
{
	while (bits-- > 0)
		if (has[bits])
			return true;
	return false;
}

static bool same_lists(const struct kernel_policy *a, const struct kernel_policy *b)
{
	if (a->n_acl != b->n_acl || a->n_lists != b->n_lists)
		return false;
	for (size_t i = 0; i < a->n_lists; i++)
		if (a->lists[i] != b->lists[i])
			return false;
	for (size_t i = 0; i < a->n_acl; i++)
		if (a->acl[i].action != b->acl[i].action ||
		    a->acl[i].cidr.bits != b->acl[i].cidr.bits ||
		    a->acl[i].cidr.is_v4 != b->acl[i].cidr.is_v4 ||
		    !addr_eq(&a->acl[i].cidr.addr, &b->acl[i].cidr.addr))
			return false;
	return true;
}

/* The first policy with the same lists; itself when there is none before it. */
static size_t owner_of(const struct kernel_config *config, size_t policy)
{
	size_t i = 0;

	while (i < policy && !same_lists(config->policies[i], config->policies[policy]))
		i++;
	return i;
}

static int file_policy(struct building *building, const struct kernel_policy *policy,
		       struct abi_policy *ret)
{
	memset(building->has4, 0, sizeof(building->has4));
	memset(building->has6, 0, sizeof(building->has6));
	TRY(file_all(building, policy->acl, policy->n_acl));
	for (size_t i = 0; i < policy->n_lists; i++)
		TRY(file_all(building, policy->lists[i]->at, policy->lists[i]->n));
	if (list_lengths(building->has4, V4_BITS, ret->acl4))
		ret->flags |= ABI_POLICY_ACL4;
	if (list_lengths(building->has6, V6_BITS, ret->acl6))
		ret->flags |= ABI_POLICY_ACL6;
	if (has_below(building->has4, GATE_V4_BITS))
		ret->flags |= ABI_POLICY_WIDE4;
	if (has_below(building->has6, GATE_V6_BITS))
		ret->flags |= ABI_POLICY_WIDE6;
	ret->acl_owner = (uint16_t)building->owner;
	ret->acl_mask = building->image->n_acl_lines - 1;
	return 0;
}

static void share(const struct abi_policy *from, struct abi_policy *ret)
{
	ret->flags |= from->flags &
		      (ABI_POLICY_ACL4 | ABI_POLICY_ACL6 | ABI_POLICY_WIDE4 | ABI_POLICY_WIDE6);
	ret->acl_owner = from->acl_owner;
	ret->acl_mask = from->acl_mask;
	memcpy(ret->acl4, from->acl4, sizeof(ret->acl4));
	memcpy(ret->acl6, from->acl6, sizeof(ret->acl6));
}

static uint64_t digest_list(uint64_t digest, const struct kernel_acl *at, size_t n,
			    const struct kernel_scale *scale)
{
	for (const struct kernel_acl *acl = at; acl < at + n; acl++) {
		uint64_t half[2];

		memcpy(half, acl->cidr.addr.byte, sizeof(half));
		digest = spread(digest ^ half[0], scale->seed);
		digest = spread(digest ^ half[1], scale->seed);
		digest = spread(digest ^ ((uint64_t)acl->cidr.bits << 16 |
					  (uint64_t)acl->cidr.is_v4 << 8 | (uint64_t)acl->action),
				scale->seed);
	}
	return digest;
}

/* Of all that decides what the table looks like. */
static uint64_t digest_of(const struct kernel_config *config,
			  const uint32_t slots[KERNEL_POLICIES_MAX],
			  const size_t owners[KERNEL_POLICIES_MAX],
			  const struct kernel_scale *scale)
{
	uint64_t digest = scale->acl_lines;

	for (size_t i = 0; i < config->n_policies; i++) {
		const struct kernel_policy *policy = config->policies[i];

		digest =
			spread(digest ^ ((uint64_t)slots[i] << 32 | slots[owners[i]]), scale->seed);
		digest = spread(digest ^ kernel_policy_prefixes(policy), scale->seed);
		if (owners[i] < i)
			continue;
		digest = digest_list(digest, policy->acl, policy->n_acl, scale);
		for (size_t j = 0; j < policy->n_lists; j++)
			digest = digest_list(digest, policy->lists[j]->at, policy->lists[j]->n,
					     scale);
	}
	return digest ? digest : 1;
}

/* The table, the gate and the policies' part of them are those of old. */
static void take_over(const struct kernel_config *config, const uint32_t slots[KERNEL_POLICIES_MAX],
		      const struct kernel_image *old, struct kernel_image *image)
{
	memcpy(image->acl, old->acl, image->n_acl_lines * sizeof(*image->acl));
	memcpy(image->gate, old->gate, sizeof(image->gate));
	for (size_t i = 0; i < config->n_policies; i++)
		share(&old->policies[slots[i]], &image->policies[slots[i]]);
}

static int file_policies(const struct kernel_config *config,
			 const uint32_t slots[KERNEL_POLICIES_MAX],
			 const size_t owners[KERNEL_POLICIES_MAX], struct building *building)
{
	struct kernel_image *image = building->image;

	for (size_t i = 0; i < config->n_policies; i++) {
		struct abi_policy *policy = &image->policies[slots[i]];

		building->owner = slots[i];
		if (owners[i] < i)
			share(&image->policies[slots[owners[i]]], policy);
		else if (kernel_policy_prefixes(config->policies[i]))
			TRY(file_policy(building, config->policies[i], policy));
	}
	return building->n <= image->n_acl_lines * ABI_ACL_FILL ? 0 : -ENOSPC;
}

int kernel_acl_build(const struct kernel_config *config, const uint32_t slots[KERNEL_POLICIES_MAX],
		     const struct kernel_image *old, const struct kernel_scale *scale,
		     struct arena *arena, struct kernel_image *image)
{
	struct building building = {.scale = scale, .image = image};
	size_t owners[KERNEL_POLICIES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < config->n_policies; i++) {
		owners[i] = owner_of(config, i);
		if (owners[i] == i)
			n += kernel_policy_prefixes(config->policies[i]);
	}
	if (!n)
		return 0;
	image->n_acl_lines = 1;
	while (image->n_acl_lines < scale->acl_lines &&
	       (size_t)image->n_acl_lines * ABI_ACL_FILL < n)
		image->n_acl_lines *= 2;
	image->acl = ARENA_ARRAY(arena, struct abi_acl_line, image->n_acl_lines);
	if (!image->acl)
		return -ENOMEM;
	image->acl_digest = digest_of(config, slots, owners, scale);
	if (!old || old->acl_digest != image->acl_digest)
		return file_policies(config, slots, owners, &building);
	take_over(config, slots, old, image);
	return 0;
}

static enum abi_action find(const struct kernel_image *image, uint64_t name,
			    const struct kernel_scale *scale)
{
	uint32_t mask = image->n_acl_lines - 1, start = acl_line(name, mask, scale->seed);

	for (uint32_t i = 0; i < ABI_ACL_RUN; i++) {
		const __u64 *slot = image->acl[(start + i) & mask].slot;

		for (int j = 0; j < ABI_ACL_SLOTS; j++)
			if (!slot[j] || (slot[j] ^ name) <= ACL_ACTION_MASK)
				return (enum abi_action)(slot[j] & ACL_ACTION_MASK);
	}
	return ABI_ACTION_NONE;
}

enum abi_action kernel_acl_ask(const struct kernel_image *image, uint32_t slot,
			       const struct kernel_scale *scale, const struct addr *source)
{
	const struct abi_policy *policy = &image->policies[slot];
	bool is_v4 = addr_is_v4(source);
	const uint8_t *lengths = is_v4 ? policy->acl4 : policy->acl6;
	struct acl_addr addr = split(source);

	for (; *lengths; lengths++) {
		uint64_t name = name_of(&addr, is_v4, *lengths - 1u, policy->acl_owner, scale);
		enum abi_action action = find(image, name, scale);

		if (action)
			return action;
	}
	return ABI_ACTION_NONE;
}
