// SPDX-License-Identifier: Apache-2.0
/*
 * compile_kernel_backends: shares of members -> backends with whole weights.
 *
 * A Service's weight is divided among its endpoints, as its turns would be. Weights are as small as
 * they can be for the same shares; where that takes numbers beyond KERNEL_WEIGHT_MAX they are
 * scaled.
 */

#include <math.h>

#include "plan/compile_kernel.h"
#include "plan/compile_unit.h"

enum { FEW = 24 };

bool compile_kernel_share(struct kernel_shares *shares, const struct share *share)
{
	if (share->member)
		compile_unit_depend(shares->compile, STR(COMPILE_HEALTH));
	if (shares->n == shares->room) {
		size_t room = shares->room ? shares->room * 2 : 16;
		struct share *at = ARENA_ARRAY(&shares->compile->scratch, struct share, room);

		if (!at)
			return false;
		if (shares->n)
			memcpy(at, shares->at, shares->n * sizeof(*at));
		shares->at = at;
		shares->room = room;
	}
	shares->at[shares->n++] = *share;
	return true;
}

void compile_kernel_divide(struct kernel_shares *shares, size_t from, double weight)
{
	size_t n = 0;

	for (size_t i = from; i < shares->n; i++)
		n += shares->at[i].state != KERNEL_BACKEND_DRAIN;
	for (size_t i = from; i < shares->n; i++)
		if (shares->at[i].state != KERNEL_BACKEND_DRAIN)
			shares->at[i].weight = weight / (double)n;
}

bool compile_kernel_has(const struct kernel_shares *shares, bool is_v4)
{
	for (size_t i = 0; i < shares->n; i++)
		if (addr_is_v4(&shares->at[i].addr) == is_v4)
			return true;
	return false;
}

/* The smallest factor that makes all shares whole, or what makes the greatest as great as may be.
 */
static double factor_of(const double *weights, uint32_t n)
{
	enum { TRIES = 4096 };
	double least = 0, most = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (weights[i] <= 0)
			continue;
		least = least <= 0 || weights[i] < least ? weights[i] : least;
		most = weights[i] > most ? weights[i] : most;
	}
	if (most <= 0)
		return 0;
	for (int k = 1; k <= TRIES; k++) {
		double factor = k / least;
		bool whole = most * factor <= KERNEL_WEIGHT_MAX;

		for (uint32_t i = 0; whole && i < n; i++) {
			double scaled = weights[i] * factor;

			whole = fabs(scaled - round(scaled)) < 1e-6 * (scaled + 1);
		}
		if (whole)
			return factor;
	}
	return KERNEL_WEIGHT_MAX / most;
}

/* What is being filled. */
struct filling {
	struct kernel_service *service;
	double *weights;
	bool has_index;
	struct table known; /* address and port -> 1 + index */
	struct arena *scratch;
};

static struct str key_of(const struct share *share, struct arena *arena)
{
	char *key = arena_alloc(arena, sizeof(share->addr) + sizeof(share->port), 1);

	if (!key)
		return (struct str){0};
	memcpy(mempcpy(key, &share->addr, sizeof(share->addr)), &share->port, sizeof(share->port));
	return str_n(key, sizeof(share->addr) + sizeof(share->port));
}

static bool index_one(struct filling *filling, const struct share *share, size_t at)
{
	struct str key = key_of(share, filling->scratch);

	return key.at && table_put(&filling->known, key, (void *)(at + 1), NULL) == 0;
}

/* Where the backend is; n_backends: nowhere. Few are looked through. */
static size_t find(const struct filling *filling, const struct share *share)
{
	const struct kernel_service *service = filling->service;
	size_t at = 0;

	if (filling->has_index) {
		uintptr_t known =
			(uintptr_t)table_find(&filling->known, key_of(share, filling->scratch));

		return known ? known - 1 : service->n_backends;
	}
	while (at < service->n_backends && (service->backends[at].port != share->port ||
					    !addr_eq(&service->backends[at].addr, &share->addr)))
		at++;
	return at;
}

/* The same backend by two references: shares add up, the better state holds. */
static bool add(struct filling *filling, const struct share *share)
{
	struct kernel_service *service = filling->service;
	size_t at = find(filling, share);
	struct kernel_backend *backend = &service->backends[at];

	if (at == service->n_backends) {
		if (filling->has_index && !index_one(filling, share, at))
			return false;
		*backend = (struct kernel_backend){
			.addr = share->addr, .port = share->port, .state = share->state};
		service->n_backends++;
	} else if (share->state == KERNEL_BACKEND_ACTIVE) {
		backend->state = share->state;
	}
	filling->weights[at] += share->weight;
	return true;
}

static void set_weights(struct kernel_service *service, const double *weights)
{
	double factor = factor_of(weights, service->n_backends);

	for (uint32_t i = 0; i < service->n_backends; i++) {
		struct kernel_backend *backend = &service->backends[i];
		double scaled = round(weights[i] * factor);

		backend->weight = weights[i] <= 0 ? 0 : scaled < 1 ? 1 : (uint32_t)scaled;
		if (!backend->weight && backend->state == KERNEL_BACKEND_ACTIVE)
			backend->state = KERNEL_BACKEND_DRAIN;
	}
}

bool compile_kernel_fill(const struct kernel_shares *shares, bool is_v4,
			 struct kernel_service *ret_service)
{
	struct arena *arena = shares->compile->arena;
	struct arena *scratch = &shares->compile->scratch;
	double *weights = ARENA_ARRAY(scratch, double, shares->n + 1);
	struct filling filling = {.service = ret_service, .weights = weights, .scratch = scratch};
	bool has_active = false;

	filling.has_index = shares->n > FEW;
	ret_service->backends = ARENA_ARRAY(arena, struct kernel_backend, shares->n + 1);
	ret_service->n_backends = 0;
	if (!weights || !ret_service->backends)
		return false;
	table_init(&filling.known, scratch);
	for (size_t i = 0; i < shares->n; i++)
		if (addr_is_v4(&shares->at[i].addr) == is_v4 && !add(&filling, &shares->at[i]))
			return false;
	set_weights(ret_service, weights);
	for (uint32_t i = 0; i < ret_service->n_backends; i++)
		has_active |= ret_service->backends[i].state == KERNEL_BACKEND_ACTIVE;
	for (uint32_t i = 0; !has_active && i < ret_service->n_backends; i++)
		if (ret_service->backends[i].state == KERNEL_BACKEND_DEAD)
			ret_service->backends[i].state = KERNEL_BACKEND_ACTIVE;
	return true;
}
