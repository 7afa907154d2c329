// SPDX-License-Identifier: Apache-2.0
/* effect: see the header. */
#include "control/effect.h"

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

void effect_published(struct effect *effect, uint64_t revision, uint64_t event_ns)
{
	if (!effect->revision || event_ns < effect->since_ns)
		effect->since_ns = event_ns;
	effect->revision = revision;
}

bool effect_served(struct effect *effect, uint64_t revision, uint64_t now_ns)
{
	if (!effect->revision)
		return false;
	if (revision < effect->revision)
		return true;
	atomic_store_explicit(&effect->last_ns, now_ns - effect->since_ns, memory_order_relaxed);
	count(&effect->all, now_ns - effect->since_ns);
	effect->revision = 0;
	return false;
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
	if (id != METRIC_CONFIG_COMPILE)
		return;
	sample(scrape, &effect->full, "full");
	sample(scrape, &effect->quick, "changes");
}
