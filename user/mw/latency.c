// SPDX-License-Identifier: Apache-2.0
/*
 * latency: the cells of an HDR histogram: 256 of width 1, then 128 for every further doubling.
 * Numbers of cells, and the value that a cell stands for (its greatest), are those of the library
 * that the reference's circuit breaker uses (two significant digits, 1 us to 3600 s).
 */

#include "mw/latency.h"

enum { HALF = 128, SUB = 2 * HALF, SUB_BITS = 8 };

#define GREATEST_US 3600000000ULL

static unsigned cell_of(uint64_t us)
{
	unsigned bucket;

	if (us > GREATEST_US)
		us = GREATEST_US;
	bucket = us < SUB ? 0 : 64 - (unsigned)__builtin_clzll(us) - SUB_BITS;
	return bucket * HALF + (unsigned)(us >> bucket);
}

static uint64_t greatest_of(unsigned cell)
{
	unsigned bucket = cell < SUB ? 0 : cell / HALF - 1;
	uint64_t sub = cell - bucket * HALF;

	return ((sub + 1) << bucket) - 1;
}

void latency_reset(struct latency *latency)
{
	for (unsigned i = 0; i < LATENCY_CELLS; i++)
		atomic_store_explicit(&latency->cells[i], 0, memory_order_relaxed);
}

void latency_add(struct latency *latency, uint64_t us)
{
	atomic_fetch_add_explicit(&latency->cells[cell_of(us)], 1, memory_order_relaxed);
}

void latency_sum(const struct latency *latency, uint64_t sums[LATENCY_CELLS])
{
	for (unsigned i = 0; i < LATENCY_CELLS; i++)
		sums[i] += atomic_load_explicit(&latency->cells[i], memory_order_relaxed);
}

uint64_t latency_at(const uint64_t sums[LATENCY_CELLS], double quantile)
{
	uint64_t total = 0, wanted, seen = 0;

	for (unsigned i = 0; i < LATENCY_CELLS; i++)
		total += sums[i];
	if (total == 0)
		return 0;
	if (!(quantile <= 100))
		quantile = 100;
	wanted = (uint64_t)(quantile / 100 * (double)total + 0.5);
	for (unsigned i = 0; i < LATENCY_CELLS; i++) {
		seen += sums[i];
		if (seen > 0 && seen >= wanted)
			return greatest_of(i);
	}
	return GREATEST_US;
}
