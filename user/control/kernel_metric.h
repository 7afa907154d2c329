/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_METRIC_H
#define KERNEL_METRIC_H

/* kernel_metric: the kernel plane's counters as metrics, read from the maps at every scrape. */

#include "control/controller.h"
#include "obs/metric.h"

/* For metric_registry_add_source(); context is a struct controller. Says nothing while the plane is
 * off. */
void kernel_metric_collect(void *context, enum metric_id id, struct metric_scrape *scrape);

#endif
