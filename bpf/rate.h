/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef RATE_H
#define RATE_H

/*
 * rate: per-source budgets of packets, SYNs and bytes in set-associative tables.
 *
 * A bucket is one word, its due time, so one compare-and-swap updates it on any number of CPUs: no
 * lock, no share per CPU. A bucket that is due now says nothing that an absent one does not, so it
 * is the one to give away, and evicting it loses no accuracy. When every bucket of a line is in
 * use, the one due first restarts with its full burst; a bucket fought over by several CPUs lets
 * the packet through after two tries: the limiter sheds load and must never cause an outage.
 */

#include "gcra.h"
#include "maps.h"
#include "parse.h"
#include "spread.h"

enum { RATE_WAYS4 = 4, RATE_WAYS6 = 3, RATE_TRIES = 2 };

/* Lines of the maps, less one: powers of two. The loader sets them to the sizes of the maps in use.
 */
const volatile __u32 rate4_mask = (1 << 18) - 1;
const volatile __u32 rate6_mask = (1 << 17) - 1;

struct rate_charge {
	__u64 now_ns, cost_ns, ahead_ns;
	__u32 owner; /* policy << 16 | kind << 1 | 1 */
};

static __always_inline bool rate_update(__u64 *due_ns, const struct rate_charge *charge)
{
#pragma unroll
	for (int i = 0; i < RATE_TRIES; i++) {
		__u64 seen = *(volatile __u64 *)due_ns;
		__u64 due = gcra_admit(seen, charge->now_ns, charge->cost_ns, charge->ahead_ns);

		if (!due)
			return false;
		if (__sync_val_compare_and_swap(due_ns, seen, due) == seen)
			return true;
	}
	return true;
}

/* Claims the bucket for a new source: the due time first, so that two CPUs cannot both take it. */
static __always_inline bool rate_claim(__u64 *due_ns, __u64 seen, const struct rate_charge *charge)
{
	return __sync_val_compare_and_swap(due_ns, seen, charge->now_ns + charge->cost_ns) == seen;
}

static __always_inline bool rate_allow4(__be32 source, const struct rate_charge *charge,
					const __u64 *seed)
{
	__u64 key = (__u64)bpf_ntohl(source) << 32 | charge->owner;
	/* The kinds of one source and policy go to neighbouring lines. */
	__u32 at = ((spread(key & ~0xffULL, seed) >> 32) ^ (charge->owner >> 1 & 3)) & rate4_mask;
	struct abi_rate4 *line = bpf_map_lookup_elem(&rate4, &at);
	__u64 first;
	__u32 way = 0;

	if (!line)
		return true;
#pragma unroll
	for (int i = 0; i < RATE_WAYS4; i++)
		if (line->key[i] == key)
			return rate_update(&line->due_ns[i], charge);

	first = line->due_ns[0];
#pragma unroll
	for (int i = 1; i < RATE_WAYS4; i++) {
		if (line->due_ns[i] < first) {
			first = line->due_ns[i];
			way = i;
		}
	}
	way &= RATE_WAYS4 - 1;
	if (rate_claim(&line->due_ns[way], first, charge))
		line->key[way] = key;
	return true;
}

static __always_inline bool rate_allow6(__be64 prefix, const struct rate_charge *charge,
					const __u64 *seed)
{
	__u64 mixed = prefix ^ (__u64)(charge->owner >> 16) << 48;
	__u32 at = ((spread(mixed, seed) >> 32) ^ (charge->owner >> 1 & 3)) & rate6_mask;
	struct abi_rate6 *line = bpf_map_lookup_elem(&rate6, &at);
	__u64 first;
	__u32 way = 0;

	if (!line)
		return true;
#pragma unroll
	for (int i = 0; i < RATE_WAYS6; i++)
		if (line->prefix[i] == prefix && line->owner[i] == charge->owner)
			return rate_update(&line->due_ns[i], charge);

	first = line->due_ns[0];
#pragma unroll
	for (int i = 1; i < RATE_WAYS6; i++) {
		if (line->due_ns[i] < first) {
			first = line->due_ns[i];
			way = i;
		}
	}
	if (way >= RATE_WAYS6)
		return true;
	if (rate_claim(&line->due_ns[way], first, charge)) {
		line->prefix[way] = prefix;
		line->owner[way] = charge->owner;
	}
	return true;
}

/* Whether the source may send this packet, as far as one kind of limit goes. */
static __always_inline bool rate_allow(const struct packet *packet, const struct abi_policy *rules,
				       __u32 policy_id, __u32 kind, __u64 now_ns,
				       const struct abi_control *control)
{
	const struct abi_limit *limit = &rules->limit[kind];

	if (!limit->cost_fp || (kind == ABI_LIMIT_SYNS && !packet->is_syn))
		return true;

	struct rate_charge charge = {
		.now_ns = now_ns,
		.cost_ns =
			gcra_cost_ns(limit->cost_fp, kind == ABI_LIMIT_BYTES ? packet->bytes : 1),
		.ahead_ns = limit->ahead_ns,
		.owner = policy_id << 16 | kind << 1 | 1,
	};
	const __be32 *word = packet->source.word;

	if (packet->is_v4)
		return rate_allow4(word[3] & rules->v4_mask, &charge, control->seed);

	__be64 prefix = ((__u64)word[1] << 32 | word[0]) & rules->v6_mask;

	/* A prefix longer than 64 bits is folded; the secret seed keeps others from making equal
	 * sums. */
	if (rules->v6_mask_low)
		prefix ^= spread(((__u64)word[3] << 32 | word[2]) & rules->v6_mask_low,
				 control->seed);
	return rate_allow6(prefix, &charge, control->seed);
}

#endif
