/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPORT_H
#define REPORT_H

/*
 * report: faults of manifests, said once. A fault is logged when it appears, and again only after
 * it had gone; an object that was broken and is whole again is logged too. Control thread only.
 */

#include "model/object.h"
#include "plan/snapshot.h"

struct report {
	struct table known; /* fault text -> itself, heap */
};

void report_init(struct report *report);
void report_done(struct report *report);
/* Logs what is new among the faults of files (may be NULL), objects and snapshot. Returns how many
 * objects are broken. */
size_t report_revision(struct report *report, const struct store *store,
		       const struct snapshot *snapshot, const struct diag_sink *files);

#endif
