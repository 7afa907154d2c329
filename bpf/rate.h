/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef RATE_H
#define RATE_H

/*
 * rate: per-source budgets of packets, SYNs and bytes in set-associative tables.
 *
 * A bucket is one word, its due time, so one compare-and-swap updates it on any number of CPUs: no
 * lock, no share per CPU. A bucket that is due now says nothing that an absent one does not, so it
 * counts as free, and evicting it loses no accuracy.
 *
 * Most packets find their source's bucket due, or absent and another one due. Those are written by
 * plain stores, at a third of the cost: two CPUs that do so at once charge one packet for two, once
 * in a tick, and what they write is as good as either's.
 *
 * A source's bucket stands in its near line, among the first lines of the map: as long as the
 * active sources fit there, they share few pages and cache lines, however large the map is. Only
 * when the near line is full of buckets in use does a source go to its far line, in the rest of the
 * map, and the near line says until when far lines need to be looked at. When both are full, the
 * bucket due first restarts with its full burst; a bucket fought over by several CPUs lets the
 * packet through after two tries: the limiter sheds load and must never cause an outage.
 */

#include "maps.h"
#include "match.h"
#include "parse.h"
#include "rate_line.h"
#include "spread.h"

/*
 * The source's bucket plus one, or 0. The first guess is the place of the address alone; the same
 * address of several owners in one line is rare.
 */
static __always_inline __u32 rate_find4(const struct abi_rate4 *line, __be32 source, __u16 owner)
{
	__u64 third = match_zero(line->source[2] ^ source);
	__u64 fourth = match_zero(line->source[3] ^ source);
	__u32 sum = match_zero(line->source[1] ^ source) + fourth + 2 * (third + fourth);
	__u32 way = sum & (RATE_WAYS4 - 1);

	if (line->source[way] == source && line->owner[way] == owner)
		return way + 1;
	if (!sum && line->source[0] != source)
		return 0;
#pragma unroll
	for (int i = 0; i < RATE_WAYS4; i++)
		if (line->source[i] == source && line->owner[i] == owner)
			return i + 1;
	return 0;
}

static __always_inline void rate_new4(struct abi_rate4 *line, __u32 way, __u64 seen, __be32 source,
				      const struct rate_charge *charge)
{
	way &= RATE_WAYS4 - 1;
	if (rate_claim(&line->due_ns[way], seen, charge)) {
		line->source[way] = source;
		line->owner[way] = charge->owner;
	}
}

/*
 * The near line does not have the source, and is full or has sent some of its own away. A function
 * of its own: called only then. where: rate_where().
 */
__noinline __u32 rate_crowded4(__u64 where, __u32 source, __u64 now_ns, __u64 cost_ns,
			       __u64 ahead_ns)
{
	const struct rate_charge charge = {
		.now_ns = now_ns,
		.cost_ns = cost_ns,
		.ahead_ns = ahead_ns,
		.owner = where >> 48,
	};
	__u32 near_at = where & RATE_LINE_MAX, far_at = where >> 24 & RATE_LINE_MAX;
	struct abi_rate4 *near = bpf_map_lookup_elem(&rate4, &near_at);
	struct abi_rate4 *far = bpf_map_lookup_elem(&rate4, &far_at);
	__u64 near_due, far_due;

	if (!near || !far)
		return true;
	__u32 way = rate_first(near->due_ns, RATE_WAYS4, &near_due), far_way;
	__u32 found = near->far_until_ns > now_ns ? rate_find4(far, source, charge.owner) : 0;

	if (found) {
		__u64 *due_ns = &far->due_ns[(found - 1) & (RATE_WAYS4 - 1)];

		if (!rate_update(due_ns, &charge))
			return false;
		rate_extend(&near->far_until_ns, *due_ns);
		return true;
	}
	far_way = rate_first(far->due_ns, RATE_WAYS4, &far_due);
	if (near_due > now_ns && far_due < near_due) {
		rate_new4(far, far_way, far_due, source, &charge);
		rate_extend(&near->far_until_ns, now_ns + cost_ns);
		return true;
	}
	rate_new4(near, way, near_due, source, &charge);
	return true;
}

static __always_inline bool rate_allow4(__be32 source, __u32 policy_id,
					const struct rate_charge *charge, const __u64 *seed)
{
	__u64 hash = spread((__u64)source << 32 | policy_id, seed);
	__u32 at = rate_near(hash, charge, rate4_mask);
	struct abi_rate4 *near = bpf_map_lookup_elem(&rate4, &at);

	if (!near)
		return true;
	__u32 way = rate_find4(near, source, charge->owner);

	if (way) {
		__u64 *due_ns = &near->due_ns[(way - 1) & (RATE_WAYS4 - 1)];

		return rate_is_due(due_ns, charge) || rate_update(due_ns, charge);
	}
	way = rate_free(near->due_ns, RATE_WAYS4, charge->now_ns);
	if (way < RATE_WAYS4 && near->far_until_ns <= charge->now_ns) {
		near->due_ns[way] = charge->now_ns + charge->cost_ns;
		near->source[way] = source;
		near->owner[way] = charge->owner;
		return true;
	}
	return rate_crowded4(rate_where(at, rate_far(hash, charge, rate4_mask), charge), source,
			     charge->now_ns, charge->cost_ns, charge->ahead_ns);
}

static __always_inline __u32 rate_find6(const struct abi_rate6 *line, __be64 prefix, __u16 owner)
{
	__u32 way = match_way(match_zero64(line->prefix[1] ^ prefix) +
			      2 * match_zero64(line->prefix[2] ^ prefix));

	if (way < RATE_WAYS6 && line->prefix[way] == prefix && line->owner[way] == owner)
		return way + 1;
#pragma unroll
	for (int i = 0; i < RATE_WAYS6; i++)
		if (line->prefix[i] == prefix && line->owner[i] == owner)
			return i + 1;
	return 0;
}

static __always_inline void rate_new6(struct abi_rate6 *line, __u32 way, __u64 seen, __be64 prefix,
				      const struct rate_charge *charge)
{
	way = match_way(way);
	if (way < RATE_WAYS6 && rate_claim(&line->due_ns[way], seen, charge)) {
		line->prefix[way] = prefix;
		line->owner[way] = charge->owner;
	}
}

/* As rate_crowded4(). */
__noinline __u32 rate_crowded6(__u64 where, __u64 prefix, __u64 now_ns, __u64 cost_ns,
			       __u64 ahead_ns)
{
	const struct rate_charge charge = {
		.now_ns = now_ns,
		.cost_ns = cost_ns,
		.ahead_ns = ahead_ns,
		.owner = where >> 48,
	};
	__u32 near_at = where & RATE_LINE_MAX, far_at = where >> 24 & RATE_LINE_MAX;
	struct abi_rate6 *near = bpf_map_lookup_elem(&rate6, &near_at);
	struct abi_rate6 *far = bpf_map_lookup_elem(&rate6, &far_at);
	__u64 near_due, far_due;

	if (!near || !far)
		return true;
	__u32 way = rate_first(near->due_ns, RATE_WAYS6, &near_due), far_way;
	__u32 found = near->far_until_ns > now_ns ? rate_find6(far, prefix, charge.owner) : 0;

	if (found && found <= RATE_WAYS6) {
		__u64 *due_ns = &far->due_ns[found - 1];

		if (!rate_update(due_ns, &charge))
			return false;
		rate_extend(&near->far_until_ns, *due_ns);
		return true;
	}
	far_way = rate_first(far->due_ns, RATE_WAYS6, &far_due);
	if (near_due > now_ns && far_due < near_due) {
		rate_new6(far, far_way, far_due, prefix, &charge);
		rate_extend(&near->far_until_ns, now_ns + cost_ns);
		return true;
	}
	rate_new6(near, way, near_due, prefix, &charge);
	return true;
}

static __always_inline bool rate_allow6(__be64 prefix, __u32 policy_id,
					const struct rate_charge *charge, const __u64 *seed)
{
	__u64 hash = spread(prefix ^ (__u64)policy_id << 48, seed);
	__u32 at = rate_near(hash, charge, rate6_mask);
	struct abi_rate6 *near = bpf_map_lookup_elem(&rate6, &at);

	if (!near)
		return true;
	__u32 way = rate_find6(near, prefix, charge->owner);

	if (way && way <= RATE_WAYS6) {
		__u64 *due_ns = &near->due_ns[way - 1];

		return rate_is_due(due_ns, charge) || rate_update(due_ns, charge);
	}
	way = rate_free(near->due_ns, RATE_WAYS6, charge->now_ns);
	if (way < RATE_WAYS6 && near->far_until_ns <= charge->now_ns) {
		near->due_ns[way] = charge->now_ns + charge->cost_ns;
		near->prefix[way] = prefix;
		near->owner[way] = charge->owner;
		return true;
	}
	return rate_crowded6(rate_where(at, rate_far(hash, charge, rate6_mask), charge), prefix,
			     charge->now_ns, charge->cost_ns, charge->ahead_ns);
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
		.kind = kind,
		.owner = abi_bucket_owner(policy_id, kind),
	};
	const __be32 *word = packet->source.word;

	if (packet->is_v4)
		return rate_allow4(word[3] & rules->v4_mask, policy_id, &charge, control->seed);

	__be64 prefix = ((__u64)word[1] << 32 | word[0]) & rules->v6_mask;

	/* A prefix longer than 64 bits is folded; the secret seed keeps others from making equal
	 * sums. */
	if (rules->v6_mask_low)
		prefix ^= spread(((__u64)word[3] << 32 | word[2]) & rules->v6_mask_low,
				 control->seed);
	return rate_allow6(prefix, policy_id, &charge, control->seed);
}

#endif
