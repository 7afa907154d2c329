// SPDX-License-Identifier: Apache-2.0
/* breaker: see the header. */

#include "mw/breaker.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mw/latency.h"

enum {
	SECONDS = 10,
	STATUSES = 1000,
	WINDOWS = 6,
	WINDOW_S = 10,
	PHASE_BITS = 2,
	TURNING = 1, /* an epoch that nothing is counted for: the cell is being emptied */
	FIRST_EPOCH = 2,
};

/* Numbers of one span of time; epoch says which one. */
struct second {
	_Atomic uint64_t epoch;
	_Atomic uint32_t statuses[STATUSES];
};

struct window {
	_Atomic uint64_t epoch;
	struct latency latency;
};

struct breaker {
	struct mw_state state;	/* first */
	_Atomic uint64_t phase; /* enum breaker_phase, and above it when it ends */
	_Atomic uint64_t ramp;	/* while recovering: allowed << 32 | denied */
	_Atomic uint64_t next_check_ns;
	struct second seconds[SECONDS];
	struct window windows[WINDOWS];
};

static void breaker_free(struct mw_state *state)
{
	free(state);
}

static size_t breaker_memory(const struct mw_state *state)
{
	(void)state;
	return sizeof(struct breaker);
}

struct mw_state *breaker_new(void)
{
	struct breaker *breaker = calloc(1, sizeof(*breaker));

	if (!breaker)
		return NULL;
	ref_init(&breaker->state.ref);
	breaker->state.free = breaker_free;
	breaker->state.memory_bytes = breaker_memory;
	return &breaker->state;
}

static struct breaker *of(const struct mw_state *state)
{
	return (struct breaker *)(uintptr_t)state;
}

static uint64_t pack(enum breaker_phase phase, uint64_t until_ns)
{
	return until_ns << PHASE_BITS | phase;
}

static enum breaker_phase kind_of(uint64_t phase)
{
	return (enum breaker_phase)(phase & ((1 << PHASE_BITS) - 1));
}

static uint64_t until_of(uint64_t phase)
{
	return phase >> PHASE_BITS;
}

/* Lets ever more through: half of all at the end. */
static bool ramp_allows(struct breaker *breaker, uint64_t until_ns,
			const struct breaker_times *times, uint64_t now_ns)
{
	uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	uint64_t elapsed_ns = times->recovery_ns > left_ns ? times->recovery_ns - left_ns : 0;
	double target =
		times->recovery_ns ? 0.5 * (double)elapsed_ns / (double)times->recovery_ns : 1;
	uint64_t ramp = atomic_load(&breaker->ramp), next;
	bool allowed;

	do {
		uint64_t n_allowed = ramp >> 32, n_denied = ramp & UINT32_MAX;

		/* Would the share still be below the target with this one? */
		allowed = (double)(n_allowed + 1) / (double)(n_allowed + 1 + n_denied) < target;
		next = allowed ? ramp + (1ULL << 32) : ramp + 1;
	} while (!atomic_compare_exchange_weak(&breaker->ramp, &ramp, next));
	return allowed;
}

/* Where the state is by now, without counting. */
static uint64_t move_on(struct breaker *breaker, const struct breaker_times *times, uint64_t now_ns)
{
	uint64_t phase = atomic_load(&breaker->phase), next;

	if (kind_of(phase) == BREAKER_TRIPPED && now_ns >= until_of(phase)) {
		next = pack(BREAKER_RECOVERING, now_ns + times->recovery_ns);
		if (atomic_compare_exchange_strong(&breaker->phase, &phase, next)) {
			atomic_store(&breaker->ramp, 0);
			phase = next;
		}
	}
	if (kind_of(phase) == BREAKER_RECOVERING && now_ns > until_of(phase)) {
		next = pack(BREAKER_STANDBY, 0);
		if (atomic_compare_exchange_strong(&breaker->phase, &phase, next))
			phase = next;
	}
	return phase;
}

bool breaker_allows(struct mw_state *state, const struct breaker_times *times, uint64_t now_ns)
{
	struct breaker *breaker = of(state);
	uint64_t phase = move_on(breaker, times, now_ns);

	switch (kind_of(phase)) {
	case BREAKER_TRIPPED:
		return false;
	case BREAKER_RECOVERING:
		return ramp_allows(breaker, until_of(phase), times, now_ns);
	default:
		return true;
	}
}

enum breaker_phase breaker_phase(const struct mw_state *state, const struct breaker_times *times,
				 uint64_t now_ns)
{
	uint64_t phase = atomic_load(&of(state)->phase), until_ns = until_of(phase);

	if (kind_of(phase) == BREAKER_TRIPPED && now_ns >= until_ns)
		return BREAKER_RECOVERING; /* begins with the next request */
	if (kind_of(phase) == BREAKER_RECOVERING && now_ns > until_ns)
		return BREAKER_STANDBY;
	(void)times;
	return kind_of(phase);
}

/* Whether the cell is (now) for this epoch; the first one there empties it. */
static bool turn_second(struct second *second, uint64_t epoch)
{
	uint64_t there = atomic_load(&second->epoch);

	if (there == epoch)
		return true;
	if (there == TURNING || !atomic_compare_exchange_strong(&second->epoch, &there, TURNING))
		return false;
	for (unsigned i = 0; i < STATUSES; i++)
		atomic_store_explicit(&second->statuses[i], 0, memory_order_relaxed);
	atomic_store(&second->epoch, epoch);
	return true;
}

static bool turn_window(struct window *window, uint64_t epoch)
{
	uint64_t there = atomic_load(&window->epoch);

	if (there == epoch)
		return true;
	if (there == TURNING || !atomic_compare_exchange_strong(&window->epoch, &there, TURNING))
		return false;
	latency_reset(&window->latency);
	atomic_store(&window->epoch, epoch);
	return true;
}

static uint64_t second_of(uint64_t now_ns)
{
	return now_ns / NS_PER_SEC + FIRST_EPOCH;
}

static uint64_t window_of(uint64_t now_ns)
{
	return now_ns / (WINDOW_S * NS_PER_SEC) + FIRST_EPOCH;
}

void breaker_record(struct mw_state *state, unsigned status, uint64_t took_ns, uint64_t now_ns)
{
	struct breaker *breaker = of(state);
	struct second *second = &breaker->seconds[second_of(now_ns) % SECONDS];
	struct window *window = &breaker->windows[window_of(now_ns) % WINDOWS];

	if (status < STATUSES && turn_second(second, second_of(now_ns)))
		atomic_fetch_add_explicit(&second->statuses[status], 1, memory_order_relaxed);
	if (turn_window(window, window_of(now_ns)))
		latency_add(&window->latency, took_ns / NS_PER_US);
}

bool breaker_due(struct mw_state *state, const struct breaker_times *times, uint64_t now_ns)
{
	struct breaker *breaker = of(state);
	uint64_t next_ns = atomic_load(&breaker->next_check_ns);

	if (now_ns <= next_ns)
		return false;
	if (!atomic_compare_exchange_strong(&breaker->next_check_ns, &next_ns,
					    now_ns + times->check_ns))
		return false;
	return kind_of(atomic_load(&breaker->phase)) != BREAKER_TRIPPED;
}

void breaker_trip(struct mw_state *state, const struct breaker_times *times, uint64_t now_ns)
{
	struct breaker *breaker = of(state);

	atomic_store(&breaker->phase, pack(BREAKER_TRIPPED, now_ns + times->fallback_ns));
	for (unsigned i = 0; i < SECONDS; i++)
		atomic_store(&breaker->seconds[i].epoch, 0);
	for (unsigned i = 0; i < WINDOWS; i++)
		atomic_store(&breaker->windows[i].epoch, 0);
}

uint64_t breaker_count(const struct mw_state *state, unsigned from, unsigned to, uint64_t now_ns)
{
	struct breaker *breaker = of(state);
	uint64_t now = second_of(now_ns), sum = 0;

	if (to > STATUSES)
		to = STATUSES;
	for (unsigned i = 0; i < SECONDS; i++) {
		struct second *second = &breaker->seconds[i];
		uint64_t epoch = atomic_load(&second->epoch);

		if (epoch < FIRST_EPOCH || epoch > now || now - epoch >= SECONDS)
			continue;
		for (unsigned status = from; status < to; status++)
			sum += atomic_load_explicit(&second->statuses[status],
						    memory_order_relaxed);
	}
	return sum;
}

uint64_t breaker_latency_ms(const struct mw_state *state, double quantile, uint64_t now_ns)
{
	struct breaker *breaker = of(state);
	uint64_t sums[LATENCY_CELLS] = {0}, now = window_of(now_ns);

	for (unsigned i = 0; i < WINDOWS; i++) {
		struct window *window = &breaker->windows[i];
		uint64_t epoch = atomic_load(&window->epoch);

		if (epoch >= FIRST_EPOCH && epoch <= now && now - epoch < WINDOWS)
			latency_sum(&window->latency, sums);
	}
	return latency_at(sums, quantile) / (NS_PER_MS / NS_PER_US);
}
