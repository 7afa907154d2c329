/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ACL_KEY_H
#define ACL_KEY_H

/*
 * acl_key: the names of prefixes in the map "acl". The two low bits are free for the action, the
 * highest is 0, and the next one tells the families apart.
 *
 * IPv4: address, owner and length themselves. IPv6 does not fit: 60 bits of a hash with the secret
 * seed stand for them; among a million prefixes another address is taken for a listed one with a
 * probability of 2^-40. The same on both sides.
 */

#include <stdbool.h>
#include <linux/types.h>

#include "spread.h"

/* An address in host order; IPv4 in the low half of low. */
struct acl_addr {
	__u64 high, low;
};

enum { ACL_ACTION_MASK = 3 };

#define ACL_NAME_V6   (1ULL << 62)
#define ACL_NAME_MASK (ACL_NAME_V6 - 4)

static inline __u64 acl_name4(__u32 addr, __u32 bits, __u32 owner)
{
	__u64 mask = 0xffffffffULL << (32 - bits);

	return (addr & mask) << 16 | (__u64)(owner & 0xff) << 8 | bits << 2;
}

static inline __u64 acl_name6(const struct acl_addr *addr, __u32 bits, __u32 owner,
			      const __u64 seed[2])
{
	/* Never shifted by 64, which no machine does alike. */
	__u64 high = bits >= 64 ? ~0ULL : ~(~0ULL >> bits);
	__u64 low = bits > 64 ? ~(~0ULL >> (bits - 65) >> 1) : 0;
	__u64 of = ((__u64)owner << 8 | bits) * 0x9e3779b97f4a7c15ULL;

	of = spread((addr->high & high) ^ of, seed);
	of = spread((addr->low & low) ^ of, seed);
	return (of & ACL_NAME_MASK) | ACL_NAME_V6;
}

/* The line to start at. */
static inline __u32 acl_line(__u64 name, __u32 mask, const __u64 seed[2])
{
	return (spread(name, seed) >> 32) & mask;
}

#endif
