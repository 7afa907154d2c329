/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BARE_WORKER_H
#define BARE_WORKER_H

/* bare_worker: a worker without a thread, without listeners and with an empty snapshot, whose loop
 * the test turns. */

#include "proxy/worker.h"

#include "base/clock.h"

struct bare_worker {
	struct worker_shared shared;
	struct static_config config;
	struct entry entry;
	struct worker worker;
};

static inline struct bare_worker *bare_worker_new(void)
{
	struct bare_worker *bare = aligned_alloc(64, (sizeof(*bare) + 63) & ~(size_t)63);
	struct snapshot *snapshot = snapshot_new(1);

	memset(bare, 0, sizeof(*bare));
	bare->shared.config = &bare->config;
	bare->shared.entries = &bare->entry;
	bare->shared.n_entries = 1;
	bare->shared.max_connections = 1000;
	snapshot->max_server_id = 100;
	if (worker_init(&bare->worker, &bare->shared, 0, snapshot, NULL, 0) < 0)
		abort();
	snapshot_unref(snapshot);
	return bare;
}

static inline void bare_worker_free(struct bare_worker *bare)
{
	worker_done(&bare->worker);
	free(bare);
}

#endif
