/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EFFECT_H
#define EFFECT_H

/*
 * effect: how long changes take: from the event at the source until every worker and the kernel
 * plane work by them, and how much of it is compiling. The control thread writes; whoever scrapes
 * reads. Times are monotonic, in nanoseconds.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "obs/metric.h"

enum { EFFECT_BUCKETS = 12, EFFECT_WAITING_MAX = 32 };

struct effect_histogram {
	_Atomic uint64_t bucket[EFFECT_BUCKETS], sum_ns;
};

struct effect {
	struct effect_histogram all, kernel, full, quick;
	/* Published, and not every worker has it: the oldest first. */
	struct effect_waiting {
		uint64_t revision, since_ns;
	} waiting[EFFECT_WAITING_MAX];
	size_t n_waiting;
	_Atomic uint64_t last_ns;
};

void effect_init(struct effect *effect);
void effect_compiled(struct effect *effect, bool was_quick, uint64_t took_ns);
/* The kernel plane works by a change whose first event was that long ago. */
void effect_kernel(struct effect *effect, uint64_t took_ns);
/* A revision was published whose first event happened then. With too many that wait it counts with
 * the newest of them. */
void effect_published(struct effect *effect, uint64_t revision, uint64_t event_ns);
/* What every worker has; true while one waits. */
bool effect_served(struct effect *effect, uint64_t revision, uint64_t now_ns);
/* For metric_registry_add_source(); context is a struct effect. */
void effect_collect(void *context, enum metric_id id, struct metric_scrape *scrape);

#endif
