// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_diff: kernel_config -> image -> operations.
 *
 * Prefixes are not copied per generation: each node of the trie holds its action before and after
 * one generation, so a change of one prefix among 100,000 is one operation. That is exact, because
 * the node which a packet meets is the longest of old and new together, and both of its actions are
 * computed for that prefix.
 */
#include "plan/kernel_diff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "gate.h"

enum { COST_BITS = 16, TICKS_AHEAD_MIN = 2, MANY_PREFIXES = 64, KEY_OWNER_BITS = 32 };

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
	size_t n_v4 = 0;

	*ret = (struct abi_policy){0};
	copy_name(ret->name, policy->name);
	compile_masks(policy, ret);
	ret->limit[ABI_LIMIT_PACKETS] = compile_limit(&policy->packets, false, tick_ns);
	ret->limit[ABI_LIMIT_SYNS] = compile_limit(&policy->syns, false, tick_ns);
	ret->limit[ABI_LIMIT_BYTES] = compile_limit(&policy->bytes, true, tick_ns);
	for (int i = 0; i < ABI_LIMIT__COUNT; i++)
		if (ret->limit[i].cost_fp)
			ret->flags |= ABI_POLICY_LIMITS;
	for (size_t i = 0; i < policy->n_acl; i++) {
		const struct cidr *cidr = &policy->acl[i].cidr;

		n_v4 += cidr->is_v4;
		if (cidr->is_v4)
			ret->flags |= ABI_POLICY_ACL4 |
				      (cidr->bits < GATE_V4_BITS ? ABI_POLICY_WIDE4 : 0);
		else
			ret->flags |= ABI_POLICY_ACL6 |
				      (cidr->bits < GATE_V6_BITS ? ABI_POLICY_WIDE6 : 0);
	}
	if (n_v4 > MANY_PREFIXES)
		ret->flags |= ABI_POLICY_MANY4;
}

static void gate_open(struct kernel_image *image, const struct abi_addr *addr,
		      const struct cidr *cidr, const __u64 seed[2])
{
	if (cidr->bits < (cidr->is_v4 ? GATE_V4_BITS : GATE_V6_BITS))
		return; /* the policy is marked as wide */
	uint32_t bit = gate_bit(addr, cidr->is_v4, seed);

	image->gate[bit / GATE_LINE_BITS].bits[bit / 64 % 8] |= 1ULL << bit % 64;
}

static int compare_keys(const void *a, const void *b)
{
	const struct kernel_image_acl *x = a, *y = b;

	if (x->key.owner != y->key.owner)
		return x->key.owner < y->key.owner ? -1 : 1;
	if (x->key.prefix_bits != y->key.prefix_bits)
		return x->key.prefix_bits < y->key.prefix_bits ? -1 : 1;
	return memcmp(&x->key.addr, &y->key.addr, sizeof(x->key.addr));
}

static int compare_acl(const void *a, const void *b)
{
	const struct kernel_image_acl *x = a, *y = b;
	int order = compare_keys(a, b);

	/* Equal prefixes: deny first, so that it survives. */
	return order ? order : (int)y->action - (int)x->action;
}

void kernel_image_sort(struct kernel_image *image)
{
	size_t n = 0;

	if (!image->n_acl)
		return;
	qsort(image->acl, image->n_acl, sizeof(*image->acl), compare_acl);
	for (size_t i = 0; i < image->n_acl; i++)
		if (!n || compare_keys(&image->acl[n - 1], &image->acl[i]))
			image->acl[n++] = image->acl[i];
	image->n_acl = n;
}

static void add_prefixes(const struct kernel_policy *policy, uint32_t slot,
			 const struct kernel_scale *scale, struct kernel_image *image)
{
	for (size_t i = 0; i < policy->n_acl; i++) {
		const struct kernel_acl *acl = &policy->acl[i];
		struct kernel_image_acl *row = &image->acl[image->n_acl++];

		*row = (struct kernel_image_acl){
			.key = {.prefix_bits = KEY_OWNER_BITS + acl->cidr.bits,
				.owner = slot | (acl->cidr.is_v4 ? 0 : ABI_ACL_V6)},
			.action = acl->action == KERNEL_ALLOW ? ABI_ACTION_ALLOW : ABI_ACTION_DENY,
		};
		memcpy(&row->key.addr, acl->cidr.addr.byte, sizeof(row->key.addr));
		gate_open(image, &row->key.addr, &acl->cidr, scale->seed);
	}
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
		add_prefixes(config->policies[i], slots[i], scale, image);
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
	image->acl = ARENA_ARRAY(arena, struct kernel_image_acl, config->n_acl + 1);
	if (!image->acl)
		return -ENOMEM;
	TRY(place_policies(config, old, scale, image, slots));
	TRY(place_entries(config, old, slots, image));
	kernel_image_sort(image);
	*ret_image = image;
	return 0;
}

static void mask_key(struct abi_acl_key *key, uint32_t prefix_bits)
{
	uint8_t *byte = (uint8_t *)&key->addr;
	uint32_t bits = prefix_bits - KEY_OWNER_BITS;

	key->prefix_bits = prefix_bits;
	for (uint32_t i = 0; i < sizeof(key->addr); i++) {
		uint32_t from = i * 8;

		if (from >= bits)
			byte[i] = 0;
		else if (from + 8 > bits)
			byte[i] &= (uint8_t)(0xff << (from + 8 - bits));
	}
}

enum abi_action kernel_image_action(const struct kernel_image *image, const struct abi_acl_key *key)
{
	struct kernel_image_acl want = {.key = *key};

	for (uint32_t bits = key->prefix_bits + 1; image->n_acl && bits-- > KEY_OWNER_BITS;) {
		mask_key(&want.key, bits);
		const struct kernel_image_acl *found =
			bsearch(&want, image->acl, image->n_acl, sizeof(*image->acl), compare_keys);
		if (found)
			return found->action;
	}
	return ABI_ACTION_NONE;
}

static void add(struct kernel_ops *ops, struct kernel_op op)
{
	ops->at[ops->n++] = op;
}

/* Prefixes before the flip: those that are new, gone or different, with what they mean on either
 * side of it. */
static void diff_acl(const struct kernel_image *old, const struct kernel_image *new,
		     struct kernel_ops *ops, struct kernel_op *ret_gone, size_t *ret_n_gone)
{
	size_t i = 0, j = 0;

	while (i < old->n_acl || j < new->n_acl) {
		int order = i == old->n_acl   ? 1
			    : j == new->n_acl ? -1
					      : compare_keys(&old->acl[i], &new->acl[j]);
		const struct kernel_image_acl *was = order <= 0 ? &old->acl[i++] : NULL;
		const struct kernel_image_acl *is = order >= 0 ? &new->acl[j++] : NULL;
		const struct abi_acl_key *key = is ? &is->key : &was->key;
		enum abi_action before = was ? was->action : kernel_image_action(old, key);
		enum abi_action after = is ? is->action : kernel_image_action(new, key);

		if (!was || !is || before != after)
			add(ops,
			    (struct kernel_op){.kind = KERNEL_OP_ACL, .acl = {key, before, after}});
		if (!is)
			ret_gone[(*ret_n_gone)++] = (struct kernel_op){.kind = KERNEL_OP_ACL_DEL,
								       .acl = {key, before, after}};
	}
}

int kernel_diff(const struct kernel_image *old, const struct kernel_image *new, struct arena *arena,
		struct kernel_ops *ret_ops)
{
	size_t most = ABI_POLICIES + ABI_ENTRIES + ABI_PORT_LINES + ABI_GATE_LINES +
		      2 * old->n_acl + new->n_acl,
	       n_gone = 0;
	struct kernel_ops ops = {.at = ARENA_ARRAY(arena, struct kernel_op, most)};
	struct kernel_op *gone = ARENA_ARRAY(arena, struct kernel_op, old->n_acl + 1);

	if (!ops.at || !gone)
		return -ENOMEM;
	diff_acl(old, new, &ops, gone, &n_gone);
	for (uint32_t i = 0; i < ABI_POLICIES; i++)
		if (memcmp(&old->policies[i], &new->policies[i], sizeof(*new->policies)))
			add(&ops,
			    (struct kernel_op){KERNEL_OP_POLICY, i, {.policy = &new->policies[i]}});
	for (uint32_t i = 0; i < ABI_ENTRIES; i++)
		if (memcmp(&old->entries[i], &new->entries[i], sizeof(*new->entries)))
			add(&ops,
			    (struct kernel_op){KERNEL_OP_ENTRY, i, {.entry = &new->entries[i]}});
	for (uint32_t i = 0; i < ABI_PORT_LINES; i++)
		if (memcmp(&old->ports[i], &new->ports[i], sizeof(*new->ports)))
			add(&ops, (struct kernel_op){KERNEL_OP_PORT, i, {.port = &new->ports[i]}});
	for (uint32_t i = 0; i < ABI_GATE_LINES; i++)
		if (memcmp(&old->gate[i], &new->gate[i], sizeof(*new->gate)))
			add(&ops, (struct kernel_op){KERNEL_OP_GATE, i, {.gate = &new->gate[i]}});
	if (n_gone)
		memcpy(ops.at + ops.n, gone, n_gone * sizeof(*gone));
	ops.n += n_gone;
	*ret_ops = ops;
	return 0;
}
