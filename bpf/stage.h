/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef STAGE_H
#define STAGE_H

/*
 * stage: how our programs hand a packet to each other, and how each of them ends.
 *
 * The first program does what most packets need; what few need is a program of its own, reached by
 * a static tail call (3 ns) with a struct flight in a per-CPU map. To add one: a row in ABI_STAGES
 * and a header that defines SEC(CONTEXT_SECTION) with the row's name, included at the end of
 * ingress.bpf.c; the loader puts it into the map "stage" by that name. It begins with stage_begin()
 * and ends with stage_end(), which counts.
 */

#include "capture.h"
#include "context.h"
#include "count.h"
#include "event.h"
#include "flight.h"
#include "maps.h"
#include "next.h"
#include "verdict.h"

/* What a stage has at hand; every pointer is valid. */
struct stage {
	struct flight *flight;
	struct abi_control *control;
	struct abi_counter *row; /* of the flight's entry */
};

static __always_inline struct flight *stage_flight(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flight, &zero);
}

/* False when a map is missing, which cannot be. */
static __always_inline bool stage_begin(struct stage *ret)
{
	__u32 zero = 0;

	ret->flight = stage_flight();
	ret->control = bpf_map_lookup_elem(&control, &zero);
	if (!ret->flight || !ret->control)
		return false;
	ret->row = count_row(ret->flight->entry % ABI_ENTRIES);
	return ret->row;
}

/* Counts the verdict and returns the XDP action; TX and REDIRECT are done by then. */
static __always_inline int stage_end(struct xdp_md *ctx, const struct stage *stage, int verdict)
{
	const struct flight *flight = stage->flight;

	count_verdict(stage->row, verdict);
	capture_packet(ctx, &flight->packet, verdict, flight->entry, flight->policy);
	if (verdict & VERDICT_DROP) {
		event_drop(&flight->packet, verdict & VERDICT_WHY, flight->entry, flight->policy,
			   ctx, flight->now_ns, stage->control, stage->row);
		return XDP_DROP;
	}
	if (verdict & VERDICT_PASS)
		return next_or_pass(ctx);
	return verdict & VERDICT_TX ? context_tx(ctx) : XDP_REDIRECT;
}

/* Goes on to another program; returns only when its slot is empty. */
static __always_inline void stage_call(struct xdp_md *ctx, __u32 which)
{
	switch (which) {
#define STAGE_CALL(id, program, text)                              \
	case ABI_STAGE_##id:                                       \
		bpf_tail_call_static(ctx, &stage, ABI_STAGE_##id); \
		break;
		ABI_STAGES(STAGE_CALL)
	default:
		break;
	}
}

#endif
