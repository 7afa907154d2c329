/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef NEXT_H
#define NEXT_H

/*
 * next: lets another XDP program run after ours on what passes, where libxdp's dispatcher cannot.
 * Put a program (with frags support, as ours) into slot 0 of the pinned map "next". A static tail
 * call: free while empty.
 */

#include "maps.h"

static __always_inline int next_or_pass(struct xdp_md *ctx)
{
#ifdef CONTEXT_SKB
	(void)ctx; /* tc calls the others */
#else
	bpf_tail_call_static(ctx, &next, 0);
#endif
	return XDP_PASS;
}

#endif
