/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TICK_H
#define TICK_H

/*
 * tick: the time that buckets and bans are measured in: jiffies, which cost half a nanosecond where
 * bpf_ktime_get_ns() costs thirty. Tests own the clock instead; the verifier removes the branch
 * otherwise.
 */

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

const volatile bool tick_is_fake = false;
__u64 tick_fake_ns = 0;

static __always_inline __u64 tick_now_ns(const struct abi_control *control)
{
	if (tick_is_fake)
		return *(volatile __u64 *)&tick_fake_ns;
	return bpf_jiffies64() * control->tick_ns;
}

#endif
