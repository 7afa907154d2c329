/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef RECALL_H
#define RECALL_H

/*
 * recall: which entry the packets to an address and port had before.
 *
 * Finding an entry is a chain of three lookups and a hash, each waiting for the one before. Its end
 * is written into a cell, and a later packet only has to see that the entry is really its own. A
 * cell is good for one generation of the configuration; whoever comes first has it until the next,
 * so that processors hardly ever write what others read. on full: the long way, as before.
 */

#include "steer.h"

enum { RECALL_CELL_BITS = 12, RECALL_ENTRY_BITS = 12 };

_Static_assert(ABI_ENTRIES == 1 << RECALL_ENTRY_BITS, "a cell is a generation and an entry");

__u32 recall_cells[1 << RECALL_CELL_BITS] = {};

static __always_inline struct abi_entry *recall_find(const struct packet *packet, __u32 generation,
						     __u32 *ret_index)
{
	__u32 at =
		(packet->dest.word[3] ^ packet->dest_port) * 0x9e3779b1u >> (32 - RECALL_CELL_BITS);
	__u32 now = generation << RECALL_ENTRY_BITS;
	__u32 index = *(volatile __u32 *)&recall_cells[at] ^ now;
	bool is_free = index - 1 >= ABI_ENTRIES - 1;

	if (!is_free) {
		struct abi_entry *found = steer_entry(index, generation & 1);

		if (found && steer_is(found, &packet->dest, packet->dest_port, packet->proto)) {
			*ret_index = index;
			return found;
		}
	}
	struct abi_entry *found = steer_find(packet, generation & 1, ret_index);

	if (is_free && found && found->port == found->port_last &&
	    steer_is(found, &packet->dest, packet->dest_port, packet->proto))
		*(volatile __u32 *)&recall_cells[at] = *ret_index ^ now;
	return found;
}

#endif
