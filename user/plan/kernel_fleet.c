// SPDX-License-Identifier: Apache-2.0
/* kernel_fleet: what is there, what becomes of it over time, and freeing. kernel_muster makes the
 * changes. */
#include "plan/kernel_fleet.h"

#include <stdlib.h>
#include <string.h>

#include "plan/cuckoo.h"
#include "plan/kernel_muster.h"
#include "vip_key.h"

static void adopt_backends(struct kernel_fleet *fleet)
{
	for (uint32_t i = 1; i < ABI_BACKENDS; i++) {
		const struct abi_backend *row = &fleet->tables.backends[i];
		struct kernel_fleet_service *of = &fleet->services[row->service % ABI_SERVICES];

		if (!row->mode)
			continue;
		fleet->backends[i].is_used = fleet->backends[i].is_before = true;
		fleet->backends[i].next = of->first;
		of->first = (uint16_t)i;
		fleet->quic_hashes[i] = quic_hash(row->service, row->quic_id, fleet->tables.seed);
	}
}

struct kernel_fleet *kernel_fleet_new(const struct kernel_tables *tables, uint64_t now_ns)
{
	struct kernel_fleet *fleet = calloc(1, sizeof(*fleet));

	if (!fleet || kernel_room_init(&fleet->room, tables->rings.n_lines)) {
		free(fleet);
		return NULL;
	}
	fleet->tables = *tables;
	fleet->is_empty = true;
	for (uint32_t i = 0; i < ABI_SERVICES; i++) {
		const struct abi_service *row = &tables->services[i];
		struct kernel_fleet_service *of = &fleet->services[i];

		if (!row->used)
			continue;
		fleet->is_empty = false;
		of->is_used = of->is_marked = of->is_wanted = true;
		kernel_room_claim(&fleet->room, row->ring);
		kernel_room_claim(&fleet->room, row->ring_before);
		if (row->ring_before) {
			of->begun_ns = now_ns;
			of->until_ns = now_ns + KERNEL_FLEET_WINDOW_NS;
		}
	}
	adopt_backends(fleet);
	return fleet;
}

void kernel_fleet_free(struct kernel_fleet *fleet)
{
	if (!fleet)
		return;
	kernel_room_done(&fleet->room);
	free(fleet->live);
	free(fleet);
}

void kernel_fleet_set_rings(struct kernel_fleet *fleet, uint32_t slot, uint32_t ring,
			    uint32_t before)
{
	struct abi_service *row = &fleet->tables.services[slot];
	uint32_t old = row->ring, old_before = row->ring_before;
	__u64 rings = (__u64)before << 32 | ring;

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ring is the lower half");
	__atomic_store_n(&row->rings, rings, __ATOMIC_RELEASE);
	if (old != ring && old != before)
		kernel_room_retire(&fleet->room, old);
	if (old_before != old && old_before != ring && old_before != before)
		kernel_room_retire(&fleet->room, old_before);
}

void kernel_fleet_leave(struct kernel_fleet *fleet, uint32_t id)
{
	struct cuckoo cuckoo = {.cells = &fleet->tables.quic[0].backend[0],
				.n = QUIC_CELLS,
				.hashes = fleet->quic_hashes};
	struct abi_backend *row = &fleet->tables.backends[id];
	uint16_t *at = &fleet->services[row->service].first;

	while (*at && *at != id)
		at = &fleet->backends[*at].next;
	if (*at)
		*at = fleet->backends[id].next;
	if (row->quic_id)
		cuckoo_remove(&cuckoo, (uint16_t)id);
	row->state = ABI_BACKEND_DEAD;
	fleet->backends[id].is_leaving = true;
	fleet->backends[id].is_retired = fleet->backends[id].is_awaited = false;
}

/* It is over for this one: packets take it for dead, and its flows go to the ring's owners. */
static bool is_drained(const struct kernel_fleet_service *of, uint64_t since_ns, uint64_t now_ns)
{
	return of->drain_ns && now_ns - since_ns >= of->drain_ns;
}

void kernel_fleet_drain(struct kernel_fleet *fleet, uint32_t slot, uint64_t now_ns)
{
	const struct kernel_fleet_service *of = &fleet->services[slot];
	bool any_active = false;

	for (uint32_t id = of->first; id; id = fleet->backends[id].next)
		any_active |= fleet->tables.backends[id].state == ABI_BACKEND_ACTIVE;
	for (uint32_t id = of->first; id; id = fleet->backends[id].next) {
		struct kernel_fleet_backend *known = &fleet->backends[id];
		struct abi_backend *row = &fleet->tables.backends[id];

		if (row->state == ABI_BACKEND_ACTIVE)
			known->drained_ns = 0;
		else if (row->state == ABI_BACKEND_DRAIN && !known->drained_ns)
			known->drained_ns = now_ns ? now_ns : 1;
		if (known->drained_ns)
			row->state = any_active && is_drained(of, known->drained_ns, now_ns)
					     ? ABI_BACKEND_DEAD
					     : ABI_BACKEND_DRAIN;
	}
}

static void remove_service(struct kernel_fleet *fleet, uint32_t slot)
{
	struct kernel_fleet_service *of = &fleet->services[slot];
	struct abi_service *row = &fleet->tables.services[slot];

	kernel_fleet_set_rings(fleet, slot, 0, 0);
	while (of->first)
		kernel_fleet_leave(fleet, of->first);
	row->used = 0;
	memset(row->name, 0, sizeof(row->name));
	*of = (struct kernel_fleet_service){0};
}

bool kernel_fleet_is_shrinking(const struct kernel_fleet *fleet)
{
	for (uint32_t i = 0; !fleet->is_empty && i < ABI_SERVICES; i++)
		if (fleet->services[i].is_used && !fleet->services[i].is_wanted)
			return true;
	return false;
}

/* What is retired stays, but from then on only flows name it that know it. */
bool kernel_fleet_await(struct kernel_fleet *fleet)
{
	bool any = !fleet->is_empty && kernel_room_await(&fleet->room);

	for (uint32_t i = 1; !fleet->is_empty && i < ABI_BACKENDS; i++) {
		struct kernel_fleet_backend *known = &fleet->backends[i];

		if (known->is_awaited || !(known->is_leaving || known->is_retired))
			continue;
		known->is_awaited = any = true;
	}
	return any || kernel_fleet_is_shrinking(fleet);
}

void kernel_fleet_settle(struct kernel_fleet *fleet)
{
	if (fleet->is_empty)
		return;
	/* No entry leads to these any more, so no packet reads their rings. */
	if (kernel_fleet_is_shrinking(fleet)) {
		for (uint32_t i = 0; i < ABI_SERVICES; i++)
			if (fleet->services[i].is_used && !fleet->services[i].is_wanted)
				remove_service(fleet, i);
		kernel_fleet_await(fleet);
	}
	for (uint32_t i = 1; i < ABI_BACKENDS; i++) {
		if (!fleet->backends[i].is_leaving || !fleet->backends[i].is_awaited)
			continue;
		fleet->tables.backends[i].mode = ABI_MODE_NONE;
		fleet->backends[i] = (struct kernel_fleet_backend){0};
	}
	kernel_room_settle(&fleet->room);
}

size_t kernel_fleet_strays(const struct kernel_fleet *fleet, uint16_t *ret_ids, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 1; !fleet->is_empty && i < ABI_BACKENDS && n < max; i++) {
		const struct kernel_fleet_backend *known = &fleet->backends[i];

		if (known->is_retired && known->is_awaited && !known->is_before && !known->was_used)
			ret_ids[n++] = (uint16_t)i;
	}
	return n;
}

void kernel_fleet_judge(struct kernel_fleet *fleet, uint16_t id, bool was_used)
{
	fleet->backends[id].was_used = was_used;
	if (!was_used)
		kernel_fleet_leave(fleet, id);
}

bool kernel_fleet_tick(struct kernel_fleet *fleet, uint64_t now_ns)
{
	bool is_due = false;

	for (uint32_t i = 0; !fleet->is_empty && i < ABI_SERVICES; i++) {
		struct kernel_fleet_service *of = &fleet->services[i];

		if (of->is_used && of->drain_ns)
			kernel_fleet_drain(fleet, i, now_ns);
		if (!of->is_used || !of->until_ns || of->until_ns > now_ns)
			continue;
		/* Nodes keep it until the next change: a flow that is not here is there. */
		if (i)
			kernel_fleet_set_rings(fleet, i, fleet->tables.services[i].ring, 0);
		of->begun_ns = of->until_ns = 0;
		of->changed_ns = now_ns;
		is_due = true;
	}
	return is_due;
}
