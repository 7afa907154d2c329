/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CONN_HELD_H
#define CONN_HELD_H

/*
 * conn_held: how many connections with backends a source, or its network, has open: the map "held".
 *
 * Nobody tells of every end: clients vanish, and tables forget. So a number is the sum of a few
 * epochs, each connection being counted in the epoch of its last packet; what was counted and never
 * taken back is gone when its epoch is too old. No process sweeps.
 */

#include "conn_name.h"
#include "track_maps.h"

/* Never 0, nor are those just before the first. */
static __always_inline __u32 held_epoch(__u64 now_ns)
{
	return (__u32)(now_ns >> ABI_HELD_EPOCH_SHIFT) + 2 * ABI_HELD_EPOCHS;
}

/* The sum of the epochs that count at `epoch`. */
static __always_inline __u32 held_live(const struct abi_held *place, __u32 epoch)
{
	__u32 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < ABI_HELD_EPOCHS; i++) {
		/* Cell i has the latest epoch of that remainder that is not after place->epoch. */
		__u32 of = place->epoch - ((place->epoch - i) & (ABI_HELD_EPOCHS - 1));

		if (epoch - of < ABI_HELD_EPOCHS)
			sum += place->count[i];
	}
	return sum;
}

static __always_inline __u32 held_sum(__u64 name, __u32 epoch)
{
	__u32 at = conn_line(name), sum = 0;
	struct abi_held_line *line = bpf_map_lookup_elem(&held, &at);

	if (!line)
		return 0;
#pragma unroll
	for (int i = 0; i < ABI_CONN_WAYS; i++)
		if (line->way[i].name == name)
			sum += held_live(&line->way[i], epoch);
	return sum;
}

/* Empties the cells of epochs that are over, for those that begin. */
static __always_inline void held_roll(struct abi_held *place, __u32 epoch)
{
	__u32 seen = place->epoch;

	if ((__s32)(epoch - seen) <= 0)
		return;
#pragma unroll
	for (__u32 i = 0; i < ABI_HELD_EPOCHS; i++) {
		__u32 of = epoch - ((epoch - i) & (ABI_HELD_EPOCHS - 1));

		if ((__s32)(of - seen) > 0)
			place->count[i] = 0;
	}
	__sync_val_compare_and_swap(&place->epoch, seen, epoch);
}

/* The slot of a name, taken for it if need be; NULL: all are others'. */
static __always_inline struct abi_held *held_find(struct abi_held_line *line, __u64 name,
						  __u32 epoch, bool may_take)
{
	struct abi_held *spare = NULL;

#pragma unroll
	for (int i = 0; i < ABI_CONN_WAYS; i++)
		if (line->way[i].name == name)
			return &line->way[i];
	if (!may_take)
		return NULL;
#pragma unroll
	for (int i = 0; i < ABI_CONN_WAYS; i++)
		if (!spare && !held_live(&line->way[i], epoch))
			spare = &line->way[i];
	if (!spare)
		return NULL;
	__u64 before = spare->name;

	if (__sync_val_compare_and_swap(&spare->name, before, name) != before)
		return NULL;
	held_roll(spare, epoch);
	return spare;
}

static __always_inline void held_less(__u32 *count)
{
	for (int i = 0; i < CONN_SWAPS; i++) {
		__u32 seen = *(volatile __u32 *)count;

		if (!seen || __sync_val_compare_and_swap(count, seen, seen - 1) == seen)
			return;
	}
}

/* One connection from an epoch to another; 0: from or to nowhere. Whether there was a slot. */
__noinline __u32 held_move(__u64 name, __u32 from, __u32 to, __u32 epoch)
{
	__u32 at = conn_line(name);
	struct abi_held_line *line = bpf_map_lookup_elem(&held, &at);
	struct abi_held *place = line && name ? held_find(line, name, epoch, to) : NULL;

	if (!place)
		return 0;
	held_roll(place, epoch);
	if (from && epoch - from < ABI_HELD_EPOCHS)
		held_less(&place->count[from & (ABI_HELD_EPOCHS - 1)]);
	if (to)
		__sync_fetch_and_add(&place->count[to & (ABI_HELD_EPOCHS - 1)], 1);
	return 1;
}

#endif
