/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_SOURCE_H
#define METRIC_SOURCE_H

/* metric_source: metrics that somebody supplies at scrape time; part of metric.h. */

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "obs/metric_table.h"

struct metric_registry;

/*
 * Who supplies the METRIC_OF_SOURCE rows: called at every scrape for each of them, in the thread
 * that scrapes; calls metric_sample() for as many series as there are, with the row's labels. At
 * most METRIC_SOURCES_MAX.
 */
struct metric_scrape;
typedef void (*metric_source_fn)(void *context, enum metric_id id, struct metric_scrape *scrape);
int metric_registry_add_source(struct metric_registry *registry, metric_source_fn collect,
			       void *context);
void metric_sample(struct metric_scrape *scrape, const struct str *labels, double value);
/* The same for a row that is a histogram: n buckets, not cumulative; bounds in seconds of all but
 * the last, which has none. n is at most METRIC_BUCKETS_MAX. */
void metric_sample_histogram(struct metric_scrape *scrape, const struct str *labels,
			     const double *bounds, const uint64_t *buckets, size_t n,
			     double sum_seconds);

#endif
