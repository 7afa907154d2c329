/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRATEGY_H
#define STRATEGY_H

/*
 * strategy: which server of a service, and which child of highestRandomWeight (reference d.1, d.2).
 *
 * A server that is down or fenced is never chosen. One that lately refused a connection, or failed
 * for this very request, is chosen only when there is no other. Nothing here waits or allocates.
 */

#include "http/message.h"
#include "plan/snapshot.h"

struct strategy_ask {
	const struct addr *client; /* the TCP peer */
	uint64_t now_ns;
	const struct server *const *tried; /* failed for this request */
	size_t n_tried;
};

/* NULL: none can take it. */
const struct server *strategy_choose(const struct service *service, const struct strategy_ask *ask);
/* Of SERVICE_HIGHEST_RANDOM_WEIGHT: among the children for which may_take says so. NULL: none. */
const struct service_child *
strategy_highest(const struct service *service, const struct addr *client,
		 bool (*may_take)(void *context, const struct service *child), void *context);

bool strategy_was_tried(const struct strategy_ask *ask, const struct server *server);
static inline bool strategy_is_usable(const struct server *server, uint64_t now_ns)
{
	return !server->fenced && live_member_is_up(server->member, now_ns);
}
/* Reference d.1: FNV-1a-64 of the client's address and the name, by weight. */
double strategy_score(struct str client, struct str name, int32_t weight);

/* Takes the next turn of a service. */
static inline uint64_t strategy_turn(const struct service *service)
{
	return atomic_fetch_add_explicit(&service->state->next, 1, memory_order_relaxed);
}

#endif
