/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_SOCKET_H
#define ABI_SOCKET_H

/*
 * abi_socket: the local proxy's listening sockets as the kernel plane knows them.
 *
 * A point is an entry point of the proxy: one group of sockets, of which each worker has one. A new
 * generation of the proxy puts its sockets beside those of the old one and then stores the next
 * generation: from then on new connections go to it, and what the old one accepted stays there.
 * Socket i of generation g of a point is index (point * 2 + (g & 1)) * ABI_WORKERS + i.
 */

#include "abi_addr.h"

enum {
	ABI_POINTS = 65,   /* 0 is "no point" */
	ABI_WORKERS = 256, /* of one generation */
};

/* Map "point": whose sockets get new connections. One 16-byte row, published by its first word. */
struct abi_point {
	__u32 generation; /* 0: nobody has ever listened */
	__u16 n[2];	  /* sockets of each half */
	__u32 by_cpu;	  /* 1: the worker of the CPU that took the packet, 0: by the flow's hash */
	__u32 pad;
};

/* Map "listener": the point of a bound address; all zero is any address. */
struct abi_listener_key {
	struct abi_addr addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

/* What became of new connections and of datagrams without one. (name, text) */
#define ABI_POINT_COUNTS(X)                                                                       \
	X(steered, "to an address or port that nobody bound: given to the point's sockets")       \
	X(missed, "the same, but the point has no socket: refused")                               \
	X(chosen, "a worker was chosen")                                                          \
	X(moved, "waited for a socket that closed: given to a worker of the generation in force") \
	X(unchosen, "no socket where there should be one: the kernel chose by its own hash")
#define ABI_POINT_COUNT(name, text) __u64 name;

/* Map "point_stat", per CPU. */
struct abi_point_stat {
	ABI_POINT_COUNTS(ABI_POINT_COUNT)
};

#endif
