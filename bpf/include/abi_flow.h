/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_FLOW_H
#define ABI_FLOW_H

/*
 * abi_flow: what the kernel plane remembers of translated flows and of fragments. Part of abi.h,
 * whose rules hold here too. State: it survives a change of configuration and of the program.
 */

#include <linux/types.h>

#include "abi_addr.h"

enum {
	ABI_FLOWS = 1 << 17,	 /* unless the loader was told otherwise */
	ABI_FLOWS_NEW = 1 << 15, /* the same: a quarter of the others */
	ABI_FRAGMENTS = 1 << 13,
	ABI_NAT_PORT_FIRST = 61000, /* presets: above what Linux gives to its own sockets */
	ABI_NAT_PORT_LAST = 65535,
};

/*
 * Maps "flow" and "flow_new": a translated flow by what its backend sees of it: our address (one
 * per family) and a port of the reserved range. A flow is in flow_new until its backend has
 * answered and its client has gone on, so that a flood of senders who do not exist pushes out only
 * its own. One flow has one port, and which ports it may have follows from its ends: flow_key.h. on
 * full: the one not used for the longest time gives way.
 */
struct abi_flow_key {
	struct abi_addr backend;
	__be16 backend_port, node_port;
	__u8 proto;
	__u8 pad[3];
};

enum abi_flow_flags {
	ABI_FLOW_ANSWERED = 1,
	ABI_FLOW_CLIENT_FIN = 2,
	ABI_FLOW_SERVER_FIN = 4,
	ABI_FLOW_RESET = 8,
	ABI_FLOW_SERVER_FIRST = 16, /* the backend's FIN came first: it keeps the pair of ends for a
				     * minute */
};

struct abi_flow {
	struct abi_addr client, vip;
	__be16 client_port, vip_port;
	__u16 entry;
	__u16 backend;
	__u32 seen; /* the last packet: kernel plane's clock >> 30, about seconds */
	__u8 flags; /* enum abi_flow_flags */
	__u8 proto;
	__u16 pad;
};

/*
 * Map "fragment": datagrams of which the first fragment went to a backend: the others follow it. on
 * full: the oldest gives way, and its later fragments are dropped.
 */
struct abi_fragment_key {
	struct abi_addr source, dest;
	__be32 id;
	__u8 proto;
	__u8 pad[3];
};

struct abi_fragment {
	__u64 until_ns;
	__be16 source_port, dest_port;
	__u16 first_end;	  /* of the first fragment; all in units of eight bytes */
	__u16 next;		  /* where the farthest one ends */
	__u16 hole_from, hole_to; /* what was left out before that; equal: nothing */
	__u16 pad;
	__u8 is_answer; /* from a backend to a client */
	__u8 is_whole;	/* the last one was seen */
};

_Static_assert(sizeof(struct abi_flow_key) == 24, "flow key changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_flow) == 48, "flow changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_fragment_key) == 40, "fragment key changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_fragment) == 24, "fragment changed: bump ABI_VERSION");

#endif
