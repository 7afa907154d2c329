/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TRACK_MAPS_H
#define TRACK_MAPS_H

/* track_maps: connections with backends, and how many each source has. Layouts are in abi.h. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_CONN_LINES);
	__type(key, __u32);
	__type(value, struct abi_held_line);
} held SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_TRACKS);
	__type(key, struct abi_stick_key);
	__type(value, struct abi_track);
} track SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_TRACKS_NEW);
	__type(key, struct abi_stick_key);
	__type(value, struct abi_track);
} track_new SEC(".maps");

#endif
