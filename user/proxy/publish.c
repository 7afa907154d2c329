// SPDX-License-Identifier: Apache-2.0
/* publish: counting without atomics, by one thread. */

#include "proxy/publish.h"

#include <stdlib.h>

#include "base/die.h"

struct snapshot_use *snapshot_use_new(struct snapshot *snapshot)
{
	struct snapshot_use *use = malloc(sizeof(*use));
	struct hidden *hidden = NULL;

	if (!use || !hidden_of(snapshot, &hidden)) {
		free(use);
		snapshot_unref(snapshot);
		return NULL;
	}
	*use = (struct snapshot_use){snapshot, hidden, 1};
	return use;
}

bool snapshot_use_put(struct snapshot_use *use)
{
	if (!use)
		return false;
	ASSERT(use->n_users > 0);
	if (--use->n_users)
		return false;
	snapshot_unref(use->snapshot);
	free(use->hidden);
	free(use);
	return true;
}
