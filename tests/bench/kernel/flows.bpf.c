// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * flows: the balancing benchmark's driver: before each run it undoes what the program under test
 * did to the frame (a header before it, one hop less), chooses one of many flows at random and
 * hands the frame on by a static tail call. Frames are Ethernet, IPv4 or IPv6, TCP; four flows a
 * source.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { V4_BYTES = 56, V6_BYTES = 80, WORDS = 10 };

const volatile __u32 flow_mask = 0; /* flows, less one: a power of two */
const volatile __u32 vip_count = 1; /* consecutive destination addresses */
const volatile bool is_v6 = false;
const volatile __u32 frame_bytes = 0;
__u64 frame[WORDS]; /* as it should be */
__u32 state = 1;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flow_target SEC(".maps");

static __always_inline int restore(struct xdp_md *ctx)
{
	int more = (int)(ctx->data_end - ctx->data) - (int)frame_bytes;

	if (more && bpf_xdp_adjust_head(ctx, more))
		return -1;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + (is_v6 ? V6_BYTES : V4_BYTES) > end)
		return -1;
#pragma unroll
	for (int i = 0; i < V4_BYTES / 8; i++)
		((__u64 *)data)[i] = ((volatile __u64 *)frame)[i];
	if (is_v6)
#pragma unroll
		for (int i = V4_BYTES / 8; i < V6_BYTES / 8; i++)
			((__u64 *)data)[i] = ((volatile __u64 *)frame)[i];
	return 0;
}

static __always_inline int next_flow(struct xdp_md *ctx)
{
	if (restore(ctx))
		return -1;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3 = 14;

	if (data + (is_v6 ? V6_BYTES : V4_BYTES) > end)
		return -1;
	state = state * 1664525u + 1013904223u;
	__u32 flow = (state >> 8) & flow_mask;
	__u32 vip = vip_count > 1 ? (__u64)(state * 2654435761u) * vip_count >> 32 : 0;

	if (is_v6) {
		*(__be32 *)(data + l3 + 12) = bpf_htonl(flow >> 2); /* in the upper half */
		*(__be16 *)(data + l3 + 40) = bpf_htons(1024 + (flow & 3) * 7919);
		return 0;
	}
	*(__be32 *)(data + l3 + 12) = bpf_htonl(0x0a000000 + (flow >> 2));
	*(__be32 *)(data + l3 + 16) = bpf_htonl(0xc0000201 + vip);
	*(__be16 *)(data + l3 + 20) = bpf_htons(1024 + (flow & 3) * 7919);
	return 0;
}

SEC("xdp.frags")
int drive_flows(struct xdp_md *ctx)
{
	if (!next_flow(ctx))
		bpf_tail_call_static(ctx, &flow_target, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int nothing(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp.frags")
int grow(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, -20) ? XDP_ABORTED : XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
