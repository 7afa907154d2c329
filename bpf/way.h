/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef WAY_H
#define WAY_H

/*
 * way: how a backend's next hop is reached: interface and link addresses.
 *
 * Asking the kernel's routes and neighbours takes 30 to 45 ns, so the answer stays in the backend's
 * row for a second (a fault, for a hundredth): forwarding follows routes that change, and needs no
 * process. What the program cannot do is to make the kernel look for a neighbour: user space does,
 * for rows whose fault says so.
 */

#include <stdbool.h>
#include <linux/bpf.h>

#include "vlan.h"
#include "maps.h"
#include "parse.h"

enum { WAY_AF_INET = 2, WAY_AF_INET6 = 10 };

#define WAY_GOOD_NS 1000000000ULL
#define WAY_BAD_NS  10000000ULL

static __always_inline bool way_is_v4(const struct abi_addr *addr)
{
	return !*(const parse_half *)addr && addr->word[2] == bpf_htonl(0xffff);
}

static __always_inline __u64 way_mac(const __u8 *mac)
{
	__u64 word = 0;

	for (int i = 0; i < 6; i++)
		word |= (__u64)mac[i] << (16 + 8 * i);
	return word;
}

/* Bytes that the mode puts before the packet. */
static __always_inline __u32 way_bytes(const struct abi_backend *row)
{
	__u32 bytes = way_is_v4(&row->addr) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (row->mode == ABI_MODE_DSR_L2)
		return 0;
	return row->mode == ABI_MODE_DSR_GUE ? bytes + sizeof(struct udphdr) : bytes;
}

/* The same of a row whose way is good. */
static __always_inline __u32 way_more(const struct abi_backend *row)
{
	__u32 bytes = row->hop_to & ABI_HOP_BYTES;

	return bytes ? bytes : way_bytes(row);
}

/* Looks the way up anew. A function of its own: once a second for each backend. */
__noinline int way_find(struct xdp_md *ctx, struct abi_backend *row, __u64 now_ns)
{
	struct bpf_fib_lookup ask = {.ifindex = ctx->ingress_ifindex, .tot_len = 1};

	if (!row)
		return ABI_HOP_NO_ROUTE;
	if (way_is_v4(&row->addr)) {
		ask.family = WAY_AF_INET;
		ask.ipv4_dst = row->addr.word[3];
	} else {
		ask.family = WAY_AF_INET6;
		__builtin_memcpy(ask.ipv6_dst, &row->addr, sizeof(ask.ipv6_dst));
	}
	int ret = bpf_fib_lookup(ctx, &ask, sizeof(ask), 0);

	if (ret != BPF_FIB_LKUP_RET_SUCCESS) {
		row->fault =
			ret == BPF_FIB_LKUP_RET_NO_NEIGH ? ABI_HOP_NO_NEIGHBOUR : ABI_HOP_NO_ROUTE;
		row->hop_until_ns = now_ns + WAY_BAD_NS;
		return row->fault;
	}
	row->hop_to = way_mac(ask.dmac) | way_bytes(row);
	row->hop_from = way_mac(ask.smac);
	vlan_below(&ask.ifindex, &row->hop_tag);
	row->hop_ifindex = ask.ifindex;
	row->mtu = ask.mtu_result;
	row->fault = ABI_HOP_OK;
	row->hop_until_ns = now_ns + WAY_GOOD_NS;
	return ABI_HOP_OK;
}

/* enum abi_hop_fault; the row's way is good when it is OK. */
static __always_inline int way_check(struct xdp_md *ctx, struct abi_backend *row, __u64 now_ns)
{
	if (row->hop_until_ns > now_ns)
		return row->fault;
	return way_find(ctx, row, now_ns);
}

/* Twelve bytes that are there. By words: memcpy() would take the frame for unaligned. */
static __always_inline void way_write(void *link, const struct abi_backend *row)
{
	__u64 to = row->hop_to, from = row->hop_from;

	*(__u32 *)link = to >> 16;
	*(__u16 *)(link + 4) = to >> 48;
	*(__u16 *)(link + 6) = from >> 16;
	*(__u32 *)(link + 8) = from >> 32;
}

/* The verdict of a frame that is ready. */
static __always_inline int way_send(struct xdp_md *ctx, const struct packet *packet,
				    const struct abi_backend *row, enum abi_send why)
{
	return vlan_send(ctx, packet, row->hop_ifindex, row->hop_tag, why);
}

#endif
