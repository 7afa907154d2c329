// SPDX-License-Identifier: Apache-2.0
/* latency: a histogram of durations with a bounded relative error. */
#include "latency.h"

enum {
	STEPS = 64, /* buckets for one power of two */
	STEPS_SHIFT = 6,
};

static unsigned int bucket_of(uint64_t value)
{
	if (value < STEPS)
		return (unsigned int)value;
	unsigned int shift = 63 - (unsigned int)__builtin_clzll(value) - STEPS_SHIFT;

	return (shift + 1) * STEPS + ((value >> shift) & (STEPS - 1));
}

static uint64_t smallest_of(unsigned int bucket)
{
	if (bucket < STEPS)
		return bucket;
	return (uint64_t)(STEPS + bucket % STEPS) << (bucket / STEPS - 1);
}

void latency_add(struct latency *latency, uint64_t duration_ns)
{
	latency->buckets[bucket_of(duration_ns)]++;
	latency->count++;
	latency->sum_ns += duration_ns;
	if (duration_ns > latency->max_ns)
		latency->max_ns = duration_ns;
}

uint64_t latency_quantile_ns(const struct latency *latency, double quantile)
{
	uint64_t wanted = (uint64_t)((double)latency->count * quantile), seen = 0;

	for (unsigned int i = 0; i < LATENCY_BUCKETS; i++) {
		seen += latency->buckets[i];
		if (seen > wanted)
			return smallest_of(i);
	}
	return latency->max_ns;
}
