// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_sweep: only what has been quiet since before the sweep began is judged: while a window is
 * open, flows may be written down behind the sweep's back.
 */
#include "plan/kernel_sweep.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "flow_hash.h"
#include "plan/kernel_muster.h"

bool kernel_sweep_is_due(const struct kernel_fleet *fleet)
{
	for (uint32_t i = 0; !fleet->is_empty && i < ABI_SERVICES; i++)
		if (fleet->services[i].is_used &&
		    (fleet->services[i].is_marked || fleet->services[i].until_ns))
			return true;
	for (uint32_t i = 1; !fleet->is_empty && i < ABI_BACKENDS; i++)
		if (fleet->backends[i].is_retired)
			return true;
	return false;
}

int kernel_sweep_begin(struct kernel_fleet *fleet, uint64_t now_ns)
{
	free(fleet->live);
	fleet->live = calloc(fleet->tables.rings.n_lines, ABI_RING_SLOTS / 8);
	if (!fleet->live)
		return -ENOMEM;
	for (uint32_t i = 1; i < ABI_BACKENDS; i++)
		fleet->backends[i].n_sticks = 0;
	fleet->sweep_begun_ns = now_ns ? now_ns : 1;
	return 0;
}

static uint32_t bit_of(uint32_t ring, uint32_t slot)
{
	return (ring >> 2) * ABI_RING_SLOTS + slot;
}

bool kernel_sweep_see(struct kernel_fleet *fleet, const struct abi_stick_key *key,
		      const struct abi_stick *stick, uint64_t kernel_now_ns)
{
	uint64_t most_ns = key->proto == IPPROTO_TCP ? KERNEL_SWEEP_TCP_NS : KERNEL_SWEEP_OTHER_NS;
	const struct abi_backend *row = &fleet->tables.backends[stick->backend % ABI_BACKENDS];
	const struct abi_service *of = &fleet->tables.services[stick->service % ABI_SERVICES];

	if (!row->mode || row->tag != stick->tag || row->state == ABI_BACKEND_DEAD ||
	    (kernel_now_ns > stick->seen_ns && kernel_now_ns - stick->seen_ns > most_ns))
		return false;
	fleet->backends[stick->backend % ABI_BACKENDS].n_sticks++;
	if (of->ring && stick->slot < ring_slots(of->ring)) {
		uint32_t bit = bit_of(of->ring, stick->slot);

		fleet->live[bit / 8] |= (uint8_t)(1 << bit % 8);
	}
	return true;
}

static void unmark(struct kernel_fleet *fleet, uint32_t slot)
{
	uint32_t ring = fleet->tables.services[slot].ring;
	uint16_t *slots = ring ? kernel_fleet_ring(fleet, ring) : NULL;
	bool any = false;

	/* It stays marked without memory, and is looked at again after the next sweep. */
	if (ring && !slots)
		return;
	for (uint32_t i = 0; ring && i < ring_slots(ring); i++) {
		uint32_t bit = bit_of(ring, i);

		if (!(slots[i] & ABI_RING_CHECK))
			continue;
		if (fleet->live[bit / 8] & 1 << bit % 8)
			any = true;
		else
			slots[i] &= ABI_RING_BACKEND;
	}
	fleet->services[slot].is_marked = any;
}

/* While a window is open only the ring before still gives flows to who was taken out. */
static bool may_leave(const struct kernel_fleet *fleet, const struct kernel_fleet_backend *known,
		      bool is_quiet)
{
	if (!known->is_retired || known->n_sticks)
		return false;
	return is_quiet || (known->is_awaited && !known->is_before &&
			    known->retired_ns < fleet->sweep_begun_ns);
}

bool kernel_sweep_end(struct kernel_fleet *fleet)
{
	bool is_due = false;

	/* Not 0: flows of nodes are found by the ring before, without being written down. */
	for (uint32_t i = 1; i < ABI_SERVICES; i++) {
		const struct kernel_fleet_service *of = &fleet->services[i];
		bool is_quiet =
			of->is_used && !of->until_ns && of->changed_ns < fleet->sweep_begun_ns;

		if (is_quiet && of->is_marked)
			unmark(fleet, i);
		for (uint32_t id = of->first, next; id; id = next) {
			next = fleet->backends[id].next;
			if (!may_leave(fleet, &fleet->backends[id], is_quiet))
				continue;
			kernel_fleet_leave(fleet, id);
			is_due = true;
		}
	}
	free(fleet->live);
	fleet->live = NULL;
	fleet->sweep_begun_ns = 0;
	return is_due;
}
