/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef TRACK_H
#define TRACK_H

/*
 * track: the TCP connections with backends of entries whose policy limits how many a source may
 * have open. Nothing of it runs for other entries.
 *
 * A SYN is an attempt, for a second or two, as with connections of this machine; the client's first
 * segment after it makes a connection of it, which is counted until it is reset, both sides have
 * closed it (or the client alone, where the backend's answers do not come by here), or nothing has
 * been heard of it for about two hours. An end is believed once: who goes on after it is counted
 * again. No segment of a counted connection is ever refused, nor one of a connection that is not
 * known here, from before the limit or from another node.
 */

#include "conn_limit.h"
#include "conn_held.h"
#include "maps.h"
#include "parse.h"
#include "track_maps.h"

enum {
	TRACK_FIN = 1,
	TRACK_RST = 4,
	TRACK_RETRY = 2,  /* seconds in which a SYN sent again is the same attempt */
	TRACK_LINGER = 4, /* in which what comes after the end belongs to it */
	TRACK_SECOND_SHIFT = 30,
	TRACK_BOTH = ABI_TRACK_CLIENT_FIN | ABI_TRACK_SERVER_FIN,
};

enum track_verdict {
	TRACK_GOES,
	TRACK_FULL,	    /* the source has as many connections as it may */
	TRACK_ASKS,	    /* a SYN of no known connection: track_may_try() says */
	TRACK_OPENS,	    /* the segment after it: track_may_open() says */
	TRACK_OPENS_UNSEEN, /* the same, unless it is of a connection that nobody knows */
};

static __always_inline bool track_is_over(__u8 flags, bool both_ways)
{
	if (flags & ABI_TRACK_RESET)
		return true;
	return both_ways ? (flags & TRACK_BOTH) == TRACK_BOTH : flags & ABI_TRACK_CLIENT_FIN;
}

/* Counts it in another epoch, or (0) no more; of two CPUs one does. */
static __always_inline void track_count(struct abi_track *of, __u32 to, __u32 epoch)
{
	__u32 from = of->epoch;

	if (from == to || __sync_val_compare_and_swap(&of->epoch, from, to) != from)
		return;
	held_move(of->name[0], from, to, epoch);
	held_move(of->name[1], from, to, epoch);
}

/* A segment of a connection that is known. */
static __always_inline void track_go_on(struct abi_track *of, __u8 tcp_flags, bool from_backend,
					bool both_ways, __u64 now_ns)
{
	__u32 second = now_ns >> TRACK_SECOND_SHIFT, epoch = held_epoch(now_ns);
	__u8 flags = of->flags;
	bool was_over = track_is_over(flags, both_ways);

	if (tcp_flags & TRACK_RST)
		flags |= ABI_TRACK_RESET;
	if (tcp_flags & TRACK_FIN)
		flags |= from_backend ? ABI_TRACK_SERVER_FIN : ABI_TRACK_CLIENT_FIN;
	if (flags != of->flags)
		of->flags = flags;
	if (!was_over && track_is_over(flags, both_ways)) {
		of->second = second;
		track_count(of, 0, epoch);
		return;
	}
	if (was_over && !(flags & ABI_TRACK_LATE)) {
		if (tcp_flags & (TRACK_RST | TRACK_FIN) || second - of->second < TRACK_LINGER)
			return;
		of->flags = flags | ABI_TRACK_LATE;
	}
	__u32 to = of->flags & ABI_TRACK_LATE ? epoch - (ABI_HELD_EPOCHS - 1) : epoch;

	if (of->epoch != to)
		track_count(of, to, epoch);
}

/* Who the connection counts for: the names of the limits that there are. */
static __always_inline void track_names(const struct packet *packet, const struct abi_policy *rules,
					const __u64 *seed, __u64 *ret_names)
{
	for (__u32 level = 0; level < 2; level++) {
		__u64 prefix = conn_prefix(&packet->source, packet->is_v4, rules, level, seed);

		if (level ? rules->network_connections : rules->connections)
			ret_names[level] = conn_name(prefix, rules->identity, level, seed);
	}
}

/* What the map "conn" knows under a name: the end of an attempt, and how many there were. */
static __always_inline __u32 track_end_try(__u64 name, __u64 now_ns)
{
	__u32 at = conn_line(name), tries = 0;
	struct abi_conn_line *line = name ? bpf_map_lookup_elem(&conn, &at) : NULL;

	if (!line)
		return 0;
#pragma unroll
	for (int i = 0; i < ABI_CONN_WAYS; i++)
		if (conn_tag_of(line->count[i]) == conn_tag(name)) {
			tries += conn_tries(line->tries[i], now_ns);
			conn_end_try(&line->tries[i], now_ns);
		}
	return tries;
}

static __always_inline bool track_is_full(__u64 name, __u32 most, __u64 now_ns)
{
	__u32 at = conn_line(name);
	struct abi_conn_line *line = bpf_map_lookup_elem(&conn, &at);

	if (!name || !line)
		return false;
	return held_sum(name, held_epoch(now_ns)) + conn_open(line, name) >= most;
}

static __always_inline struct abi_stick_key track_key(const struct packet *packet, __u32 entry_id)
{
	return (struct abi_stick_key){
		.source = packet->source,
		.source_port = packet->source_port,
		.dest_port = packet->dest_port,
		.entry = entry_id,
		.proto = packet->proto,
	};
}

/*
 * The client's first segment after its SYN: whether there is a connection now. TRACK_FULL: it is
 * one too many, and the handshake does not end. Without the SYN's note (a flood pushed it out) it
 * counts all the same if its source has attempts; else it is one that nobody knows: TRACK_GOES.
 */
__noinline __u32 track_may_open(const struct packet *packet, __u32 slot, __u32 verdict,
				__u64 now_ns)
{
	__u32 zero = 0, tries;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);
	__u64 names[2] = {};

	if (!packet || !settings || !rules)
		return TRACK_GOES;
	track_names(packet, rules, settings->seed, names);
	if (verdict == TRACK_OPENS && (track_is_full(names[0], rules->connections, now_ns) ||
				       track_is_full(names[1], rules->network_connections, now_ns)))
		return TRACK_FULL;
	tries = track_end_try(names[0], now_ns);
	tries += track_end_try(names[1], now_ns);
	return verdict == TRACK_OPENS_UNSEEN && !tries ? TRACK_GOES : verdict;
}

/* Writes a connection down, and counts it. */
__noinline __u32 track_open(const struct packet *packet, __u32 entry_id, __u32 slot, __u64 now_ns)
{
	__u32 zero = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);
	struct abi_track made = {.epoch = held_epoch(now_ns)};

	if (!packet || !settings || !rules)
		return false;
	track_names(packet, rules, settings->seed, made.name);
	if (!held_move(made.name[0], 0, made.epoch, made.epoch))
		made.name[0] = 0;
	if (!held_move(made.name[1], 0, made.epoch, made.epoch))
		made.name[1] = 0;

	struct abi_stick_key key = track_key(packet, entry_id);
	bool is_first = !bpf_map_update_elem(&track, &key, &made, BPF_NOEXIST);

	if (!is_first) {
		held_move(made.name[0], made.epoch, 0, made.epoch);
		held_move(made.name[1], made.epoch, 0, made.epoch);
	}
	bpf_map_delete_elem(&track_new, &key);
	return is_first;
}

/* Whether a SYN sent again is the attempt that counts already. */
static __always_inline bool track_is_fresh(const struct abi_track *noted, __u64 now_ns)
{
	return (__u32)(now_ns >> TRACK_SECOND_SHIFT) - noted->second < TRACK_RETRY;
}

/* Whether a SYN between the same ends is for another connection. */
static __always_inline bool track_may_be_another(const struct abi_track *of, bool both_ways,
						 __u64 now_ns)
{
	return track_is_over(of->flags, both_ways) ||
	       held_epoch(now_ns) - of->epoch >= ABI_HELD_EPOCHS;
}

/*
 * A client's segment on its way to a backend: enum track_verdict. A function of its own, as the
 * next ones are: called for entries with ABI_ENTRY_TRACK, one after the other, because together
 * their stack is too small. both_ways: the backend's answers come by here.
 */
__noinline __u32 track_client(const struct packet *packet, __u32 entry_id, __u32 both_ways,
			      __u64 now_ns)
{
	if (!packet)
		return TRACK_GOES;
	struct abi_stick_key key = track_key(packet, entry_id);
	struct abi_track *found = bpf_map_lookup_elem(&track, &key);

	if (found && packet->is_syn && track_may_be_another(found, both_ways, now_ns)) {
		track_count(found, 0, held_epoch(now_ns));
		bpf_map_delete_elem(&track, &key);
		found = NULL;
	}
	if (found) {
		if (!packet->is_syn)
			track_go_on(found, packet->tcp_flags, false, both_ways, now_ns);
		return TRACK_GOES;
	}
	struct abi_track *noted = bpf_map_lookup_elem(&track_new, &key);

	if (packet->is_syn)
		return noted && track_is_fresh(noted, now_ns) ? TRACK_GOES : TRACK_ASKS;
	if (packet->tcp_flags & (TRACK_RST | TRACK_FIN))
		return TRACK_GOES;
	return noted ? TRACK_OPENS : TRACK_OPENS_UNSEEN;
}

/* Whether the source has room for one attempt more, which then counts. */
__noinline __u32 track_may_try(const struct packet *packet, __u32 slot)
{
	__u32 zero = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);

	return !packet || !settings || !rules || !conn_is_over(packet, rules, slot, true, settings);
}

/* Writes an attempt down. */
__noinline __u32 track_note(const struct packet *packet, __u32 entry_id, __u64 now_ns)
{
	struct abi_track made = {.second = now_ns >> TRACK_SECOND_SHIFT};

	if (!packet)
		return 0;
	struct abi_stick_key key = track_key(packet, entry_id);

	return !bpf_map_update_elem(&track_new, &key, &made, BPF_ANY);
}

/* Whether the segment may go to its backend. */
static __always_inline bool track_allows(const struct packet *packet, __u32 entry_id, __u32 slot,
					 bool both_ways, __u64 now_ns)
{
	__u32 verdict = track_client(packet, entry_id, both_ways, now_ns);

	if (verdict == TRACK_GOES)
		return true;
	if (verdict == TRACK_ASKS) {
		if (!track_may_try(packet, slot))
			return false;
		track_note(packet, entry_id, now_ns);
		return true;
	}
	verdict = track_may_open(packet, slot, verdict, now_ns);
	if (verdict > TRACK_FULL)
		track_open(packet, entry_id, slot, now_ns);
	return verdict != TRACK_FULL;
}

/* A backend's segment that ends something: it was translated back from this flow. */
__noinline __u32 track_backend(const struct abi_flow *of, __u32 tcp_flags, __u64 now_ns)
{
	if (!of)
		return 0;
	struct abi_stick_key key = {
		.source = of->client,
		.source_port = of->client_port,
		.dest_port = of->vip_port,
		.entry = of->entry,
		.proto = of->proto,
	};
	struct abi_track *found = bpf_map_lookup_elem(&track, &key);

	if (found)
		track_go_on(found, tcp_flags, true, true, now_ns);
	return 0;
}

#endif
