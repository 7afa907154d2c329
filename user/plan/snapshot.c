// SPDX-License-Identifier: Apache-2.0
/*
 * snapshot: its birth, its references and its end.
 *
 * Things that are not arena memory (expressions, shared states, TLS tables) are registered with
 * snapshot_own and released in reverse order, since later ones may point at earlier ones. The last
 * reference may go on any thread, so whatever is registered must not care where it is released.
 */

#include "plan/snapshot.h"

#include <stdlib.h>

struct snapshot_owned {
	struct snapshot_owned *next; /* registered before this one */
	void *thing;
	void (*release)(void *);
};

enum {
	SNAPSHOT_CAP_BYTES = 1 << 30,
	SNAPSHOT_BLOCK_BYTES = 64 << 10,
};

struct snapshot *snapshot_new(uint64_t revision)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return NULL;
	ref_init(&snapshot->ref);
	snapshot->revision = revision;
	arena_init(&snapshot->arena, SNAPSHOT_CAP_BYTES, SNAPSHOT_BLOCK_BYTES);
	diag_init(&snapshot->diags, &snapshot->arena);
	return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
	ref_get(&snapshot->ref);
	return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
	if (!snapshot || !ref_put(&snapshot->ref))
		return;
	for (struct snapshot_owned *owned = snapshot->owned; owned; owned = owned->next)
		owned->release(owned->thing);
	arena_done(&snapshot->arena);
	part_grave_unref(snapshot->grave);
	free(snapshot);
}

void snapshot_own(struct snapshot *snapshot, void *thing, void (*release)(void *))
{
	struct snapshot_owned *owned = ARENA_NEW(&snapshot->arena, struct snapshot_owned);

	if (!owned) {
		/* Nobody could free it later; the arena's sticky failure makes compile give up. */
		release(thing);
		return;
	}
	*owned = (struct snapshot_owned){snapshot->owned, thing, release};
	snapshot->owned = owned;
}

void snapshot_begin_from(struct snapshot *snapshot, const struct snapshot *last)
{
	snapshot->n_entry_points = last->n_entry_points;
	snapshot->entry_points =
		ARENA_ARRAY(&snapshot->arena, struct entry_point, last->n_entry_points + 1U);
	if (snapshot->entry_points)
		memcpy(snapshot->entry_points, last->entry_points,
		       last->n_entry_points * sizeof(*last->entry_points));
	snapshot->middlewares = last->middlewares;
	snapshot->n_middlewares = last->n_middlewares;
	snapshot->kernel = last->kernel;
	snapshot->tcp_routes = last->tcp_routes;
	snapshot->udp_routes = last->udp_routes;
	snapshot->tcp_services = last->tcp_services;
	snapshot->udp_services = last->udp_services;
	snapshot->tcp_middlewares = last->tcp_middlewares;
	snapshot->n_tcp_routes = last->n_tcp_routes;
	snapshot->n_udp_routes = last->n_udp_routes;
	snapshot->n_tcp_services = last->n_tcp_services;
	snapshot->n_udp_services = last->n_udp_services;
	snapshot->n_tcp_middlewares = last->n_tcp_middlewares;
	snapshot->stream_probes = last->stream_probes;
	snapshot->vip_probes = last->vip_probes;
	snapshot->conflicts = last->conflicts;
	snapshot->n_conflicts = last->n_conflicts;
	snapshot->tcp_offload = last->tcp_offload;
	snapshot->udp_offload = last->udp_offload;
}
