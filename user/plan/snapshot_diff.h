/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SNAPSHOT_DIFF_H
#define SNAPSHOT_DIFF_H

/*
 * snapshot_diff: what is different between two snapshots, as people see it: routers, middlewares
 * and services of the proxy as /api/rawdata has them, and policies, entries and services of the
 * kernel plane. Pure.
 */

#include <jansson.h>

#include "base/buf.h"
#include "plan/snapshot.h"

/*
 * A new reference, NULL without memory: one object for each thing that differs,
 *	{"what": "router", "name": "shop-web-...@kubernetescrd", "change": "added|removed|changed",
 *	 "fields": [{"field": "rule", "before": ..., "after": ...}]}
 * sorted by what, then name. Fields only of what changed; before or after is absent where the field
 * is. What is added or removed has the whole of it as "item". What follows from something else (who
 *uses a thing, which servers are down now) is left out.
 */
json_t *snapshot_diff(const struct snapshot *before, const struct snapshot *after);
/* The same for reading: "+", "-" or "~" before each. */
void snapshot_diff_print(const json_t *diff, struct buf *buf);

#endif
