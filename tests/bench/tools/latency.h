// SPDX-License-Identifier: Apache-2.0
/*
 * latency: a histogram of durations with a bounded relative error.
 *
 * Every power of two is divided into 64 buckets, so a quantile is at most 1.6 % too small. Adding
 * costs a few instructions and no memory, so that measuring does not change what is measured.
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

enum { LATENCY_BUCKETS = 64 * 64 };

struct latency {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns;
	uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *latency, uint64_t duration_ns);

/* The duration that `quantile` (0 to 1) of all durations do not exceed; 0 when there are none. */
uint64_t latency_quantile_ns(const struct latency *latency, double quantile);

#endif
