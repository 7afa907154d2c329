/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_VIP_H
#define ABI_VIP_H

/*
 * abi_vip: what the kernel plane forwards: services, their rings and backends, and which flows stay
 * where they were. Part of abi.h, whose rules hold here too.
 *
 * None of this stands in halves: a service changes by one store of its rings, a backend's row does
 * not change while a ring names it (but for its state and the way to it), and a ring's lines are
 * written while no service names them.
 */

#include <linux/types.h>

#include "abi_addr.h"

enum {
	ABI_SERVICES = 4096,	  /* slot 0 is the set of nodes: its rings name nodes */
	ABI_BACKENDS = 32768,	  /* slot 0 is "none" */
	ABI_NODES = 256,	  /* slots; 0 is "none" */
	ABI_RING_LINES = 1 << 19, /* unless the loader was told otherwise; line 0 is never used */
	ABI_RING_SLOTS = 32,	  /* in a line */
	ABI_STICKS = 1 << 17,
	ABI_LINKS = 1 << 14, /* VLANs, on each device that has them */
	ABI_QUIC_LINES = 2048,
	ABI_GUE_PORT = 6080, /* UDP port of tunnels with GUE */
	/* Source ports of tunnels, 14 bits of the flow's hash above them. */
	ABI_GUE_FIRST = 0xc000,
	ABI_GUE_AGAIN = 0x8000, /* between nodes: the second node that is asked */
};

/* How a backend is reached. (id, word) */
#define ABI_MODES(X)            \
	X(NONE, "free")         \
	X(NAT, "nat")           \
	X(DSR_L2, "dsr-l2")     \
	X(DSR_IPIP, "dsr-ipip") \
	X(DSR_GUE, "dsr-gue")
#define ABI_MODE_ENUM(id, word) ABI_MODE_##id,
enum abi_mode { ABI_MODES(ABI_MODE_ENUM) ABI_MODE__COUNT };

enum abi_affinity { ABI_AFFINITY_NONE, ABI_AFFINITY_SOURCE, ABI_AFFINITY_QUIC };

enum abi_backend_state { ABI_BACKEND_DEAD, ABI_BACKEND_DRAIN, ABI_BACKEND_ACTIVE };

/*
 * Map "service". A ring is its first line << 2 | size class, 0: none; the two are stored as one
 * word. ring_before is what was in force before the last change, as long as flows may still have to
 * be found by it.
 */
struct abi_service {
	union {
		struct {
			__u32 ring, ring_before;
		};
		__u64 rings;
	};
	__u8 affinity; /* enum abi_affinity */
	__u8 used;
	__u8 families; /* whose packets it takes: 1 IPv4, 2 IPv6; others pass */
	__u8 pad;
	__u32 pad2[4];
	char name[32];
	__u32 pad3;
};

/* Map "ring": backends (or nodes) by slot. Bit 15: flows of the slot may have stayed elsewhere. */
struct abi_ring_line {
	__u16 slot[ABI_RING_SLOTS];
};

enum { ABI_RING_CHECK = 1 << 15, ABI_RING_BACKEND = ABI_RING_CHECK - 1, ABI_RING_CLASSES = 4 };

/* Low bits of hop_to: the bytes that a tunnel puts before packets, 0: not known, or none. */
enum { ABI_HOP_BYTES = 0xff };

/* Why there is no way to a backend. */
enum abi_hop_fault { ABI_HOP_OK, ABI_HOP_NO_ROUTE, ABI_HOP_NO_NEIGHBOUR };

/*
 * Map "backend". The way to it is found by the program itself and looked up again when it is older
 * than a second: MAC addresses stand in the upper six bytes of a word, first byte lowest.
 */
struct abi_backend {
	struct abi_addr addr;
	__be16 port;   /* NAT: 0 keeps the packet's */
	__u8 mode;     /* enum abi_mode; 0: the slot is free */
	__u8 state;    /* enum abi_backend_state */
	__u16 tag;     /* another one for each backend that has had the slot */
	__u16 service; /* of QUIC ones: whose connection ids lead here */
	__u32 quic_id;
	__u16 mtu;	/* of the way to it, 0: not known */
	__u8 fault;	/* enum abi_hop_fault */
	__u8 is_here;	/* an address of this machine: packets pass as they are */
	__u64 hop_to;	/* MAC of the next hop << 16 | ABI_HOP_BYTES */
	__u64 hop_from; /* MAC of the interface << 16 */
	__u64 hop_until_ns;
	__u32 hop_ifindex;
	__u32 hop_tag; /* that frames need there: TPID << 16 | VLAN; 0: none */
};

/*
 * Map "stick": flows that stay with a backend although the ring gives their slot to another. on
 * full: the one not used for the longest time gives way, and its flow follows the ring.
 */
struct abi_stick_key {
	struct abi_addr source;
	__be16 source_port, dest_port;
	__u16 entry;
	__u8 proto;
	__u8 pad;
};

struct abi_stick {
	__u64 seen_ns; /* to a second */
	__u16 backend, tag;
	__u16 service;
	__u16 pad;
	__u32 slot; /* of the service's ring */
	__u32 pad2;
};

/* Map "quic": backends by (service, server id): quic_key.h says which two cells may hold one. */
struct abi_quic_line {
	__u16 backend[32];
};

/* Map "service_stat", per CPU. */
struct abi_service_stat {
	__u64 packets, bytes;
	__u64 flows;	   /* new ones: TCP connection attempts; UDP is not told apart */
	__u64 sticks;	   /* flows that were kept at a backend against the ring */
	__u64 stick_limit; /* that should have been, but too many were made at once */
	__u64 moved;	   /* packets whose old backend is dead: they go to the new one */
	__u64 pad[2];
};

/* Map "backend_stat", per CPU. */
struct abi_backend_stat {
	__u64 packets, bytes;
	__u64 flows;
	__u64 faults; /* packets dropped for want of a way */
};

/* Map "node": the nodes that share the addresses; slots as in the rings of service 0. */
struct abi_node {
	struct abi_backend way; /* addr, state and the way, as a backend's */
	char name[32];
	__u8 is_self;
	__u8 pad[31];
};

/* Map "here", one in each half: this machine as the end of tunnels. */
/*
 * Map "link". tag 0: the device of a VLAN, and what frames for it need on the device below. Else:
 * frames with that tag (TPID << 16 | VLAN) on a device, and the device that they come in on.
 */
struct abi_link_key {
	__u32 ifindex;
	__u32 tag;
};

struct abi_link {
	__u32 ifindex;
	__u32 tag; /* 0: none */
};

struct abi_here {
	struct abi_addr v4, v6;	   /* sources of tunnels that we make; zero: none */
	__u32 flags;		   /* enum abi_here_flags */
	__u32 self_node;	   /* slot of the map "node" */
	__u16 nat_first, nat_last; /* reserved ports, host order */
	__u32 pad[5];
};

enum abi_here_flags {
	ABI_HERE_DECAP = 1,    /* tunnels to entries of target DECAP are opened */
	ABI_HERE_SERVICES = 2, /* there are services: fragments and ICMP may belong to them */
};

_Static_assert(sizeof(struct abi_service) == 64, "service must be one cache line");
_Static_assert(sizeof(struct abi_ring_line) == 64, "ring must be one cache line");
_Static_assert(sizeof(struct abi_backend) == 64, "backend must be one cache line");
_Static_assert(sizeof(struct abi_stick_key) == 24, "stick key changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_stick) == 24, "stick changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_quic_line) == 64, "quic must be one cache line");
_Static_assert(sizeof(struct abi_service_stat) == 64, "service_stat must be one cache line");
_Static_assert(sizeof(struct abi_backend_stat) == 32, "backend_stat changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_node) == 128, "node changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_link_key) == 8, "link key changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_link) == 8, "link changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_here) == 64, "here must be one cache line");

#endif
