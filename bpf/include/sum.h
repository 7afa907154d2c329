/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef SUM_H
#define SUM_H

/*
 * sum: Internet checksums that follow a change (RFC 1624), without reading what did not change.
 *
 * A change is the sum of what became different: the complement of the old words plus the new ones.
 * Words are taken as they lie in memory, so nothing is ever swapped; 32-bit words count as two.
 */

#include <linux/types.h>

#include "abi_addr.h"

static inline __u16 sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline __u64 sum_change32(__u64 sum, __u32 old, __u32 new)
{
	return sum + (__u32)~old + new;
}

static inline __u64 sum_change16(__u64 sum, __u16 old, __u16 new)
{
	return sum + (__u16)~old + new;
}

/* IPv4-mapped addresses differ in the last word only; the others then add nothing. */
static inline __u64 sum_change_addr(__u64 sum, const struct abi_addr *old,
				    const struct abi_addr *new)
{
	for (int i = 0; i < 4; i++)
		sum = sum_change32(sum, old->word[i], new->word[i]);
	return sum;
}

/* The checksum field after the change: ~(~field + change), RFC 1624 equation 3. */
static inline __u16 sum_apply(__u16 field, __u64 change)
{
	return ~sum_fold((__u16)~field + change);
}

/* The same for UDP, where 0 means "none" (RFC 768): that stays, and a sum of 0 is sent as ones. */
static inline __u16 sum_apply_udp(__u16 field, __u64 change)
{
	__u16 now;

	if (!field)
		return 0;
	now = sum_apply(field, change);
	return now ? now : 0xffff;
}

#endif
