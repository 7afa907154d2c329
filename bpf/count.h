/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef COUNT_H
#define COUNT_H

/* count: per-CPU counters. A packet is received once and has one verdict, so the two always
 * balance. */

#include "maps.h"
#include "verdict.h"

static __always_inline struct abi_counter *count_row(__u32 entry_id)
{
	return bpf_map_lookup_elem(&counter, &entry_id);
}

static __always_inline void count_verdict(struct abi_counter *row, int verdict)
{
	__u32 why = verdict & VERDICT_WHY;

	if (verdict >= VERDICT_TX) {
		if (why >= ABI_SEND__COUNT)
			return;
		row->send[why]++;
		if (verdict < VERDICT_REDIRECT)
			row->tx++;
		else
			row->redirect++;
	} else if (verdict >= VERDICT_DROP) {
		if (why < ABI_DROP__COUNT)
			row->drop[why]++;
	} else if (why < ABI_PASS__COUNT) {
		row->pass[why]++;
	}
}

#endif
