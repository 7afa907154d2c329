// SPDX-License-Identifier: Apache-2.0
/* effect: see the header. */
#include "control/effect.h"

#include <string.h>

#include "base/clock.h"

static const double bounds[EFFECT_BUCKETS - 1] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
						  0.05,	  0.1,	 0.25,	0.5,   1};

void effect_init(struct effect *effect)
{
	*effect = (struct effect){0};
}

static void count(struct effect_histogram *histogram, uint64_t ns)
{
	size_t i = 0;

	while (i < EFFECT_BUCKETS - 1 && (double)ns > bounds[i] * NS_PER_SEC)
		i++;
	atomic_fetch_add_explicit(&histogram->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_relaxed);
}

void effect_compiled(struct effect *effect, bool was_quick, uint64_t took_ns)
{
	count(was_quick ? &effect->quick : &effect->full, took_ns);
}

void effect_kernel(struct effect *effect, uint64_t took_ns)
{
	count(&effect->kernel, took_ns);
}

void effect_published(struct effect *effect, uint64_t revision, uint64_t event_ns)
{
	struct effect_waiting *last;

	if (effect->n_waiting < EFFECT_WAITING_MAX) {
		effect->waiting[effect->n_waiting++] = (struct effect_waiting){revision, event_ns};
		return;
	}
	last = &effect->waiting[EFFECT_WAITING_MAX - 1];
	last->revision = revision;
	if (event_ns < last->since_ns)
		last->since_ns = event_ns;
}

bool effect_served(struct effect *effect, uint64_t revision, uint64_t now_ns)
{
	size_t n = 0;

	for (; n < effect->n_waiting && effect->waiting[n].revision <= revision; n++) {
		uint64_t took_ns = now_ns - effect->waiting[n].since_ns;

		atomic_store_explicit(&effect->last_ns, took_ns, memory_order_relaxed);
		count(&effect->all, took_ns);
	}
	effect->n_waiting -= n;
	if (n && effect->n_waiting)
		memmove(effect->waiting, effect->waiting + n,
			effect->n_waiting * sizeof(*effect->waiting));
	return effect->n_waiting != 0;
}

static void sample(struct metric_scrape *scrape, const struct effect_histogram *histogram,
		   const char *kind)
{
	const struct str label = str_of(kind);
	uint64_t buckets[EFFECT_BUCKETS];

	for (size_t i = 0; i < EFFECT_BUCKETS; i++)
		buckets[i] = atomic_load_explicit(&histogram->bucket[i], memory_order_relaxed);
	metric_sample_histogram(
		scrape, &label, bounds, buckets, EFFECT_BUCKETS,
		(double)atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed) /
			NS_PER_SEC);
}

void effect_collect(void *context, enum metric_id id, struct metric_scrape *scrape)
{
	struct effect *effect = context;

	if (id == METRIC_CONFIG_EFFECT)
		sample(scrape, &effect->all, "");
	if (id == METRIC_KERNEL_EFFECT)
		sample(scrape, &effect->kernel, "");
	if (id != METRIC_CONFIG_COMPILE)
		return;
	sample(scrape, &effect->full, "full");
	sample(scrape, &effect->quick, "changes");
}
