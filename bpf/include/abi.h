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
 * Configuration (policy, entry, port, gate) stands in halves: slot i of half h is index h * SIZE +
 * i. A packet reads control.generation once and uses half (generation & 1); the writer fills the
 * other half and then stores the next generation, so that a packet sees all of the old or all of
 * the new configuration.
 */

#include <linux/types.h>

#include "abi_addr.h"
#include "abi_state.h"
#include "abi_verdict.h"

#define ABI_VERSION 1

enum {
	ABI_POLICIES = 256,    /* slots in one half; 0 is "no policy" */
	ABI_ENTRIES = 256,     /* slots in one half; 0 is "no entry point" */
	ABI_PORT_LINES = 4096, /* in one half: 2048 lines of 32 TCP ports, then UDP */
	ABI_GATE_LINES = 256,  /* in one half: 128 lines of 512 bits for IPv4, then IPv6 */
	ABI_ACL_MAX = 1 << 18,
	ABI_ACL_V6 = 1 << 16,
	ABI_ACL_LINES = 1 << 13,
	ABI_CHAIN_MAX = 8, /* entries that share a port and differ by address */
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
	__u64 reserved[2];
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
	ABI_POLICY_LIMITS = 16, /* at least one limit is on */
	ABI_POLICY_MANY4 = 32,	/* so many IPv4 prefixes that answers are worth remembering */
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
	__u8 pad[22];
	char name[ABI_NAME_BYTES];
};

enum abi_target { ABI_TARGET_NONE, ABI_TARGET_LOCAL };

/* Map "entry": an address, port and protocol that this machine serves. */
struct abi_entry {
	struct abi_addr addr; /* all zero: any */
	__be16 port;
	__u8 proto;
	__u8 target; /* enum abi_target; 0: the slot is free */
	__u16 policy;
	__u16 next; /* the next entry of the same port, 0: none; specific addresses come first */
	__u64 pad;
	char name[ABI_NAME_BYTES];
};

/* Map "port": the first entry of each port; line = udp * 2048 + port / 32. */
struct abi_port_line {
	__u16 first[32];
};

/* Map "gate": one bit per hash of an address's first bits; a clear bit means that no prefix can
 * match. */
struct abi_gate_line {
	__u64 bits[8];
};

/* Map "acl": longest prefix wins. on full: the writer is refused and the old configuration stays.
 */
struct abi_acl_key {
	__u32 prefix_bits; /* 32 for the owner, then those of the address */
	__u32 owner;	   /* policy, plus ABI_ACL_V6: ::/0 does not cover IPv4 */
	struct abi_addr addr;
};

enum abi_action { ABI_ACTION_NONE, ABI_ACTION_ALLOW, ABI_ACTION_DENY };

/* A change is written ahead of its generation: packets of older generations still get `before`. */
struct abi_acl_value {
	__u32 since; /* generation from which `after` holds */
	__u8 before;
	__u8 after;
	__u16 pad;
};

/*
 * Map "acl_cache": answers of the trie about IPv4 sources, eight in one line: address << 32 |
 * generation << 10 | policy << 2 | action + 1; 0 is empty. A new generation makes all of them
 * stale; when its 22 bits here come round to 0, the writer clears the map.
 */
struct abi_acl_line {
	__u64 answer[8];
};

enum { ABI_ANSWER_GENERATIONS = 1 << 22 };

_Static_assert(sizeof(struct abi_control) == 64, "control changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_policy) == 128, "policy changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_entry) == 64, "entry changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_port_line) == 64, "port must be one cache line");
_Static_assert(sizeof(struct abi_gate_line) == 64, "gate must be one cache line");
_Static_assert(sizeof(struct abi_acl_line) == 64, "acl_cache must be one cache line");
_Static_assert(sizeof(struct abi_acl_key) == 24, "acl key changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_acl_value) == 8, "acl value changed: bump ABI_VERSION");

#endif
