/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef STEER_H
#define STEER_H

/*
 * steer: which entry point a packet is for, and where such packets go.
 *
 * A packet for no entry point passes untouched, whatever the policies say: SSH on the node is never
 * limited.
 */

#include "maps.h"
#include "parse.h"

enum { STEER_UDP_LINES = 2048, STEER_PORTS = 32 };

static __always_inline struct abi_entry *steer_find(const struct packet *packet, __u32 half,
						    __u32 *ret_index)
{
	__u32 number = bpf_ntohs(packet->dest_port);
	__u32 at = half * ABI_PORT_LINES + (packet->proto == IPPROTO_UDP ? STEER_UDP_LINES : 0) +
		   number / STEER_PORTS;
	struct abi_port_line *line = bpf_map_lookup_elem(&port, &at);

	if (!line)
		return NULL;
	__u32 index = line->first[number % STEER_PORTS];

	for (int i = 0; index && i < ABI_CHAIN_MAX; i++) {
		__u32 slot = half * ABI_ENTRIES + index % ABI_ENTRIES;
		struct abi_entry *found = bpf_map_lookup_elem(&entry, &slot);

		if (!found)
			return NULL;
		const __be32 *want = found->addr.word, *have = packet->dest.word;
		bool is_any = !(want[0] | want[1] | want[2] | want[3]);

		if (is_any || (want[0] == have[0] && want[1] == have[1] && want[2] == have[2] &&
			       want[3] == have[3])) {
			*ret_index = index;
			return found;
		}
		index = found->next;
	}
	return NULL;
}

#endif
