/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef VLAN_H
#define VLAN_H

/*
 * vlan: what a frame looks like on the device that its way leads to.
 *
 * XDP sends to what has a transmit queue of its own: to a VLAN's device a frame cannot be sent, but
 * to the device below, with the tag. The map "link" knows both directions; user space fills it from
 * the machine's devices. Tags of VLANs that this machine has no device of stay as they are.
 */

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "context.h"
#include "maps.h"
#include "parse.h"
#include "verdict.h"

/* The device to send to and the tag that its frames need, for the one that a route names. */
static __always_inline void vlan_below(__u32 *ifindex, __u32 *ret_tag)
{
	struct abi_link_key key = {.ifindex = *ifindex};
	struct abi_link *found = bpf_map_lookup_elem(&link, &key);

	*ret_tag = found ? found->tag : 0;
	if (found)
		*ifindex = found->ifindex;
}

/*
 * Gives the frame the one tag, or none, in place of those that it has, tag_bytes of them in the
 * frame. 0, or why not. A function of its own: only where there are VLANs.
 */
__noinline int vlan_retag(struct xdp_md *ctx, __u32 tag_bytes, __u32 tag)
{
	struct abi_link_key key = {.ifindex = ctx->ingress_ifindex};
	__u32 outer = context_outer_tag(ctx, tag_bytes);

	key.tag = outer & ~PARSE_TAG_PRIORITY;
	if (outer && !tag && !bpf_map_lookup_elem(&link, &key))
		return 0;
	return context_retag(ctx, tag_bytes, tag ? tag | (outer & PARSE_TAG_PRIORITY) : 0);
}

/* Bytes of the frame's link header, whose tags may have changed. */
static __always_inline __u32 vlan_bytes(const void *data, const void *end)
{
	__u32 at = sizeof(struct ethhdr);

#pragma unroll
	for (int i = 0; i < PARSE_VLAN_MAX; i++) {
		const __be16 *type = data + at - sizeof(*type);

		if ((const void *)(type + 1) > end ||
		    (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD)))
			break;
		at += sizeof(struct parse_vlan);
	}
	return at;
}

/* The verdict of a frame that is ready but for its tags; its IP header is still where it was. */
static __always_inline int vlan_send(struct xdp_md *ctx, const struct packet *packet, __u32 ifindex,
				     __u32 tag, enum abi_send why)
{
	__u32 tag_bytes = packet->l3 - sizeof(struct ethhdr);

	if ((tag_bytes | context_tags(ctx) | tag) && vlan_retag(ctx, tag_bytes, tag))
		return verdict_drop(ABI_DROP_NO_ROOM);
	if (ifindex == ctx->ingress_ifindex)
		return verdict_tx(why);
	bpf_redirect(ifindex, 0);
	return verdict_redirect(why);
}

#endif
