/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_STATE_H
#define ABI_STATE_H

/*
 * abi_state: what the kernel plane remembers: buckets, bans, events. Survives a change of
 * configuration and of the program. Part of abi.h, whose rules hold here too.
 */

#include <linux/types.h>

#include "abi_addr.h"

/*
 * What a bucket is for, besides the source's own limits (0 to 2, enum abi_limit_kind): later
 * fragments, and the limits of its network.
 */
enum { ABI_BUCKET_FRAGMENT = 3, ABI_BUCKET_NETWORK = 4, ABI_BUCKET_KIND = 7 };

/* The owner of a bucket; 0: it is empty. */
static inline __u16 abi_bucket_owner(__u32 policy, __u32 kind)
{
	return policy << 4 | kind << 1 | 1;
}

static inline __u32 abi_bucket_policy(__u16 owner)
{
	return owner >> 4;
}

static inline __u32 abi_bucket_kind(__u16 owner)
{
	return owner >> 1 & ABI_BUCKET_KIND;
}

/*
 * Map "rate4": four buckets in one line; owner is that of abi_bucket_owner(), 0: empty. A source
 * has two lines: a near one, among the first of the map, and a far one for when the near one is
 * full of buckets in use. on full: the bucket due first gives way and restarts with its full burst
 * (fail open).
 */
struct abi_rate4 {
	__be32 source[4];
	__u16 owner[4];
	__u64 due_ns[4];
	__u64 far_until_ns; /* of a near line: until then a source of it may have its bucket in the
			     * far one */
};

/* Map "rate6": the same with three buckets. Prefixes longer than 64 are folded. */
struct abi_rate6 {
	__be64 prefix[3];
	__u64 due_ns[3];
	__u64 far_until_ns;
	__u16 owner[3];
	__u16 pad;
};

/*
 * Map "ban": four sources in one line. source is the low half of an IPv4-mapped address (which no
 * IPv6 /64 in use can equal, 0000::/8 being reserved) or the upper half of an IPv6 one. on full:
 * the writer is told.
 */
struct abi_ban_line {
	__be64 source[4];
	__u64 until[4]; /* milliseconds of the kernel plane's clock << 16 | policy, 0: every policy
			 */
};

/* Map "ban_info": the same for people; only user space writes and reads it. */
struct abi_ban_key {
	struct abi_addr source;
	__u32 policy;
};

struct abi_ban_info {
	__u64 since_wall_ns;
	__u64 until_wall_ns;
	__u64 count;
	char reason[48];
};

enum { ABI_OBJECT_BYTES = 192 };

/*
 * Map "policy_object": the objects that a policy was made from ("SourcePolicy/shop/strict, ..."),
 * for people; only user space writes and reads it.
 */
struct abi_policy_object {
	char text[ABI_OBJECT_BYTES];
};

/* Map "events": one sampled drop. */
struct abi_event {
	__u64 time_ns; /* the kernel plane's clock */
	struct abi_addr source;
	struct abi_addr dest;
	__be16 source_port;
	__be16 dest_port;
	__u8 proto;
	__u8 reason; /* enum abi_drop */
	__u16 entry;
	__u16 policy;
	__u16 pad;
	__u32 ifindex;
};

/* What the program "clock" fills in: the time that buckets and bans are measured in. */
struct abi_clock {
	__u64 now_ns;
};

_Static_assert(sizeof(struct abi_rate4) == 64, "rate4 must be one cache line");
_Static_assert(sizeof(struct abi_rate6) == 64, "rate6 must be one cache line");
_Static_assert(sizeof(struct abi_ban_line) == 64, "ban must be one cache line");
_Static_assert(sizeof(struct abi_ban_key) == 20, "ban_info key changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_ban_info) == 72, "ban_info changed: bump ABI_VERSION");
_Static_assert(sizeof(struct abi_event) == 56, "event changed: bump ABI_VERSION");

#endif
