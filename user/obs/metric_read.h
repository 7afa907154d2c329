/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_READ_H
#define METRIC_READ_H

/* metric_read: the sums of all workers, series by series, in the order of their labels. */

#include <stdint.h>

#include "base/str.h"
#include "obs/metric.h"

enum { METRIC_POINT_LABELS_MAX = 8 };

/* Valid during the call. */
struct metric_point {
	const struct metric_row *row;
	size_t n_labels;
	const char *names[METRIC_POINT_LABELS_MAX];
	struct str values[METRIC_POINT_LABELS_MAX];
	double value; /* of a histogram: the sum, in seconds */
	/* Histogram only: cumulative, the last is the number of requests. */
	uint64_t bucket[METRIC_BUCKETS_MAX];
	size_t n_buckets;
	const double *bounds; /* seconds; n_buckets - 1 of them */
};

typedef void (*metric_point_fn)(void *context, const struct metric_point *point);

/* Calls each for every point of every row of metric_rows, in order. Holds the registry's lock
 * meanwhile. */
void metric_read(struct metric_registry *registry, metric_point_fn each, void *context);

#endif
