/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_METRIC_H
#define PROCESS_METRIC_H

/* process_metric: process_* and build_info, from /proc/self at scrape time. What /proc does not
 * show is left out. */

#include "obs/metric.h"

struct process_metric {
	uint64_t start_wall_ns;
};

/* For metric_registry_add_source(); context is a struct process_metric. */
void process_metric_collect(void *context, enum metric_id id, struct metric_scrape *scrape);

#endif
