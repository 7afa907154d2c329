/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROBE_H
#define PROBE_H

/*
 * probe: asks one server once whether it is well (reference d.3).
 *
 * On a connection of its own, made by the rules of the server's transport; only the answer's head
 * is read. Redirections that stay at the server are followed; one that leads elsewhere is an answer
 * like any other.
 */

#include "plan/snapshot.h"
#include "proxy/upstream.h"

struct probe {
	struct upstream_owner owner; /* first */
	struct worker *worker;
	const struct health_probe *conf;
	const struct server *target;
	/* Once, when it is known; not from within probe_begin(). */
	void (*on_done)(struct probe *probe, bool is_up, struct str why);
	/* The rest is its own. */
	struct upstream *upstream;
	struct timer timer;
	struct arena arena;
	struct request request;
	unsigned int n_redirects;
	bool runs;
	struct str why_not;
};

/* worker, conf, target, owner.use and on_done are set. All they point at must live until on_done.
 */
void probe_begin(struct probe *probe);
/* Gives up: on_done is not called. Harmless when nothing runs. */
void probe_cancel(struct probe *probe);

#endif
