/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef CONN_LIMIT_H
#define CONN_LIMIT_H

/*
 * conn_limit: how many TCP connections a source, or its network, has open.
 *
 * Those with this machine are counted by the kernel itself: the program in conn_count.bpf.c sees
 * each socket become established and closed, so a count ends with its socket, whoever closes it and
 * however, and nobody counts who did not complete a handshake. Between its SYN and its handshake's
 * end a connection counts as an attempt, for a second or two, so that a burst does not pass between
 * the two. One cache line is read for each limit, for SYNs only. Those with backends are counted by
 * track.h, in the map "held"; both count for the same limit.
 */

#include "conn_name.h"
#include "conn_held.h"
#include "maps.h"
#include "parse.h"
#include "tick.h"

/* Open connections and attempts under a name. */
static __always_inline __u32 conn_sum(const struct abi_conn_line *line, __u64 name, __u64 now_ns)
{
	__u32 sum = 0;

	for (int i = 0; i < ABI_CONN_WAYS; i++) {
		__u64 slot = line->count[i];

		if (slot && conn_tag_of(slot) == conn_tag(name))
			sum += conn_count(slot) + conn_tries(line->tries[i], now_ns);
	}
	return sum;
}

/* Open connections with this machine alone. */
static __always_inline __u32 conn_open(const struct abi_conn_line *line, __u64 name)
{
	__u32 sum = 0;

	for (int i = 0; i < ABI_CONN_WAYS; i++)
		if (conn_tag_of(line->count[i]) == conn_tag(name))
			sum += conn_count(line->count[i]);
	return sum;
}

/* One more attempt. A slot without connections may be taken from others. */
static __always_inline void conn_try(struct abi_conn_line *line, __u64 name, __u64 now_ns)
{
	int way = conn_find(line, name, now_ns);

	if (way >= 0)
		conn_add_try(&line->tries[way & (ABI_CONN_WAYS - 1)], now_ns);
}

/* A function of its own, because the verifier then proves it once; for SYNs only. */
__noinline __u32 conn_check(__u64 source, __u64 network, __u32 slot, __u32 is_try)
{
	__u32 zero = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);
	struct abi_conn_line *lines[2];

	if (!settings || !rules)
		return 0;
	__u64 now_ns = tick_now_ns(settings);
	__u64 names[2] = {conn_name(source, rules->identity, 0, settings->seed),
			  conn_name(network, rules->identity, 1, settings->seed)};
	__u32 at[2] = {conn_line(names[0]), conn_line(names[1])};

	lines[0] = bpf_map_lookup_elem(&conn, &at[0]);
	lines[1] = bpf_map_lookup_elem(&conn, &at[1]);
	if (!lines[0] || !lines[1])
		return 0;
	if (rules->connections &&
	    conn_sum(lines[0], names[0], now_ns) + held_sum(names[0], held_epoch(now_ns)) >=
		    rules->connections)
		return 1;
	if (rules->network_connections &&
	    conn_sum(lines[1], names[1], now_ns) + held_sum(names[1], held_epoch(now_ns)) >=
		    rules->network_connections)
		return 1;
	if (is_try && rules->connections)
		conn_try(lines[0], names[0], now_ns);
	if (is_try && rules->network_connections)
		conn_try(lines[1], names[1], now_ns);
	return 0;
}

/* Whether the source has as many as it may; else, when asked to, notes that it tries. */
static __always_inline bool conn_is_over(const struct packet *packet,
					 const struct abi_policy *rules, __u32 slot, bool is_try,
					 const struct abi_control *settings)
{
	__u64 source = conn_prefix(&packet->source, packet->is_v4, rules, 0, settings->seed);
	__u64 network = conn_prefix(&packet->source, packet->is_v4, rules, 1, settings->seed);

	return conn_check(source, network, slot, is_try);
}

#endif
