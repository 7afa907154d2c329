/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef FLOW_KEY_H
#define FLOW_KEY_H

/*
 * flow_key: which ports a translated flow may have, how long it lasts, and what a segment tells of
 * it. Pure.
 *
 * A flow's ports follow from the hash of its ends: FLOW_PROBES candidates in a fixed order. So no
 * second table leads from a client to its port: the candidates are looked at until one holds the
 * client. A port is taken once for each backend address, port and protocol; thousands of backends
 * may use the same one.
 */

#include <linux/types.h>
#include <stdbool.h>

#include "abi_flow.h"
#include "spread.h"

enum { FLOW_PROBES = 8, FLOW_SECOND_SHIFT = 30 };

/* From the fields that do not change in a flow's life. */
static inline __u64 flow_ends_hash(const struct abi_addr *client, const struct abi_addr *vip,
				   __be16 client_port, __be16 vip_port, __u8 proto,
				   const __u64 seed[2])
{
	__u64 h = spread((__u64)client->word[3] << 32 | client->word[2], seed);

	h ^= (__u64)client->word[1] << 32 | client->word[0];
	h = spread(h ^ (__u64)client_port << 24 ^ (__u64)vip_port << 8 ^ proto, seed);
	h ^= (__u64)vip->word[3] << 32 | (vip->word[2] ^ vip->word[1] ^ vip->word[0]);
	return spread(h, seed);
}

/* The i-th candidate, host order; first and last are those of the reserved range. */
static inline __u16 flow_port(__u64 hash, __u32 i, __u16 first, __u16 last)
{
	__u32 step = (__u32)(hash >> 32) | 1, at = (__u32)hash + i * step;
	__u32 n = last >= first ? last - first + 1u : 1;

	return first + (__u16)((__u64)at * n >> 32);
}

static inline __u32 flow_second(__u64 now_ns)
{
	return now_ns >> FLOW_SECOND_SHIFT;
}

/*
 * After how many of these seconds without a packet the port may go to another flow: RFC 5382
 * REQ-5 (2 h 4 min; 4 min while opening and closing, less where we know better), RFC 4787 REQ-5.
 */
static inline __u32 flow_timeout(__u8 proto, __u8 flags)
{
	enum {
		UDP_ASKED = 30,
		UDP_ANSWERED = 180,
		TCP_ASKED = 60,
		TCP_OPEN = 7440,
		TCP_CLOSING = 240,
		TCP_CLOSED = 10,
		TCP_TIME_WAIT = 60, /* of the backend: until then it may refuse the same ends */
		PROTO_UDP = 17,
		BOTH = ABI_FLOW_CLIENT_FIN | ABI_FLOW_SERVER_FIN,
	};

	if (proto == PROTO_UDP)
		return flags & ABI_FLOW_ANSWERED ? UDP_ANSWERED : UDP_ASKED;
	if (flags & ABI_FLOW_RESET)
		return TCP_CLOSED;
	if ((flags & BOTH) == BOTH)
		return flags & ABI_FLOW_SERVER_FIRST ? TCP_TIME_WAIT : TCP_CLOSED;
	if (flags & BOTH)
		return TCP_CLOSING;
	return flags & ABI_FLOW_ANSWERED ? TCP_OPEN : TCP_ASKED;
}

static inline bool flow_is_over(const struct abi_flow *flow, __u32 second)
{
	return second - flow->seen > flow_timeout(flow->proto, flow->flags);
}

/* The flags after a packet; tcp_flags is byte 13 of the TCP header, 0 for UDP. */
static inline __u8 flow_track(__u8 flags, bool from_backend, __u8 tcp_flags)
{
	enum { FIN = 1, SYN = 2, RST = 4 };

	if (from_backend)
		flags |= ABI_FLOW_ANSWERED;
	if (tcp_flags & RST)
		return flags | ABI_FLOW_RESET;
	/* The client takes its port for another connection. */
	if (tcp_flags & SYN && !from_backend &&
	    flags & (ABI_FLOW_RESET | ABI_FLOW_CLIENT_FIN | ABI_FLOW_SERVER_FIN))
		return 0;
	flags &= ~ABI_FLOW_RESET; /* what goes on was not reset: somebody guessed */
	if (tcp_flags & FIN && from_backend && !(flags & ABI_FLOW_CLIENT_FIN))
		flags |= ABI_FLOW_SERVER_FIRST;
	if (tcp_flags & FIN)
		flags |= from_backend ? ABI_FLOW_SERVER_FIN : ABI_FLOW_CLIENT_FIN;
	return flags;
}

#endif
