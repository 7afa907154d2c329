/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_MUSTER_H
#define KERNEL_MUSTER_H

/* kernel_muster: what the files of the fleet share; kernel_fleet.h is for everybody else. */

#include "plan/kernel_fleet.h"

/* Puts rings in force by one store; what is no longer named is retired. */
void kernel_fleet_set_rings(struct kernel_fleet *fleet, uint32_t slot, uint32_t ring,
			    uint32_t before);
/*
 * Backends of the service that drain begin or end to: flows stay until the service's drain_ns is
 * over, unless no other backend serves.
 */
void kernel_fleet_drain(struct kernel_fleet *fleet, uint32_t slot, uint64_t now_ns);
/* The slots of a ring: see struct kernel_rings. */
static inline uint16_t *kernel_fleet_ring(const struct kernel_fleet *fleet, uint32_t ring)
{
	struct abi_ring_line *line = fleet->tables.rings.at(fleet->tables.rings.context, ring >> 2);

	return line ? line->slot : NULL;
}
/* A backend that nothing names any more: free after the next settle. */
void kernel_fleet_leave(struct kernel_fleet *fleet, uint32_t id);

#endif
