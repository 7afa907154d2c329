/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPORT_H
#define REPORT_H

/*
 * report: faults of manifests, said once. A fault is logged when it appears, and again only after
 * it had gone; an object that was broken and is whole again is logged too. Control thread only.
 */

#include <stdatomic.h>

#include "model/object.h"
#include "obs/metric.h"
#include "plan/snapshot.h"

enum { REPORT_OTHER_KINDS = KIND__COUNT, REPORT_KINDS };

struct report {
	struct table known; /* fault text -> itself, heap */
	/* Of the last revision, by the kind of their object: fields that are not supported; read by
	 * whoever scrapes. */
	_Atomic uint32_t unsupported[REPORT_KINDS];
};

void report_init(struct report *report);
void report_done(struct report *report);
/* Logs what is new among the faults of files (may be NULL), objects and snapshot. Returns how many
 * objects are broken. */
size_t report_revision(struct report *report, const struct store *store,
		       const struct snapshot *snapshot, const struct diag_sink *files);
/* For metric_registry_add_source(); context is a struct report. */
void report_collect(void *context, enum metric_id id, struct metric_scrape *scrape);

#endif
