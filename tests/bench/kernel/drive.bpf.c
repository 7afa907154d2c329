// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * drive: the benchmark's own programs: they make each packet come from another source, and hand it
 * to the program under test (by a static tail call) or into a veth pair (by redirect). Frames are
 * Ethernet, IPv4 or IPv6, TCP.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 source_mask = 0; /* sources, less one: a power of two */
const volatile __u32 first_source = 0x0a000000;
const volatile bool is_v6 = false;
const volatile __u32 into_ifindex = 0;
__u32 state = 1;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

/* A program array takes programs with frags support or without, so there are two. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target_frags SEC(".maps");

/* RFC 1624: a checksum after 32 bits of what it covers have changed. */
static __always_inline __u16 fix_checksum(__u16 check, __u32 old, __u32 new)
{
	__u32 sum = (__u16)~check + (__u16)~old + (__u16) ~(old >> 16) + (__u16) new + (new >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline int next_source(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	state = state * 1664525u + 1013904223u;
	__u32 source = bpf_htonl(first_source + ((state >> 8) & source_mask));

	if (is_v6) {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end)
			return -1;
		ip->saddr.in6_u.u6_addr32[1] = source;
		return 0;
	}
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > end)
		return -1;
	ip->check = fix_checksum(ip->check, ip->saddr, source);
	tcp->check = fix_checksum(tcp->check, ip->saddr, source);
	ip->saddr = source;
	return 0;
}

SEC("xdp")
int drive(struct xdp_md *ctx)
{
	if (!next_source(ctx))
		bpf_tail_call_static(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int drive_frags(struct xdp_md *ctx)
{
	if (!next_source(ctx))
		bpf_tail_call_static(ctx, &target_frags, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	if (next_source(ctx))
		return XDP_ABORTED;
	return bpf_redirect(into_ifindex, 0);
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp.frags")
int drop_frags(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
