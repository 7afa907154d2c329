/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef FLIGHT_H
#define FLIGHT_H

/*
 * flight: what one stage knows of a packet and hands to the next program: the value of the per-CPU
 * map "flight". Written before the tail call and valid until the packet leaves. Its layout is part
 * of ABI_VERSION: while a new version takes over, the old first program may call a new stage.
 */

#include "abi.h"
#include "parse.h"

enum flight_flags {
	FLIGHT_INNER = 1, /* came out of a tunnel */
	FLIGHT_FINAL = 2, /* no other node is asked any more */
	FLIGHT_LATER = 4, /* a later fragment: ports are those of its first one, and not in it */
};

/* A packet that an ICMP error quotes. */
struct flight_quote {
	struct packet
		flow; /* its ends as the flow's client has them: source and dest changed over */
	__u32 l3, at; /* offsets of its headers */
};

struct flight {
	struct packet packet;
	__u64 now_ns;
	__u64 hash; /* of the flow, with flow_seed */
	__u32 generation;
	__u32 entry, policy; /* slots; 0: none */
	__u32 service, backend;
	__u32 slot;    /* of the service's ring */
	__u32 flags;   /* enum flight_flags */
	__u32 why;     /* for ICMP: the enum abi_drop that an error should tell of, 0: none */
	__u32 mtu;     /* of TOO_BIG */
	__u32 verdict; /* of the stages before, when this one has nothing against the packet */
	struct flight_quote quote; /* of ICMP: here, because a program's stack is small */
	/* Not of the packet but of this CPU: how many flows it kept in this tick. */
	__u64 stick_tick_ns;
	__u64 n_sticks;
	/* And how many later fragments it let through in a window. */
	__u64 fragment_window_ns, n_fragments;
};

/*
 * What is found out about a packet's way. Most packets need no other program, so this is apart, in
 * registers, and is written into the flight for those that do: choose_keep().
 */
struct flight_way {
	__u64 hash;
	__u32 service, backend, slot;
	__u32 why, mtu;
};

#endif
