/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LATENCY_H
#define LATENCY_H

/*
 * latency: how long things took, in cells of two significant digits, as an HDR histogram has them
 * (1 us to about one hour). Counted by many threads without a lock.
 */

#include <stdatomic.h>
#include <stdint.h>

enum { LATENCY_CELLS = 26 * 128 };

struct latency {
	_Atomic uint32_t cells[LATENCY_CELLS];
};

void latency_reset(struct latency *latency);
void latency_add(struct latency *latency, uint64_t us);
/* Adds one histogram's cells to sums. */
void latency_sum(const struct latency *latency, uint64_t sums[LATENCY_CELLS]);
/* Microseconds that quantile percent (0 to 100) do not exceed; 0 when there is nothing. */
uint64_t latency_at(const uint64_t sums[LATENCY_CELLS], double quantile);

#endif
