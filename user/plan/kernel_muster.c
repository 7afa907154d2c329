// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_muster: from services as they should be to rows and rings (kernel_fleet_prepare, _commit
 * and _abandon). A service whose digest is the old one costs nothing.
 */
#include "plan/kernel_muster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "flow_hash.h"
#include "plan/cuckoo.h"
#include "plan/kernel_digest.h"
#include "plan/kernel_slot.h"
#include "plan/maglev.h"
#include "vip_key.h"

enum { CLASS_MASK = 3, SLOTS_PER_MEMBER_MIN = 32 };

struct muster {
	struct kernel_fleet *fleet;
	struct kernel_fleet_plan *plan;
	struct arena *arena;
	uint64_t now_ns;
	/* Of the service at hand. */
	struct maglev_member *members;
	uint32_t n_members;
	uint32_t *cells, mask; /* backends of the service by key, open addressing */
};

static enum abi_mode mode_of(const struct kernel_service *service)
{
	static const enum abi_mode modes[] = {[KERNEL_MODE_NAT] = ABI_MODE_NAT,
					      [KERNEL_MODE_DSR_L2] = ABI_MODE_DSR_L2,
					      [KERNEL_MODE_DSR_IPIP] = ABI_MODE_DSR_IPIP,
					      [KERNEL_MODE_DSR_GUE] = ABI_MODE_DSR_GUE};

	return modes[service->mode];
}

_Static_assert((int)KERNEL_AFFINITY_SOURCE == ABI_AFFINITY_SOURCE &&
		       (int)KERNEL_AFFINITY_QUIC == ABI_AFFINITY_QUIC,
	       "affinities are stored as they are");

/* A backend without a share gets nothing new, whatever it is called. */
static enum abi_backend_state state_of(const struct kernel_backend *backend)
{
	if (backend->state == KERNEL_BACKEND_DEAD)
		return ABI_BACKEND_DEAD;
	if (backend->state == KERNEL_BACKEND_DRAIN || !backend->weight)
		return ABI_BACKEND_DRAIN;
	return ABI_BACKEND_ACTIVE;
}

static uint64_t fold(uint64_t h, const void *at, size_t n)
{
	return (h ^ maglev_key(at, n)) * 0x9e3779b97f4a7c15ULL;
}

static uint64_t digest_of_nodes(const struct kernel_config *config)
{
	uint64_t h = fold(1, &config->n_nodes, sizeof(config->n_nodes));

	for (size_t i = 0; i < config->n_nodes; i++) {
		const struct kernel_node *node = &config->nodes[i];
		const uint32_t tail[] = {node->is_self, (uint32_t)node->state};

		h = fold(fold(fold(h, node->name.at, node->name.len), node->addr.byte,
			      sizeof(node->addr.byte)),
			 tail, sizeof(tail));
	}
	return h ? h : 1;
}

/* ------------------------------------------------------------------ backends -- */

static uint64_t key_of(const struct abi_addr *addr, __be16 port)
{
	struct {
		struct abi_addr addr;
		__be16 port, pad;
	} key = {.addr = *addr, .port = port};

	return maglev_key(&key, sizeof(key));
}

static uint32_t *cell_of(struct muster *muster, const struct abi_backend *want)
{
	uint32_t at = (uint32_t)key_of(&want->addr, want->port) & muster->mask;

	for (; muster->cells[at]; at = (at + 1) & muster->mask) {
		const struct abi_backend *row = &muster->fleet->tables.backends[muster->cells[at]];

		if (!memcmp(&row->addr, &want->addr, sizeof(row->addr)) &&
		    row->port == want->port && row->mode == want->mode &&
		    row->quic_id == want->quic_id)
			break;
	}
	return &muster->cells[at];
}

/* The backends that the service has, by key, with room for n more. */
static int index_backends(struct muster *muster, uint32_t slot, uint32_t n)
{
	const struct kernel_fleet *fleet = muster->fleet;
	uint32_t room = 16, all = n;

	for (uint32_t id = fleet->services[slot].first; id; id = fleet->backends[id].next)
		all++;
	while (room < 2 * all)
		room *= 2;
	muster->mask = room - 1;
	muster->cells = ARENA_ARRAY(muster->arena, uint32_t, room);
	if (!muster->cells)
		return -ENOMEM;
	for (uint32_t id = fleet->services[slot].first; id; id = fleet->backends[id].next)
		*cell_of(muster, &fleet->tables.backends[id]) = id;
	return 0;
}

/* A row that no ring names yet. 0: none is free. */
static uint32_t new_backend(struct muster *muster, const struct abi_backend *want)
{
	struct kernel_fleet *fleet = muster->fleet;

	for (uint32_t i = 1; i < ABI_BACKENDS; i++) {
		uint32_t id = 1 + (fleet->hint + i) % (ABI_BACKENDS - 1);
		struct abi_backend *row = &fleet->tables.backends[id];
		uint16_t tag = (uint16_t)(row->tag + 1);

		if (fleet->backends[id].is_used)
			continue;
		*row = *want;
		row->tag = tag;
		fleet->backends[id] =
			(struct kernel_fleet_backend){.next = fleet->services[want->service].first,
						      .is_used = true,
						      .is_new = true};
		fleet->services[want->service].first = (uint16_t)id;
		fleet->quic_hashes[id] =
			quic_hash(want->service, want->quic_id, fleet->tables.seed);
		fleet->hint = id - 1;
		muster->plan->fresh[muster->plan->n_fresh++] = (uint16_t)id;
		return id;
	}
	return 0;
}

static bool is_own(const struct kernel_config *config, const struct addr *addr)
{
	return (!addr_is_unspecified(&config->self4) && addr_eq(addr, &config->self4)) ||
	       (!addr_is_unspecified(&config->self6) && addr_eq(addr, &config->self6));
}

/* Rows for all of a service's backends, and who may be a member of the ring. */
static int place_backends(struct muster *muster, const struct kernel_service *service,
			  uint32_t slot, uint16_t *ret_ids)
{
	struct kernel_fleet *fleet = muster->fleet;

	muster->n_members = 0;
	fleet->stamp++;
	for (uint32_t i = 0; i < service->n_backends; i++) {
		const struct kernel_backend *backend = &service->backends[i];
		struct abi_backend want = {
			.port = service->mode == KERNEL_MODE_NAT ? htons(backend->port) : 0,
			.mode = (__u8)mode_of(service),
			.state = (__u8)state_of(backend),
			.service = (__u16)slot,
			.quic_id = service->affinity == KERNEL_AFFINITY_QUIC
					   ? backend->quic_server_id
					   : 0,
			.is_here = is_own(muster->plan->config, &backend->addr),
		};

		memcpy(&want.addr, backend->addr.byte, sizeof(want.addr));
		uint32_t *cell = cell_of(muster, &want);

		if (!*cell)
			*cell = new_backend(muster, &want);
		if (!*cell)
			return -ENOSPC;
		struct kernel_fleet_backend *known = &fleet->backends[*cell];

		ret_ids[i] = (uint16_t)*cell;
		if (known->stamp == fleet->stamp) {
			/* The same one again: its shares add up. */
			muster->members[known->member].weight += backend->weight;
			continue;
		}
		known->stamp = fleet->stamp;
		known->member = (uint16_t)muster->n_members;
		muster->members[muster->n_members++] = (struct maglev_member){
			.key = key_of(&want.addr, want.port),
			.weight = backend->weight,
			.id = (uint16_t)*cell,
		};
	}
	return 0;
}

/* Active ones; if there is none, draining ones go on serving; dead ones never. */
static void elect(struct muster *muster, const struct kernel_service *service, const uint16_t *ids)
{
	struct kernel_fleet *fleet = muster->fleet;
	bool any_active = false;
	uint32_t n = 0;

	for (uint32_t i = 0; i < service->n_backends; i++)
		any_active |= state_of(&service->backends[i]) == ABI_BACKEND_ACTIVE;
	for (uint32_t i = 0; i < service->n_backends; i++) {
		struct maglev_member *member = &muster->members[fleet->backends[ids[i]].member];
		enum abi_backend_state state = state_of(&service->backends[i]);

		if (state == ABI_BACKEND_DEAD || (any_active && state == ABI_BACKEND_DRAIN))
			member->weight = 0;
		else if (!any_active && !member->weight)
			member->weight = 1;
	}
	for (uint32_t i = 0; i < muster->n_members; i++)
		if (muster->members[i].weight)
			muster->members[n++] = muster->members[i];
	muster->n_members = n;
}

/* --------------------------------------------------------------------- rings -- */

static bool is_same(const struct kernel_fleet *fleet, uint32_t ring, const uint16_t *slots)
{
	const uint16_t *have = kernel_fleet_ring(fleet, ring);

	for (uint32_t i = 0; have && i < ring_slots(ring); i++)
		if ((have[i] & ABI_RING_BACKEND) != slots[i])
			return false;
	return have;
}

/* Writes the ring, with a mark where flows may be elsewhere. *ret_any: whether there is any. */
static int write_ring(struct kernel_fleet *fleet, uint32_t ring, uint32_t now, uint32_t before,
		      bool *ret_any)
{
	uint16_t *to = kernel_fleet_ring(fleet, ring);
	const uint16_t *had = now ? kernel_fleet_ring(fleet, now) : NULL;
	const uint16_t *old = before ? kernel_fleet_ring(fleet, before) : NULL;
	bool any = false, comparable = !had || (now & CLASS_MASK) == (ring & CLASS_MASK);

	if (!to || (now && !had) || (before && !old))
		return -ENOMEM;
	comparable &= !old || (before & CLASS_MASK) == (ring & CLASS_MASK);
	for (uint32_t i = 0; i < ring_slots(ring); i++) {
		bool mark =
			(had || old) && (!comparable || (had && had[i] & ABI_RING_CHECK) ||
					 (old && (old[i] & ABI_RING_BACKEND) != fleet->slots[i]));

		to[i] = (uint16_t)(fleet->slots[i] | (mark ? ABI_RING_CHECK : 0));
		any |= mark;
	}
	*ret_any = any;
	return 0;
}

static int take_ring(struct muster *muster, uint32_t now, uint32_t *ret_ring)
{
	struct kernel_room *room = &muster->fleet->room;
	uint32_t class = now & CLASS_MASK;

	/* Another size would move every slot: only when it has become far too small. */
	if (now && muster->n_members <= ring_slots(class) / SLOTS_PER_MEMBER_MIN)
		*ret_ring = kernel_room_take(room, class, false);
	else
		*ret_ring = kernel_room_take(room, maglev_class(muster->n_members), true);
	return *ret_ring ? 0 : -ENOSPC;
}

/* The ring of the members, and what it would replace. */
static int place_ring(struct muster *muster, struct kernel_fleet_change *change)
{
	struct kernel_fleet *fleet = muster->fleet;
	const struct abi_service *row = &fleet->tables.services[change->slot];
	const struct kernel_fleet_service *of = &fleet->services[change->slot];
	bool is_open = of->until_ns && muster->now_ns - of->begun_ns < KERNEL_FLEET_WINDOW_MAX_NS;
	uint32_t ring = 0;

	change->ring = row->ring;
	change->before = row->ring_before;
	change->is_marked = of->is_marked;
	if (!muster->n_members && !row->ring)
		return 0;
	if (muster->n_members) {
		TRY(take_ring(muster, row->ring, &ring));
		int err = maglev_build(muster->members, muster->n_members, ring_slots(ring),
				       muster->arena, fleet->slots);

		if (err || (row->ring && (row->ring & CLASS_MASK) == (ring & CLASS_MASK) &&
			    is_same(fleet, row->ring, fleet->slots))) {
			kernel_room_drop(&fleet->room, ring);
			return err;
		}
	}
	change->is_ring_new = true;
	change->ring = ring;
	change->before = is_open && row->ring_before ? row->ring_before : row->ring;
	int err = ring ? write_ring(fleet, ring, row->ring, change->before, &change->is_marked) : 0;

	if (err)
		kernel_room_drop(&fleet->room, ring);
	return err;
}

/* --------------------------------------------------------------------- whole -- */

static int prepare_service(struct muster *muster, const struct kernel_service *service,
			   uint32_t slot)
{
	struct kernel_fleet_plan *plan = muster->plan;
	struct kernel_fleet_change change = {
		.slot = slot, .service = service, .digest = kernel_service_digest(service)};

	if (muster->fleet->services[slot].is_used &&
	    muster->fleet->services[slot].digest == change.digest)
		return 0;
	change.ids = ARENA_ARRAY(muster->arena, uint16_t, service->n_backends + 1);
	muster->members = ARENA_ARRAY(muster->arena, struct maglev_member, service->n_backends + 1);
	if (!change.ids || !muster->members)
		return -ENOMEM;
	TRY(index_backends(muster, slot, service->n_backends));
	TRY(place_backends(muster, service, slot, change.ids));
	elect(muster, service, change.ids);
	TRY(place_ring(muster, &change));
	plan->changes[plan->n++] = change;
	return 0;
}

static int prepare_nodes(struct muster *muster, const struct kernel_config *config,
			 const uint32_t *slots)
{
	struct kernel_fleet_change change = {.digest = digest_of_nodes(config)};
	const struct kernel_fleet_service *of = &muster->fleet->services[0];

	if (of->digest == change.digest || (!config->n_nodes && !of->is_used))
		return 0;
	muster->members = ARENA_ARRAY(muster->arena, struct maglev_member, config->n_nodes + 1);
	if (!muster->members)
		return -ENOMEM;
	muster->n_members = 0;
	for (size_t i = 0; i < config->n_nodes; i++) {
		const struct kernel_node *node = &config->nodes[i];

		if (node->state == KERNEL_BACKEND_ACTIVE)
			muster->members[muster->n_members++] = (struct maglev_member){
				.key = maglev_key(node->name.at, node->name.len),
				.weight = 1,
				.id = (uint16_t)slots[i],
			};
	}
	TRY(place_ring(muster, &change));
	muster->plan->changes[muster->plan->n++] = change;
	return 0;
}

int kernel_fleet_prepare(struct kernel_fleet *fleet, const struct kernel_config *config,
			 const struct kernel_image *image, uint64_t now_ns, struct arena *arena,
			 struct kernel_fleet_plan **ret_plan)
{
	struct kernel_fleet_plan *plan = ARENA_NEW(arena, struct kernel_fleet_plan);
	struct muster muster = {.fleet = fleet, .plan = plan, .arena = arena, .now_ns = now_ns};
	size_t n_backends = 0;
	int err = 0;

	for (size_t i = 0; i < config->n_services; i++)
		n_backends += config->services[i]->n_backends;
	if (!plan)
		return -ENOMEM;
	plan->config = config;
	plan->image = image;
	plan->changes = ARENA_ARRAY(arena, struct kernel_fleet_change, config->n_services + 1);
	plan->fresh = ARENA_ARRAY(arena, uint16_t, n_backends + 1);
	if (!plan->changes || !plan->fresh)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_services && !err; i++)
		err = prepare_service(&muster, config->services[i], image->service_slots[i]);
	if (!err)
		err = prepare_nodes(&muster, config, image->node_slots);
	if (err)
		kernel_fleet_abandon(fleet, plan);
	else
		*ret_plan = plan;
	return err;
}

void kernel_fleet_abandon(struct kernel_fleet *fleet, const struct kernel_fleet_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->changes[i].is_ring_new)
			kernel_room_drop(&fleet->room, plan->changes[i].ring);
	for (size_t i = 0; i < plan->n_fresh; i++) {
		kernel_fleet_leave(fleet, plan->fresh[i]);
		fleet->tables.backends[plan->fresh[i]].mode = ABI_MODE_NONE;
		fleet->backends[plan->fresh[i]] = (struct kernel_fleet_backend){0};
	}
}

static void commit_backends(struct kernel_fleet *fleet, const struct kernel_fleet_change *change,
			    uint64_t now_ns)
{
	const struct kernel_service *service = change->service;
	struct cuckoo cuckoo = {.cells = &fleet->tables.quic[0].backend[0],
				.n = QUIC_CELLS,
				.hashes = fleet->quic_hashes};

	fleet->stamp++;
	for (uint32_t i = 0; i < service->n_backends; i++) {
		struct kernel_fleet_backend *known = &fleet->backends[change->ids[i]];
		struct abi_backend *row = &fleet->tables.backends[change->ids[i]];

		known->is_retired = known->is_awaited = false;
		if (known->stamp == fleet->stamp)
			continue;
		known->stamp = fleet->stamp;
		row->state = (__u8)state_of(&service->backends[i]);
		if (row->state == ABI_BACKEND_DEAD)
			known->drained_ns = 0;
		if (row->quic_id) {
			/* A full table costs the steering, not the service. */
			cuckoo_remove(&cuckoo, change->ids[i]);
			(void)cuckoo_put(&cuckoo, change->ids[i]);
		}
	}
	for (uint32_t id = fleet->services[change->slot].first; id; id = fleet->backends[id].next) {
		struct kernel_fleet_backend *known = &fleet->backends[id];

		if (known->stamp == fleet->stamp || known->is_retired)
			continue;
		known->is_retired = true;
		known->retired_ns = now_ns;
		if (fleet->tables.backends[id].state == ABI_BACKEND_ACTIVE)
			fleet->tables.backends[id].state = ABI_BACKEND_DRAIN;
	}
	fleet->services[change->slot].drain_ns = service->drain_ns;
	kernel_fleet_drain(fleet, change->slot, now_ns);
}

/* Without a tunnel a packet can only be sent to a backend of its own family. */
static uint8_t families_of(const struct kernel_service *service)
{
	uint8_t families = 0;

	if (service->mode == KERNEL_MODE_DSR_IPIP || service->mode == KERNEL_MODE_DSR_GUE)
		return 3;
	for (uint32_t i = 0; i < service->n_backends; i++)
		families |= addr_is_v4(&service->backends[i].addr) ? 1 : 2;
	return families ? families : 3;
}

static void commit_nodes(struct kernel_fleet *fleet, const struct kernel_config *config,
			 const uint32_t *slots)
{
	static const enum abi_backend_state states[] = {[KERNEL_BACKEND_ACTIVE] =
								ABI_BACKEND_ACTIVE,
							[KERNEL_BACKEND_DRAIN] = ABI_BACKEND_DRAIN,
							[KERNEL_BACKEND_DEAD] = ABI_BACKEND_DEAD};

	for (size_t i = 0; i < config->n_nodes; i++) {
		const struct kernel_node *node = &config->nodes[i];
		struct abi_node *row = &fleet->tables.nodes[slots[i]];

		if (memcmp(&row->way.addr, node->addr.byte, sizeof(row->way.addr))) {
			memcpy(&row->way.addr, node->addr.byte, sizeof(row->way.addr));
			row->way.hop_until_ns = 0;
		}
		row->way.mode = ABI_MODE_DSR_GUE;
		row->way.state = (__u8)states[node->state];
		row->is_self = node->is_self;
		kernel_slot_name(row->name, node->name);
	}
}

/* Who may be named by the ring that becomes the one before: not who came or had gone already. */
static void note_before(struct kernel_fleet *fleet, uint32_t slot, bool opens, uint64_t now_ns)
{
	for (uint32_t id = fleet->services[slot].first; id; id = fleet->backends[id].next) {
		struct kernel_fleet_backend *known = &fleet->backends[id];

		if (opens)
			known->is_before = !known->is_new &&
					   (!known->is_retired || known->retired_ns == now_ns);
		known->is_new = false;
	}
}

static void commit_one(struct kernel_fleet *fleet, const struct kernel_fleet_plan *plan,
		       const struct kernel_fleet_change *change, uint64_t now_ns)
{
	struct kernel_fleet_service *of = &fleet->services[change->slot];
	struct abi_service *row = &fleet->tables.services[change->slot];

	if (change->service) {
		commit_backends(fleet, change, now_ns);
		note_before(fleet, change->slot,
			    change->is_ring_new && change->before != row->ring_before, now_ns);
		row->families = families_of(change->service);
		row->affinity = (__u8)change->service->affinity;
		kernel_slot_name(row->name, change->service->name);
	} else {
		commit_nodes(fleet, plan->config, plan->image->node_slots);
	}
	row->used = 1;
	of->is_used = true;
	of->digest = change->digest;
	fleet->is_empty = false;
	if (!change->is_ring_new)
		return;
	kernel_fleet_set_rings(fleet, change->slot, change->ring, change->before);
	of->changed_ns = now_ns;
	of->is_marked = change->is_marked;
	if (!change->before)
		return;
	if (!of->until_ns || now_ns - of->begun_ns >= KERNEL_FLEET_WINDOW_MAX_NS)
		of->begun_ns = now_ns;
	of->until_ns = now_ns + KERNEL_FLEET_WINDOW_NS;
}

void kernel_fleet_commit(struct kernel_fleet *fleet, const struct kernel_fleet_plan *plan,
			 uint64_t now_ns)
{
	for (uint32_t i = 0; i < ABI_SERVICES; i++)
		fleet->services[i].is_wanted = false;
	for (size_t i = 0; i < plan->config->n_services; i++)
		fleet->services[plan->image->service_slots[i]].is_wanted = true;
	fleet->services[0].is_wanted = plan->config->n_nodes;
	for (size_t i = 0; i < plan->n; i++)
		commit_one(fleet, plan, &plan->changes[i], now_ns);
}
