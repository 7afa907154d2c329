/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef STEER_H
#define STEER_H

/*
 * steer: which entry a packet is for.
 *
 * One line tells what is at a port: mostly nothing, and then nothing else is looked at. An entry of
 * the packet's own address comes before one of any address, one port before a range, a narrow range
 * before a wide one. Addresses are found by hash, so a thousand cost as much as one. A packet for
 * no entry passes untouched, whatever the policies say: SSH on the node is never limited.
 */

#include "maps.h"
#include "parse.h"
#include "vip_key.h"

enum { STEER_UDP_LINES = 2048, STEER_PORTS = 32 };

static __always_inline struct abi_entry *steer_entry(__u32 index, __u32 half)
{
	__u32 slot = half * ABI_ENTRIES + index % ABI_ENTRIES;

	return bpf_map_lookup_elem(&entry, &slot);
}

static __always_inline __u32 steer_cell(__u64 hash, int which, __u32 half)
{
	__u32 cell = vip_cell(hash, which), at = half * ABI_VIP_LINES + cell / 32;
	struct abi_vip_line *line = bpf_map_lookup_elem(&vip, &at);

	return line ? line->entry[cell % 32] : 0;
}

/* Both addresses stand at multiples of eight bytes. */
static __always_inline bool steer_is(const struct abi_entry *entry, const struct abi_addr *addr,
				     __be16 port, __u8 proto)
{
	const parse_half *want = (const parse_half *)&entry->addr;
	const parse_half *have = (const parse_half *)addr;

	return !((want[0] ^ have[0]) | (want[1] ^ have[1]) |
		 ((entry->port ^ port) | (entry->proto ^ proto)));
}

/* The entry of exactly that address, port and protocol. */
static __always_inline struct abi_entry *steer_vip(const struct abi_addr *addr, __be16 port,
						   __u8 proto, __u32 half, const __u64 *seed,
						   __u32 *ret_index)
{
	__u64 hash = vip_hash(addr, port, proto, seed);

#pragma unroll
	for (int i = 0; i < 2; i++) {
		__u32 index = steer_cell(hash, i, half);
		struct abi_entry *found = index ? steer_entry(index, half) : NULL;

		if (found && steer_is(found, addr, port, proto)) {
			*ret_index = index;
			return found;
		}
	}
	return NULL;
}

/* The slot of the narrowest range of that address, or 0. */
static __always_inline __u32 steer_range(const struct abi_addr *addr, __u32 port, __u32 proto,
					 __u32 half, const __u64 *seed)
{
	__u64 hash = vip_hash(addr, 0, proto, seed);

	for (int i = 0; i < 2; i++) {
		__u32 index = steer_cell(hash, i, half);

		for (int n = 0; index && n < ABI_CHAIN_MAX; n++) {
			struct abi_entry *found = steer_entry(index, half);

			if (!found || !steer_is(found, addr, found->port, proto))
				break;
			if (port - bpf_ntohs(found->port) <=
			    (__u32)bpf_ntohs(found->port_last) - bpf_ntohs(found->port))
				return index;
			index = found->next;
		}
	}
	return 0;
}

/*
 * The slot of the entry of that very address, or 0; what the port's cell says is there. A function
 * of its own, which the verifier proves once: recall.h knows the answer for most packets.
 */
__noinline __u32 steer_own(const struct abi_addr *addr, __u32 port, __u32 proto, __u32 cell,
			   __u32 half)
{
	__u32 zero = 0, index;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);

	if (!settings || !addr)
		return 0;
	if (cell & ABI_PORT_VIP && steer_vip(addr, port, proto, half, settings->seed, &index))
		return index;
	if (cell & ABI_PORT_RANGE)
		return steer_range(addr, bpf_ntohs(port), proto, half, settings->seed);
	return 0;
}

static __always_inline struct abi_entry *steer_find(const struct packet *packet, __u32 half,
						    __u32 *ret_index)
{
	__u32 number = bpf_ntohs(packet->dest_port);
	__u32 at = half * ABI_PORT_LINES + (packet->proto == IPPROTO_UDP ? STEER_UDP_LINES : 0) +
		   number / STEER_PORTS;
	struct abi_port_line *line = bpf_map_lookup_elem(&port, &at);
	__u32 cell = line ? line->first[number % STEER_PORTS] : 0, index = 0;

	if (cell & (ABI_PORT_VIP | ABI_PORT_RANGE))
		index = steer_own(&packet->dest, packet->dest_port, packet->proto, cell, half);
	if (!index)
		index = cell & ABI_PORT_ANY;
	*ret_index = index;
	return index ? steer_entry(index, half) : NULL;
}

#endif
