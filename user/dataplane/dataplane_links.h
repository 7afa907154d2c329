/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_LINKS_H
#define DATAPLANE_LINKS_H

/*
 * dataplane_links: this machine's VLANs in the map "link".
 *
 * A route names the device of a VLAN, but XDP sends to the one below, with the tag; and a frame
 * with a tag of ours may leave without it. The kernel is asked for its devices once and then
 * whenever it tells of a change of them (rtnetlink(7)). On a bond, frames come in on its members,
 * so each of them has the bond's VLANs. Owned by the control thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* One device of the machine. */
struct dataplane_link {
	uint32_t ifindex, below, master; /* 0: none */
	uint32_t tag;			 /* of a VLAN: TPID << 16 | VLAN; 0: it is none */
};

struct dataplane_links;

/*
 * Entries of the map for n devices, at most `room` of them (ABI_LINKS suffice for most). Returns
 * how many there are; what has no room is left out.
 */
size_t dataplane_links_map(const struct dataplane_link *links, size_t n, struct abi_link_key *keys,
			   struct abi_link *values, size_t room);
/*
 * Brings the map up to date if devices have changed. *links is made when it is NULL; without rights
 * to ask the kernel it stays so, and frames keep their tags. map_fd -1: there is no such map.
 */
void dataplane_links_refresh(struct dataplane_links **links, int map_fd);
void dataplane_links_free(struct dataplane_links *links);

#endif
