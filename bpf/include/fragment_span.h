/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef FRAGMENT_SPAN_H
#define FRAGMENT_SPAN_H

/*
 * fragment_span: whether a later fragment of a datagram may follow its first one. Pure.
 *
 * Fragments may not overlap (RFC 5722, RFC 1858: the way to make a filter see other ports than the
 * receiver), and may overtake each other as long as one hole is enough to remember that.
 */

#include <linux/types.h>
#include <stdbool.h>

#include "abi_flow.h"

enum fragment_answer { FRAGMENT_FOLLOWS, FRAGMENT_OVERLAPS, FRAGMENT_SCATTERED };

/* The first one: `units` of eight bytes. */
static inline void fragment_begin(struct abi_fragment *state, __u32 units)
{
	state->first_end = units;
	state->next = units;
	state->hole_from = state->hole_to = 0;
	state->is_whole = 0;
}

/* A later one, from unit `from` up to `to`. */
static inline enum fragment_answer fragment_follow(struct abi_fragment *state, __u32 from, __u32 to,
						   bool is_last)
{
	if (from >= state->next) {
		if (state->is_whole)
			return FRAGMENT_OVERLAPS; /* behind the end */
		if (from > state->next) {
			if (state->hole_from != state->hole_to)
				return FRAGMENT_SCATTERED;
			state->hole_from = state->next;
			state->hole_to = from;
		}
		state->next = to;
		state->is_whole = is_last;
		return FRAGMENT_FOLLOWS;
	}
	if (from < state->hole_from || to > state->hole_to || is_last)
		return FRAGMENT_OVERLAPS;
	if (from != state->hole_from && to != state->hole_to)
		return FRAGMENT_SCATTERED;
	if (from == state->hole_from)
		state->hole_from = to;
	else
		state->hole_to = from;
	return FRAGMENT_FOLLOWS;
}

#endif
