// SPDX-License-Identifier: Apache-2.0
/*
 * rate_bucket: token buckets of many sources, shared by all workers without a lock.
 */

#include "mw/rate_bucket.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"

enum {
	WAYS = 8,
	SETS = RATE_BUCKET_SOURCES / WAYS,
	TAG_FREE = 0,
	TAG_TAKING = 1, /* a slot that is changing hands */
	FIRST_TAG = 2,
};

struct slot {
	_Atomic uint64_t tag;
	_Atomic uint64_t full_at; /* ticks */
	_Atomic uint64_t used_ns;
};

struct buckets {
	struct mw_state state; /* first */
	struct slot *slots;    /* pages come as they are touched */
};

/* a * b / c, no more than a quarter of what a word holds, so that sums cannot wrap. */
static uint64_t scale(uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t most = UINT64_MAX / 4;
	unsigned __int128 product = (unsigned __int128)a * b / c;

	return product < most ? (uint64_t)product : most;
}

struct rate_rule rate_bucket_rule(int64_t average, int64_t period_ns, int64_t burst)
{
	uint64_t tokens = (uint64_t)average, period = (uint64_t)period_ns;
	uint64_t per_second = scale(tokens, NS_PER_SEC, period);
	struct rate_rule rule;

	rule.token_ticks = scale(period, RATE_BUCKET_TICKS_PER_NS, tokens);
	if (rule.token_ticks == 0)
		rule.token_ticks = 1;
	rule.capacity_ticks = scale(rule.token_ticks, burst > 0 ? (uint64_t)burst : 1, 1);
	/* Half a token's time, by the whole rate; half a second for rates below one. */
	uint64_t delay_ns = per_second ? NS_PER_SEC / (2 * per_second) : NS_PER_SEC / 2;

	rule.max_delay_ticks = delay_ns * RATE_BUCKET_TICKS_PER_NS;
	rule.ttl_ns = per_second ? 2 * NS_PER_SEC
				 : (1 + scale(period, 1, tokens) / NS_PER_SEC) * NS_PER_SEC;
	return rule;
}

static void buckets_free(struct mw_state *state)
{
	struct buckets *buckets = (struct buckets *)state;

	free(buckets->slots);
	free(buckets);
}

static size_t buckets_memory(const struct mw_state *state)
{
	(void)state;
	return sizeof(struct buckets) + RATE_BUCKET_SOURCES * sizeof(struct slot);
}

struct mw_state *rate_bucket_new(void)
{
	struct buckets *buckets = calloc(1, sizeof(*buckets));

	if (!buckets)
		return NULL;
	buckets->slots = calloc(RATE_BUCKET_SOURCES, sizeof(struct slot));
	if (!buckets->slots) {
		free(buckets);
		return NULL;
	}
	ref_init(&buckets->state.ref);
	buckets->state.free = buckets_free;
	buckets->state.memory_bytes = buckets_memory;
	return &buckets->state;
}

/* Takes a slot over for another source; its bucket starts full. False when another thread was
 * faster. */
static bool claim(struct slot *slot, uint64_t old_tag, uint64_t tag, uint64_t now_ns)
{
	if (!atomic_compare_exchange_strong(&slot->tag, &old_tag, TAG_TAKING))
		return false;
	/* A straggler that still holds the old tag finds another word, and looks again. */
	atomic_store(&slot->full_at, 0);
	atomic_store(&slot->used_ns, now_ns);
	atomic_store(&slot->tag, tag);
	return true;
}

/* The source's slot in its set, perhaps a new one; NULL when all are changing hands. */
static struct slot *find(struct buckets *buckets, uint64_t tag, uint64_t now_ns)
{
	struct slot *set = &buckets->slots[hash_mix64(tag) % SETS * WAYS];

	for (int tries = 0; tries < WAYS; tries++) {
		struct slot *oldest = NULL;
		uint64_t oldest_ns = UINT64_MAX, oldest_tag = TAG_FREE;

		for (int i = 0; i < WAYS; i++) {
			uint64_t there = atomic_load(&set[i].tag);
			uint64_t used_ns = there == TAG_FREE ? 0 : atomic_load(&set[i].used_ns);

			if (there == tag)
				return &set[i];
			if (there != TAG_TAKING && used_ns < oldest_ns) {
				oldest = &set[i];
				oldest_ns = used_ns;
				oldest_tag = there;
			}
		}
		if (oldest && claim(oldest, oldest_tag, tag, now_ns))
			return oldest;
	}
	return NULL;
}

bool rate_bucket_take(struct mw_state *state, const struct rate_rule *rule, uint64_t source,
		      uint64_t now_ns, uint64_t *ret_delay_ns)
{
	uint64_t tag = source < FIRST_TAG ? source + FIRST_TAG : source;
	uint64_t now = now_ns * RATE_BUCKET_TICKS_PER_NS;
	struct slot *slot = find((struct buckets *)state, tag, now_ns);

	*ret_delay_ns = 0;
	if (!slot)
		return true;
	uint64_t used_ns = atomic_exchange(&slot->used_ns, now_ns);
	bool forgotten = now_ns > used_ns && now_ns - used_ns >= rule->ttl_ns;
	uint64_t full_at = atomic_load(&slot->full_at);

	for (;;) {
		uint64_t from = forgotten || full_at < now ? now : full_at;
		uint64_t next = from + rule->token_ticks;
		uint64_t debt = next - now;
		uint64_t delay = debt > rule->capacity_ticks ? debt - rule->capacity_ticks : 0;

		*ret_delay_ns = delay / RATE_BUCKET_TICKS_PER_NS;
		if (delay > rule->max_delay_ticks)
			return false;
		if (atomic_compare_exchange_weak(&slot->full_at, &full_at, next))
			return true;
		forgotten = false; /* somebody else has just used it */
	}
}
