/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CAPTURE_H
#define CAPTURE_H

/*
 * capture: copies packets that an operator asks for, with their verdicts, into a ring. Off it costs
 * one comparison. What passes and what is dropped is seen as it came, what is sent as it leaves; on
 * full: the copy is lost and counted, the packet goes its way.
 */

#include "abi_capture.h"
#include "maps.h"
#include "parse.h"
#include "verdict.h"

static __always_inline bool capture_is_in(const struct abi_addr *addr, const struct abi_addr *net,
					  const struct abi_addr *mask)
{
	return !(((addr->word[0] ^ net->word[0]) & mask->word[0]) |
		 ((addr->word[1] ^ net->word[1]) & mask->word[1]) |
		 ((addr->word[2] ^ net->word[2]) & mask->word[2]) |
		 ((addr->word[3] ^ net->word[3]) & mask->word[3]));
}

static __always_inline __u32 capture_kind(int verdict)
{
	return verdict & VERDICT_DROP	? ABI_CAPTURE_DROPPED
	       : verdict & VERDICT_PASS ? ABI_CAPTURE_PASSED
					: ABI_CAPTURE_SENT;
}

static __always_inline bool capture_wants(const struct abi_capture *want,
					  const struct packet *packet, int verdict)
{
	return want->verdicts & capture_kind(verdict) &&
	       (!want->why || want->why == (verdict & VERDICT_WHY) + 1) &&
	       (!want->proto || want->proto == packet->proto) &&
	       (!want->port || want->port == packet->dest_port ||
		want->port == packet->source_port) &&
	       capture_is_in(&packet->source, &want->source, &want->source_mask) &&
	       capture_is_in(&packet->dest, &want->dest, &want->dest_mask);
}

/* A function of its own: it is rarely called, and proved once. */
__noinline int capture_copy(struct xdp_md *ctx, const struct packet *packet, int verdict,
			    __u64 entry_policy)
{
	__u32 zero = 0;
	struct abi_capture *want = bpf_map_lookup_elem(&capture, &zero);

	if (!want || !packet || !capture_wants(want, packet, verdict))
		return 0;
	__u64 now_ns = bpf_ktime_get_ns();

	if (now_ns > want->until_ns)
		return 0;
	__sync_fetch_and_add(&want->matched, 1);
	struct abi_captured *row = bpf_ringbuf_reserve(&captured, sizeof(*row), 0);

	if (!row) {
		__sync_fetch_and_add(&want->lost, 1);
		return 0;
	}
	__u32 bytes = bpf_xdp_get_buff_len(ctx);
	/* Counted from 0, so that a verifier of any age sees that one more is never none. */
	__u32 last = (bytes < ABI_CAPTURE_SNAP ? bytes : ABI_CAPTURE_SNAP) - 1;

	row->time_ns = now_ns;
	row->verdict = capture_kind(verdict);
	row->why = verdict & VERDICT_WHY;
	row->entry = (__u32)entry_policy;
	row->policy = entry_policy >> 32;
	row->ifindex = ctx->ingress_ifindex;
	row->bytes = bytes;
	row->pad = 0;
	barrier_var(last);
	row->length = 0;
	if (last < ABI_CAPTURE_SNAP && !bpf_xdp_load_bytes(ctx, 0, row->data, last + 1))
		row->length = last + 1;
	bpf_ringbuf_submit(row, 0);
	return 0;
}

static __always_inline void capture_packet(struct xdp_md *ctx, const struct packet *packet,
					   int verdict, __u32 entry_id, __u32 policy_id)
{
	__u32 zero = 0;
	const struct abi_capture *want = bpf_map_lookup_elem(&capture, &zero);

	if (want && *(const volatile __u64 *)&want->until_ns)
		capture_copy(ctx, packet, verdict, (__u64)policy_id << 32 | entry_id);
}

#endif
