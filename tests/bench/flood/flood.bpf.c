// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * flood: the generator's program: gives each frame another source, port and number, and hands it to
 * an interface. And pass, for the far end of a veth pair, which needs a program to be sent to.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 source_mask = 0; /* sources, less one: a power of two */
const volatile __u32 first_source = 0;
const volatile __u32 into_ifindex = 0;
const volatile bool has_ports = true; /* not a later fragment */
const volatile __u64 frame[8] = {};   /* pages come round again, as whoever had them left them */
__u64 state = 0x9e3779b97f4a7c15ULL;
__u64 sent = 0;

/* RFC 1624: a checksum after 32 bits of what it covers have changed. */
static __always_inline __u16 fix(__u16 check, __u32 old, __u32 new)
{
	__u32 sum = (__u16)~check + (__u16)~old + (__u16) ~(old >> 16) + (__u16) new + (new >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);

	if (data + sizeof(frame) > end)
		return XDP_ABORTED;
	for (int i = 0; i < 8; i++)
		((__u64 *)data)[i] = frame[i];
	asm volatile("" ::: "memory");
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	__u32 random = state >> 32, source = bpf_htonl(first_source + (random & source_mask));
	__u16 port = bpf_htons(1024 + (state >> 16) % 60000);

	ip->check = fix(ip->check, ip->saddr, source);
	ip->check = fix(ip->check, ip->id, (__u16)random);
	if (has_ports && ip->protocol == IPPROTO_TCP) {
		tcp->check = fix(tcp->check, ip->saddr, source);
		tcp->check = fix(tcp->check, tcp->source, port);
		tcp->check = fix(tcp->check, tcp->seq, random * 2654435761u);
		tcp->seq = random * 2654435761u;
		tcp->source = port;
	} else if (has_ports) {
		((struct udphdr *)tcp)->source = port;
		((struct udphdr *)tcp)->check = 0;
	}
	ip->id = random;
	ip->saddr = source;
	sent++;
	return bpf_redirect(into_ifindex, 0);
}

SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
