/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef FLOW_H
#define FLOW_H

/*
 * flow: translated flows in their two maps: finding them from either side, and giving ports to new
 * ones.
 *
 * Nothing is scanned: a port of a flow that is over is taken over by the next one that may have it,
 * and a full map forgets what was not used for the longest time. A port is taken by inserting it
 * (which one of two CPUs wins) into flow_new and then looking into flow again: going over from
 * flow_new to flow inserts there first and deletes here afterwards.
 */

#include "flow_key.h"
#include "maps.h"
#include "match.h"
#include "rewrite.h"

/* What a client's packet asks for. */
struct flow_want {
	struct abi_flow_key key; /* without node_port */
	struct rewrite_ends ends;
	__u64 hash;
	__u32 second;
	__u16 first, last; /* the reserved ports, host order */
	__u16 entry, backend;
	bool may_be_new;
};

enum flow_result { FLOW_FOUND, FLOW_MADE, FLOW_NONE, FLOW_NO_PORT };

static __always_inline bool flow_same_addr(const struct abi_addr *a, const struct abi_addr *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
		 (a->word[3] ^ b->word[3]));
}

static __always_inline bool flow_is_of(const struct abi_flow *flow, const struct rewrite_ends *ends)
{
	return flow->client_port == ends->source_port && flow->vip_port == ends->dest_port &&
	       flow_same_addr(&flow->client, &ends->source) &&
	       flow_same_addr(&flow->vip, &ends->dest);
}

/* The flow that has this port, whoever's it is. */
static __always_inline struct abi_flow *flow_at(const struct abi_flow_key *key, bool *ret_is_new)
{
	struct abi_flow *found = bpf_map_lookup_elem(&flow, key);

	*ret_is_new = !found;
	return found ? found : bpf_map_lookup_elem(&flow_new, key);
}

/* Takes a port from a flow that is over; of two CPUs one succeeds. */
static __always_inline bool flow_take_over(struct abi_flow *old, bool is_new, __u32 second,
					   const struct abi_flow_key *key)
{
	__u32 seen = old->seen;

	if (!flow_is_over(old, second) ||
	    __sync_val_compare_and_swap(&old->seen, seen, second) != seen)
		return false;
	if (is_new)
		bpf_map_delete_elem(&flow_new, key);
	else
		bpf_map_delete_elem(&flow, key);
	return true;
}

static __always_inline bool flow_insert(const struct flow_want *want,
					const struct abi_flow_key *key)
{
	struct abi_flow made = {
		.client = want->ends.source,
		.vip = want->ends.dest,
		.client_port = want->ends.source_port,
		.vip_port = want->ends.dest_port,
		.entry = want->entry,
		.backend = want->backend,
		.seen = want->second,
		.proto = key->proto,
	};

	if (bpf_map_update_elem(&flow_new, key, &made, BPF_NOEXIST))
		return false;
	if (!bpf_map_lookup_elem(&flow, key))
		return true;
	bpf_map_delete_elem(&flow_new, key);
	return false;
}

/* The flow of a client's packet; key.node_port says its port then. */
static __always_inline struct abi_flow *flow_look(const struct flow_want *want,
						  struct abi_flow_key *key, bool *ret_is_new)
{
	/* Unrolled: Linux 6.1 takes no loop that is entered in its middle, as compilers lay this
	 * one out. */
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < FLOW_PROBES; i++) {
		key->node_port = bpf_htons(flow_port(want->hash, i, want->first, want->last));
		struct abi_flow *found = flow_at(key, ret_is_new);

		if (found && flow_is_of(found, &want->ends))
			return found;
	}
	return NULL;
}

/* Gives a port to a flow that has none. */
static __always_inline enum flow_result flow_make(const struct flow_want *want,
						  struct abi_flow_key *key)
{
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < FLOW_PROBES; i++) {
		bool is_new;

		key->node_port = bpf_htons(flow_port(want->hash, i, want->first, want->last));
		struct abi_flow *found = flow_at(key, &is_new);

		if (found && !flow_take_over(found, is_new, want->second, key))
			continue;
		if (flow_insert(want, key))
			return FLOW_MADE;
	}
	return FLOW_NO_PORT;
}

/* Notes a packet. A flow that both sides have gone on with is kept where floods do not come. */
static __always_inline void flow_note(struct abi_flow *found, const struct abi_flow_key *key,
				      bool is_new, bool from_backend, __u8 tcp_flags, __u32 second)
{
	__u8 flags = flow_track(found->flags, from_backend, tcp_flags);

	if (found->flags != flags)
		found->flags = flags;
	if (found->seen != second)
		found->seen = second;
	if (is_new && !from_backend && flags & ABI_FLOW_ANSWERED) {
		struct abi_flow copy = *found;

		if (!bpf_map_update_elem(&flow, key, &copy, BPF_NOEXIST))
			bpf_map_delete_elem(&flow_new, key);
	}
}

/* The port of a client's packet, in want->key.node_port: that of its flow, or of a new one. */
static __always_inline enum flow_result flow_of_client(struct flow_want *want, __u8 tcp_flags)
{
	bool is_new;
	struct abi_flow *found = flow_look(want, &want->key, &is_new);

	if (found) {
		flow_note(found, &want->key, is_new, false, tcp_flags, want->second);
		return FLOW_FOUND;
	}
	return want->may_be_new ? flow_make(want, &want->key) : FLOW_NONE;
}

#endif
