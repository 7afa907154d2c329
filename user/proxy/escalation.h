/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ESCALATION_H
#define ESCALATION_H

/*
 * escalation: counts how often each source was refused at L7, over all workers, and says so when it
 * was too often within the window: then the kernel plane can drop it (architecture.md section 2).
 *
 * A fixed table of atomics: no lock, no memory of its own per source. Four slots per source; when
 * all are taken by others that are counted right now, this refusal is not counted (on full: open;
 * the source stays limited at L7). Never for peers that are trusted to speak for others.
 */

#include "plan/snapshot.h"
#include "proxy/conn.h"

struct escalation;

/* NULL without memory. */
struct escalation *escalation_new(void);
void escalation_free(struct escalation *escalation);
/*
 * One refusal; true when it is the one that reaches the rule's limit (the count begins anew then).
 * Rules belong to entry points; one of 0 refusals never reaches it.
 */
bool escalation_add(struct escalation *escalation, const struct escalate_rule *rule,
		    const struct addr *source, uint64_t now_ns);
/* For a connection whose request was refused; calls the hook. */
void escalation_count(struct worker *worker, const struct conn *conn,
		      const struct escalate_rule *rule, struct str route, struct str middleware,
		      bool is_trusted);

#endif
