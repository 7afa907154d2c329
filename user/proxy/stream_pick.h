/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_PICK_H
#define STREAM_PICK_H

/*
 * stream_pick: which server of a TCP or UDP service takes a connection: whose turn it is (reference
 * d.1, a.2), level by level.
 *
 * A server that is down is never chosen. One that lately refused a connection, or failed for this
 * very one, is chosen only when there is no other; one that has failed for it already is not asked
 * twice. Nothing here waits or allocates.
 */

#include "plan/stream_plan.h"

enum { STREAM_PICK_TRIED_MAX = 4, STREAM_PICK_LEVELS_MAX = 8 };

struct stream_pick {
	const struct stream_service *service; /* of the server: its transport, its counters */
	const struct stream_server *server;   /* NULL: none can take it */
	/* Servers that were chosen before for the same connection. */
	uint32_t tried[STREAM_PICK_TRIED_MAX];
	uint8_t n_tried;
};

/* Chooses (once more), and notes the choice as tried. False: nobody is left. */
bool stream_pick_next(struct stream_pick *pick, const struct stream_service *service,
		      uint64_t now_ns);

#endif
