/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef MAPS_H
#define MAPS_H

/*
 * maps: every map of the kernel plane (but for those of track_maps.h), in the order in which a
 * packet meets them.
 *
 * Layouts are in abi.h. Everything that packets read is a plain array that the proxy maps into its
 * memory, so that publishing is a memory write. Sizes of the state maps and of the prefixes are
 * presets which the loader may change before the first load; the masks in acl.h, rate.h and ban.h
 * follow.
 */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "abi_capture.h"
#include "flight.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * ABI_PORT_LINES);
	__type(key, __u32);
	__type(value, struct abi_port_line);
} port SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * ABI_VIP_LINES);
	__type(key, __u32);
	__type(value, struct abi_vip_line);
} vip SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * ABI_ENTRIES);
	__type(key, __u32);
	__type(value, struct abi_entry);
} entry SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * ABI_POLICIES);
	__type(key, __u32);
	__type(value, struct abi_policy);
} policy SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * ABI_GATE_LINES);
	__type(key, __u32);
	__type(value, struct abi_gate_line);
} gate SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * ABI_ACL_LINES);
	__type(key, __u32);
	__type(value, struct abi_acl_line);
} acl SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 14);
	__type(key, __u32);
	__type(value, struct abi_ban_line);
} ban SEC(".maps");

/* Only user space reads and writes this one; it is here so that it has a type and a pin like the
 * others. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 16);
	__type(key, struct abi_ban_key);
	__type(value, struct abi_ban_info);
} ban_info SEC(".maps");

/* User space's as well: by slot of the map "policy". */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_POLICIES);
	__type(key, __u32);
	__type(value, struct abi_policy_object);
} policy_object SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 18);
	__type(key, __u32);
	__type(value, struct abi_rate4);
} rate4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 17);
	__type(key, __u32);
	__type(value, struct abi_rate6);
} rate6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct abi_here);
} here SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_SERVICES);
	__type(key, __u32);
	__type(value, struct abi_service);
} service SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_RING_LINES);
	__type(key, __u32);
	__type(value, struct abi_ring_line);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_BACKENDS);
	__type(key, __u32);
	__type(value, struct abi_backend);
} backend SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_QUIC_LINES);
	__type(key, __u32);
	__type(value, struct abi_quic_line);
} quic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_NODES);
	__type(key, __u32);
	__type(value, struct abi_node);
} node SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_LINKS);
	__type(key, struct abi_link_key);
	__type(value, struct abi_link);
} link SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_STICKS);
	__type(key, struct abi_stick_key);
	__type(value, struct abi_stick);
} stick SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_SERVICES);
	__type(key, __u32);
	__type(value, struct abi_service_stat);
} service_stat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_BACKENDS);
	__type(key, __u32);
	__type(value, struct abi_backend_stat);
} backend_stat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_shield);
} shield SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_ENTRIES);
	__type(key, __u32);
	__type(value, struct abi_pressure);
} pressure SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_KNOWN_LINES);
	__type(key, __u32);
	__type(value, struct abi_known_line);
} known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_CONN_LINES);
	__type(key, __u32);
	__type(value, struct abi_conn_line);
} conn SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_ENTRIES);
	__type(key, __u32);
	__type(value, struct abi_counter);
} counter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_FLOWS);
	__type(key, struct abi_flow_key);
	__type(value, struct abi_flow);
} flow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_FLOWS_NEW);
	__type(key, struct abi_flow_key);
	__type(value, struct abi_flow);
} flow_new SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_FRAGMENTS);
	__type(key, struct abi_fragment_key);
	__type(value, struct abi_fragment);
} fragment SEC(".maps");

/* What one stage tells the next: of this CPU, from the tail call on. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flight);
} flight SEC(".maps");

/* Our own other programs: ABI_STAGES. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} stage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct abi_capture);
} capture SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ABI_CAPTURE_BYTES);
} captured SEC(".maps");

/* Another program may run after ours on packets that pass: slot 0. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

#endif
