/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_CONFLICT_H
#define COMPILE_CONFLICT_H

/*
 * compile_conflict: routes that nobody ever reaches, because another one has the same rule on the
 * same entry point and ranks before them. Who has lost is told, and by whom: by namespace and name
 * and nothing else, since that may be another tenant.
 */

#include "plan/compile_unit.h"
#include "plan/stream_plan.h"

/* Of HTTP, once routers and lists are made: c->conflicts, and those of the snapshot. */
void compile_conflicts(struct compile *c);
/* Of raw TCP on one entry point; the losers get a warning. */
void compile_conflict_tcp(struct compile *c, struct tcp_route *const *routes, size_t n,
			  struct str entry_point);

/* Why the route is never reached; empty: it is. */
struct str compile_conflict_of(const struct snapshot *snapshot, struct str route);

#endif
