/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef FIB_H
#define FIB_H

/*
 * fib: the way to an address, as the kernel's own routes and neighbours have it.
 *
 * The kernel answers only where the interface may forward (net.ipv4.ip_forward, and the like for
 * IPv6).
 */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "vlan.h"
#include "maps.h"
#include "parse.h"

enum { FIB_AF_INET = 2, FIB_AF_INET6 = 10 };

struct fib_way {
	__u32 ifindex;
	__u32 tag; /* that frames need there, 0: none */
	__u32 mtu; /* of the route, also when the packet is too big for it */
	__u8 to[ETH_ALEN], from[ETH_ALEN];
};

/*
 * VERDICT_OPEN and the way for ip_bytes from source to dest, both of one family; or the drop that
 * says what is missing.
 */
static __always_inline int fib_find(const struct xdp_md *ctx, const struct abi_addr *source,
				    const struct abi_addr *dest, bool is_v4, __u8 proto,
				    __u32 ip_bytes, struct fib_way *ret)
{
	struct bpf_fib_lookup ask = {.l4_protocol = proto, .ifindex = ctx->ingress_ifindex};

	ask.tot_len = ip_bytes > 0xffff ? 0xffff : ip_bytes;
	if (is_v4) {
		ask.family = FIB_AF_INET;
		ask.ipv4_src = source->word[3];
		ask.ipv4_dst = dest->word[3];
	} else {
		ask.family = FIB_AF_INET6;
		__builtin_memcpy(ask.ipv6_src, source, sizeof(ask.ipv6_src));
		__builtin_memcpy(ask.ipv6_dst, dest, sizeof(ask.ipv6_dst));
	}
	switch (bpf_fib_lookup((void *)ctx, &ask, sizeof(ask), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		break;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		ret->mtu = ask.mtu_result;
		return verdict_drop(ABI_DROP_TOO_BIG);
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return verdict_drop(ABI_DROP_NO_NEIGHBOUR);
	default:
		return verdict_drop(ABI_DROP_NO_ROUTE);
	}
	vlan_below(&ask.ifindex, &ret->tag);
	ret->ifindex = ask.ifindex;
	ret->mtu = ask.mtu_result;
	__builtin_memcpy(ret->to, ask.dmac, ETH_ALEN);
	__builtin_memcpy(ret->from, ask.smac, ETH_ALEN);
	return VERDICT_OPEN;
}

/* Addresses the frame and sends it that way. */
static __always_inline int fib_send(struct xdp_md *ctx, const struct packet *packet,
				    const struct fib_way *way, enum abi_send what)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return verdict_drop(ABI_DROP_MALFORMED);
	__builtin_memcpy(eth->h_dest, way->to, ETH_ALEN);
	__builtin_memcpy(eth->h_source, way->from, ETH_ALEN);
	return vlan_send(ctx, packet, way->ifindex, way->tag, what);
}

#endif
