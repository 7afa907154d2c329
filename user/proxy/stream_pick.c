// SPDX-License-Identifier: Apache-2.0
/* stream_pick: see the header. */

#include "proxy/stream_pick.h"

/* From best to worst. */
enum rank { RANK_GOOD, RANK_SET_ASIDE, RANK_UNUSABLE };

static bool was_tried(const struct stream_pick *pick, const struct stream_server *server)
{
	for (uint8_t i = 0; i < pick->n_tried; i++)
		if (pick->tried[i] == server->id)
			return true;
	return false;
}

static enum rank rank_of(const struct stream_pick *pick, const struct stream_server *server,
			 uint64_t now_ns)
{
	if (!live_member_is_up(server->member, now_ns) || was_tried(pick, server))
		return RANK_UNUSABLE;
	return live_server_is_set_aside(server->live, now_ns) ? RANK_SET_ASIDE : RANK_GOOD;
}

static uint64_t turn_of(const struct stream_service *service)
{
	return atomic_fetch_add_explicit(&service->state->next, 1, memory_order_relaxed);
}

static enum rank choose_server(struct stream_pick *pick, const struct stream_service *service,
			       uint64_t now_ns)
{
	const struct turn_order *turns = &service->turns;
	enum rank best = RANK_UNUSABLE;
	uint64_t turn = turn_of(service);

	for (uint32_t i = 0; best != RANK_GOOD && i < turns->n_order; i++) {
		const struct stream_server *server =
			&service->servers[turns->order[(turn + i) % turns->n_order]];
		enum rank rank = rank_of(pick, server, now_ns);

		if (rank >= best)
			continue;
		best = rank;
		pick->service = service;
		pick->server = server;
	}
	return best;
}

static enum rank choose(struct stream_pick *pick, const struct stream_service *service,
			uint64_t now_ns, unsigned int level)
{
	const struct turn_order *turns = &service->turns;
	struct stream_pick found = *pick;
	enum rank best = RANK_UNUSABLE;
	uint64_t turn;

	if (!turns->n_order || level == STREAM_PICK_LEVELS_MAX)
		return RANK_UNUSABLE;
	if (!service->n_children)
		return choose_server(pick, service, now_ns);
	turn = turn_of(service);
	/* The child whose turn it is, or the next one that has a better server. */
	for (uint32_t i = 0; best != RANK_GOOD && i < turns->n_order; i++) {
		const struct stream_service *child =
			service->children[turns->order[(turn + i) % turns->n_order]];
		enum rank rank = choose(&found, child, now_ns, level + 1);

		if (rank >= best)
			continue;
		best = rank;
		*pick = found;
	}
	return best;
}

bool stream_pick_next(struct stream_pick *pick, const struct stream_service *service,
		      uint64_t now_ns)
{
	pick->server = NULL;
	if (!service || pick->n_tried == STREAM_PICK_TRIED_MAX ||
	    choose(pick, service, now_ns, 0) == RANK_UNUSABLE) {
		pick->server = NULL;
		return false;
	}
	pick->tried[pick->n_tried++] = pick->server->id;
	return true;
}
