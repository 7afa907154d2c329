/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_H
#define ABI_H

/*
 * abi: every byte that the kernel side and the user side both touch.
 *
 * The only place where a map's key or value is declared. Rules: addresses and ports are in network
 * order and say so; IPv4 is ::ffff:a.b.c.d; padding is a named field, because keys are compared
 * byte by byte; a change of layout is a change of ABI_VERSION, and the loader refuses pinned maps
 * of another version.
 *
 * Configuration (policy, entry, port, vip, here, gate, acl) stands in halves: slot i of half h is
 * index h * SIZE + i. A packet reads control.generation once and uses half (generation & 1); the
 * writer fills the other half and then stores the next generation, so that a packet sees all of the
 * old or all of the new configuration.
 */

#include <linux/types.h>

#include "abi_addr.h"
#include "abi_flow.h"
#include "abi_shield.h"
#include "abi_state.h"
#include "abi_verdict.h"
#include "abi_vip.h"

#define ABI_VERSION 3

enum {
	ABI_POLICIES = 256,	 /* slots in one half; 0 is "no policy" */
	ABI_ENTRIES = 4096,	 /* slots in one half; 0 is "no entry point" */
	ABI_VIP_LINES = 1024,	 /* in one half */
	ABI_PORT_LINES = 4096,	 /* in one half: 2048 lines of 32 TCP ports, then UDP */
	ABI_GATE_LINES = 4096,	 /* in one half: 65536 cells for IPv4, then as many for IPv6 */
	ABI_ACL_LINES = 1 << 18, /* in one half, unless the loader was told otherwise */
	ABI_ACL_SLOTS = 8,	 /* in a line */
	ABI_ACL_FILL = 4,	 /* prefixes per line at most, on average */
	ABI_ACL_RUN = 16,	 /* lines that a prefix may be away from its own */
	ABI_ACL4_LENGTHS = 40,
	ABI_ACL6_LENGTHS = 144,
	ABI_CHAIN_MAX = 8, /* ranges of ports of one address and protocol */
	ABI_NAME_BYTES = 32,
};

/* Map "control": what every packet reads first; one line. */
struct abi_control {
	__u32 abi_version;
	__u32 generation; /* of the configuration in force; bit 0 chooses the half */
	__u64 seed[2]; /* of the hash that spreads sources over lines: secret, made at first load */
	__u64 tick_ns; /* length of a jiffy */
	__u64 ban_until_ns; /* when the last ban ends: no ban is looked up after that */
	__u64 event_gap_ns; /* least time between two events of one CPU and entry; 0: no events */
	__u64 flow_seed[2]; /* of the hash that chooses backends: equal on nodes that share them */
};

/* One GCRA limit; cost 0 is off. Times are nanoseconds, the cost has 16 more fractional bits. */
struct abi_limit {
	__u64 cost_fp;	/* time one unit earns back, << 16 */
	__u64 ahead_ns; /* how far ahead of now a source may have used up its budget */
};

/* Unit of each limit, in the order of abi_policy.limit. (id, label, what is counted) */
#define ABI_LIMITS(X)                              \
	X(PACKETS, "packets", "packets")           \
	X(SYNS, "syns", "TCP connection attempts") \
	X(BYTES, "bytes", "bytes of frames")
#define ABI_LIMIT_ENUM(id, label, text) ABI_LIMIT_##id,
enum abi_limit_kind { ABI_LIMITS(ABI_LIMIT_ENUM) ABI_LIMIT__COUNT };

enum abi_policy_flags {
	ABI_POLICY_ACL4 = 1, /* there are IPv4 prefixes: look at the gate */
	ABI_POLICY_ACL6 = 2,
	ABI_POLICY_WIDE4 = 4, /* one is too short for the gate: always look it up */
	ABI_POLICY_WIDE6 = 8,
	ABI_POLICY_LIMITS = 16,	     /* at least one limit is on */
	ABI_POLICY_NETWORK = 32,     /* at least one of the network's */
	ABI_POLICY_CONNECTIONS = 64, /* of either */
};

/* Map "policy": what a source may do. */
struct abi_policy {
	__u32 flags;
	__be32 v4_mask; /* sources are counted by this prefix */
	__be64 v6_mask; /* upper half */
	struct abi_limit limit[ABI_LIMIT__COUNT];
	__be64 v6_mask_low;
	__u8 v4_bits;
	__u8 v6_bits;
	__u16 acl_owner;	   /* whose prefixes apply: policies with equal lists share them */
	__u32 acl_mask;		   /* lines of the map "acl" in use, less one: a power of two */
	__u32 connections;	   /* open at once, of a source; 0: any number */
	__u32 network_connections; /* of its network */
	__be32 network_v4_mask;	   /* sources with this prefix in common are one network */
	__u32 pad;
	char name[ABI_NAME_BYTES];
	/* Prefix lengths of the lists plus one, longest first; 0 ends them. */
	__u8 acl4[ABI_ACL4_LENGTHS];
	__u8 acl6[ABI_ACL6_LENGTHS];
	__be64 network_v6_mask; /* upper half; the lower one does not count */
	struct abi_limit network[ABI_LIMIT__COUNT];
	__u64 identity; /* of its name: what it counts is not the next one's in its slot */
	__u8 pad_network[8];
};

/*
 * Where packets for an entry go. DECAP: tunnels to this machine are opened (proto IPIP or IPV6 with
 * port 0, or UDP with GUE's port). PEER: addr may send us such tunnels (port 0, proto
 * ABI_PROTO_PEER).
 * ANSWER: at the reserved ports of this machine, answers to translated flows arrive. ECHO: addr is
 * one of a service (proto ICMP or ICMPV6, port 0).
 */
enum abi_target {
	ABI_TARGET_NONE,
	ABI_TARGET_LOCAL,
	ABI_TARGET_SERVICE,
	ABI_TARGET_DECAP,
	ABI_TARGET_PEER,
	ABI_TARGET_ANSWER,
	ABI_TARGET_ECHO,
};

enum { ABI_PROTO_PEER = 255 };

enum abi_entry_flags {
	ABI_ENTRY_SPREAD = 1,  /* over the nodes: a packet goes to the one that owns its flow */
	ABI_ENTRY_COOKIES = 2, /* SYN cookies always */
	ABI_ENTRY_COOKIES_AUTO = 4, /* under SYN pressure */
	ABI_ENTRY_TRACK = 8,	    /* SERVICE: its policy limits open connections */
};

/* Map "entry": an address, ports and protocol that this machine serves. */
struct abi_entry {
	struct abi_addr addr; /* all zero: any */
	__be16 port;
	__u8 proto;
	__u8 target; /* enum abi_target; 0: the slot is free */
	__u16 policy;
	__u16 next; /* of ranges: the next one of the same address, 0: none; narrow ones first */
	__be16 port_last; /* equal to port: it is one port */
	__u16 service;	  /* 0: none */
	__u8 flags;	  /* enum abi_entry_flags */
	__u8 point; /* LOCAL: whose sockets get the connections; 0: those that are bound to it */
	__u8 pad[2];
	char name[ABI_NAME_BYTES];
};

/*
 * Map "port": what is at a port; line = udp * 2048 + port / 32. The low bits are the entry of that
 * port for any address, 0: none.
 */
struct abi_port_line {
	__u16 first[32];
};

enum {
	ABI_PORT_VIP = 1 << 15,	  /* some address has an entry of exactly this port */
	ABI_PORT_RANGE = 1 << 14, /* some address has one of a range with this port */
	ABI_PORT_ANY = ABI_ENTRIES - 1,
};

/*
 * Map "vip": entries by address, port and protocol. A key has two cells, vip_key.h says which; an
 * address's first range stands under port 0.
 */
struct abi_vip_line {
	__u16 entry[32];
};

/*
 * Map "gate": which lengths the prefixes within one network have, whoever's they are: a clear bit
 * means that none of that length can match. gate.h says which cell and which bit.
 */
struct abi_gate_line {
	__u16 lengths[32];
};

enum abi_action { ABI_ACTION_NONE, ABI_ACTION_ALLOW, ABI_ACTION_DENY };

/*
 * Map "acl": the prefixes of all lists, hashed: name | action, 0 is empty; acl_key.h makes names
 * and finds lines. Slots fill from the first on. A prefix whose line is full stands in the next
 * line that is not. on full: the writer refuses the change and the old configuration stays.
 */
struct abi_acl_line {
	__u64 slot[ABI_ACL_SLOTS];
};

/*
 * Map "stage": the programs that the first one goes on to, by static tail calls. (id, program, what
 * it does) A slot may be empty; the first program says what happens then.
 */
#define ABI_STAGES(X)                                                          \
	X(FRAGMENT, "fragment_stage", "later fragments of what is forwarded")  \
	X(ICMP, "icmp", "ICMP to and about forwarded addresses; makes errors") \
	X(NAT, "nat", "translates addresses on the way to a backend")          \
	X(COOKIE, "cookie", "answers SYNs with cookies")                       \
	X(DECAP, "decap", "opens tunnels")                                     \
	X(INNER, "inner", "what came out of a tunnel, from the start")         \
	X(HOP, "hop", "sends to the node that owns the flow")                  \
	X(ANSWER, "answer", "translates a backend's answers back")             \
	X(GUARD, "guard", "looks for the socket of a segment, under pressure")
#define ABI_STAGE_ENUM(id, program, text) ABI_STAGE_##id,
enum abi_stage { ABI_STAGES(ABI_STAGE_ENUM) ABI_STAGE__COUNT };

_Static_assert(sizeof(struct abi_control) == 64, "control changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_policy) == 384, "policy changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_entry) == 64, "entry changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_port_line) == 64, "port must be one cache line");
_Static_assert(sizeof(struct abi_vip_line) == 64, "vip must be one cache line");
_Static_assert(sizeof(struct abi_gate_line) == 64, "gate must be one cache line");
_Static_assert(sizeof(struct abi_acl_line) == 64, "acl must be one cache line");

#endif
