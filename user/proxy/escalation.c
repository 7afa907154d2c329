// SPDX-License-Identifier: Apache-2.0
/*
 * escalation: a slot is two words: who (a keyed hash of the address, 0: free), and a window's start
 * with its count. Both are changed by compare-and-swap. Losing a race loses at most a count.
 */

#include "proxy/escalation.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "proxy/worker.h"

enum { N_SLOTS = 1 << 14, PROBES = 4, COUNT_BITS = 20, V6_PREFIX_BITS = 64 };

struct slot {
	_Atomic uint64_t who;
	_Atomic uint64_t state; /* start in milliseconds << COUNT_BITS | count */
};

struct escalation {
	struct slot slots[N_SLOTS];
};

struct escalation *escalation_new(void)
{
	return calloc(1, sizeof(struct escalation));
}

void escalation_free(struct escalation *escalation)
{
	free(escalation);
}

static bool is_over(uint64_t window_ms, uint64_t state, uint64_t now_ms)
{
	return now_ms - (state >> COUNT_BITS) >= window_ms;
}

/* The source's slot, a free one, or one whose window is over; NULL: none of them. */
static struct slot *find_slot(struct escalation *escalation, uint64_t who, uint64_t window_ms,
			      uint64_t now_ms)
{
	struct slot *usable = NULL;

	for (unsigned int i = 0; i < PROBES; i++) {
		struct slot *slot = &escalation->slots[(who + i) % N_SLOTS];
		uint64_t holder = atomic_load_explicit(&slot->who, memory_order_acquire);

		if (holder == who)
			return slot;
		if (!usable && (!holder || is_over(window_ms, atomic_load(&slot->state), now_ms)))
			usable = slot;
	}
	if (!usable)
		return NULL;
	atomic_store_explicit(&usable->state, now_ms << COUNT_BITS, memory_order_relaxed);
	atomic_store_explicit(&usable->who, who, memory_order_release);
	return usable;
}

bool escalation_add(struct escalation *escalation, const struct escalate_rule *rule,
		    const struct addr *source, uint64_t now_ns)
{
	enum { REFUSALS_MAX = (1 << COUNT_BITS) - 1 };
	uint64_t refusals = rule->refusals < REFUSALS_MAX ? (uint64_t)rule->refusals : REFUSALS_MAX;
	uint64_t window_ms = (uint64_t)rule->window_ns / NS_PER_MS;
	/* The kernel plane counts IPv6 by /64: so does this. */
	struct addr masked = addr_mask(source, 32, V6_PREFIX_BITS);
	uint64_t who = hash_keyed(str_n((const char *)masked.byte, sizeof(masked.byte))) | 1;
	uint64_t now_ms = now_ns / NS_PER_MS, state, next;
	struct slot *slot =
		rule->refusals > 0 ? find_slot(escalation, who, window_ms, now_ms) : NULL;
	bool reached;

	if (!slot)
		return false;
	state = atomic_load_explicit(&slot->state, memory_order_relaxed);
	do {
		uint64_t count = state & ((1 << COUNT_BITS) - 1);
		bool over = is_over(window_ms, state, now_ms);

		count = over ? 1 : count + 1;
		reached = count >= refusals;
		if (reached)
			count = 0;
		next = (over || reached ? now_ms << COUNT_BITS
					: state & ~(uint64_t)((1 << COUNT_BITS) - 1)) |
		       count;
	} while (!atomic_compare_exchange_weak_explicit(
		&slot->state, &state, next, memory_order_relaxed, memory_order_relaxed));
	return reached;
}

void escalation_count(struct worker *worker, const struct conn *conn,
		      const struct escalate_rule *rule, struct str route, struct str middleware,
		      bool is_trusted)
{
	struct worker_shared *shared = worker->shared;

	if (!shared->escalation || is_trusted ||
	    !escalation_add(shared->escalation, rule, &conn->peer, worker->loop.now_ns))
		return;
	worker_count(&worker->counters.bans, 1);
	if (worker->metrics)
		metric_add(worker->metrics, shared->program_series, METRIC_ESCALATIONS, 1);
	if (shared->hooks.on_ban)
		shared->hooks.on_ban(shared->hooks.context,
				     &(struct proxy_ban){.source = conn->peer,
							 .local = conn->local,
							 .local_port = conn->local_port,
							 .entry_point = conn->entry->index,
							 .by_proxy_header = conn->by_proxy_header,
							 .refusals = (uint32_t)rule->refusals,
							 .route = route,
							 .middleware = middleware});
}
