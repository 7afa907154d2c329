/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROMETHEUS_H
#define PROMETHEUS_H

/* prometheus: all metrics as exposition text (format 0.0.4), in the same order at every scrape. */

#include "base/buf.h"
#include "obs/metric.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends to out; what does not fit into its maximum sets out->failed. */
void prometheus_print(struct metric_registry *registry, struct buf *out);

#endif
