/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUBLISH_H
#define PUBLISH_H

/*
 * publish: which snapshot a worker works by, and who still works by an older one.
 *
 * A worker holds one reference per snapshot, however many requests use it: those are counted in
 * plain integers, since only the worker's thread sees them. The reference goes when the snapshot is
 * no longer the current one and its last request has ended. So publishing costs one atomic
 * operation per worker, and a request none.
 */

#include "net/mailbox.h"
#include "plan/snapshot.h"
#include "proxy/hidden.h"

struct snapshot_use {
	struct snapshot *snapshot; /* a reference */
	struct hidden *hidden;	   /* NULL: nothing */
	uint32_t n_users;	   /* requests and handshakes, plus one while it is current */
};

/* Takes over the caller's reference. NULL without memory (the reference is dropped then). */
struct snapshot_use *snapshot_use_new(struct snapshot *snapshot);
static inline struct snapshot_use *snapshot_use_get(struct snapshot_use *use)
{
	use->n_users++;
	return use;
}
/* True when it was the last one: snapshot and use are gone. NULL is allowed. */
bool snapshot_use_put(struct snapshot_use *use);

#endif
