// SPDX-License-Identifier: Apache-2.0
/* strategy: see the header. */

#include "proxy/strategy.h"

#include <math.h>

#include "base/hash.h"

enum { P2C_SAMPLES = 8 };

/* From best to worst. */
enum rank { RANK_GOOD, RANK_SET_ASIDE, RANK_TRIED, RANK_UNUSABLE };

bool strategy_was_tried(const struct strategy_ask *ask, const struct server *server)
{
	for (size_t i = 0; i < ask->n_tried; i++)
		if (ask->tried[i]->id == server->id)
			return true;
	return false;
}

static enum rank rank_of(const struct strategy_ask *ask, const struct server *server)
{
	if (!strategy_is_usable(server, ask->now_ns))
		return RANK_UNUSABLE;
	if (ask->n_tried && strategy_was_tried(ask, server))
		return RANK_TRIED;
	return live_server_is_set_aside(server->live, ask->now_ns) ? RANK_SET_ASIDE : RANK_GOOD;
}

/* The server whose turn it is, or a later one when that is out of order. */
static const struct server *by_turn(const struct service *service, const struct strategy_ask *ask)
{
	const struct turn_order *turns = &service->turns;
	const struct server *best = NULL;
	enum rank best_rank = RANK_UNUSABLE;
	uint32_t at = (uint32_t)(strategy_turn(service) % turns->n_order);

	for (uint32_t i = 0; i < turns->n_order; i++) {
		const struct server *server = &service->servers[turns->order[at]];
		enum rank rank = rank_of(ask, server);

		if (rank == RANK_GOOD)
			return server;
		if (rank < best_rank) {
			best_rank = rank;
			best = server;
		}
		if (++at == turns->n_order)
			at = 0;
	}
	return best;
}

/* ------------------------------------------------------------------- p2c -- */

static uint64_t random_of(const struct service *service, const struct strategy_ask *ask)
{
	return hash_mix64(strategy_turn(service) * 0x9e3779b97f4a7c15ULL ^ ask->now_ns);
}

/* One at random that is good and not `other`: by chance first, then whoever comes next. */
static const struct server *random_good(const struct service *service,
					const struct strategy_ask *ask, uint64_t *random,
					const struct server *other)
{
	uint32_t n = service->n_servers, at = 0;

	for (int i = 0; i < P2C_SAMPLES; i++) {
		at = (uint32_t)((*random >> 32) * n >> 32);
		*random = hash_mix64(*random + 0x9e3779b97f4a7c15ULL);
		if (&service->servers[at] != other &&
		    rank_of(ask, &service->servers[at]) == RANK_GOOD)
			return &service->servers[at];
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct server *server = &service->servers[(at + i) % n];

		if (server != other && rank_of(ask, server) == RANK_GOOD)
			return server;
	}
	return NULL;
}

static uint32_t in_flight(const struct server *server)
{
	return server->member
		       ? atomic_load_explicit(&server->member->in_flight, memory_order_relaxed)
		       : 0;
}

static const struct server *by_two_choices(const struct service *service,
					   const struct strategy_ask *ask)
{
	uint64_t random = random_of(service, ask);
	const struct server *first = random_good(service, ask, &random, NULL), *second;

	if (!first)
		return by_turn(service, ask);
	second = random_good(service, ask, &random, first);
	return second && in_flight(second) < in_flight(first) ? second : first;
}

/* ------------------------------------------------------------ hrw, leasttime -- */

static uint64_t fnv_more(uint64_t hash, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash ^ (unsigned char)bytes.at[i]) * 0x100000001b3ULL;
	return hash;
}

double strategy_score(struct str client, struct str name, int32_t weight)
{
	double share = ldexp((double)fnv_more(hash_fnv1a64(client), name), -64);

	return weight / -log(share);
}

static const struct server *by_client(const struct service *service, const struct strategy_ask *ask)
{
	const struct server *best = NULL;
	enum rank best_rank = RANK_UNUSABLE;
	double best_score = -1;
	char text[ADDR_TEXT_MAX];
	struct str client = {text, addr_print(ask->client, text)};

	for (uint32_t i = 0; i < service->n_servers; i++) {
		const struct server *server = &service->servers[i];
		enum rank rank = rank_of(ask, server);
		double score;

		if (rank == RANK_UNUSABLE || rank > best_rank || server->weight <= 0)
			continue;
		score = strategy_score(client, server->url, server->weight);
		if (rank == best_rank && score <= best_score)
			continue;
		best = server;
		best_rank = rank;
		best_score = score;
	}
	return best;
}

static double time_score(const struct server *server)
{
	double average = server->member ? (double)live_member_average_us(server->member) : 0;

	return average * (1 + (double)in_flight(server)) / server->weight;
}

/* Among equals whose turn comes first. */
static const struct server *by_time(const struct service *service, const struct strategy_ask *ask)
{
	const struct turn_order *turns = &service->turns;
	const struct server *best = NULL;
	enum rank best_rank = RANK_UNUSABLE;
	double best_score = 0;
	uint64_t turn = strategy_turn(service);

	for (uint32_t i = 0; i < turns->n_order; i++) {
		const struct server *server =
			&service->servers[turns->order[(turn + i) % turns->n_order]];
		enum rank rank = rank_of(ask, server);
		double score;

		if (rank == RANK_UNUSABLE || rank > best_rank)
			continue;
		score = time_score(server);
		if (rank == best_rank && score >= best_score)
			continue;
		best = server;
		best_rank = rank;
		best_score = score;
	}
	return best;
}

/* -------------------------------------------------------------------- all -- */

const struct server *strategy_choose(const struct service *service, const struct strategy_ask *ask)
{
	if (!service->turns.n_order)
		return NULL;
	/* A service of one server has nothing to choose. */
	if (service->n_servers == 1)
		return live_member_is_up(service->servers->member, ask->now_ns) ? service->servers
										: NULL;
	switch ((enum service_strategy)service->strategy) {
	case STRATEGY_P2C:
		return by_two_choices(service, ask);
	case STRATEGY_HRW:
		return by_client(service, ask);
	case STRATEGY_LEASTTIME:
		return by_time(service, ask);
	case STRATEGY_WRR:
		break;
	}
	return by_turn(service, ask);
}

const struct service_child *
strategy_highest(const struct service *service, const struct addr *client,
		 bool (*may_take)(void *context, const struct service *child), void *context)
{
	const struct service_child *best = NULL;
	double best_score = -1;
	char text[ADDR_TEXT_MAX];
	struct str address = {text, addr_print(client, text)};

	for (uint32_t i = 0; i < service->n_children; i++) {
		const struct service_child *child = &service->children[i];
		double score;

		if (child->weight <= 0 || !may_take(context, child->service))
			continue;
		score = strategy_score(address, child->name, child->weight);
		if (score <= best_score)
			continue;
		best = child;
		best_score = score;
	}
	return best;
}
