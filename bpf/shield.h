/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef SHIELD_H
#define SHIELD_H

/*
 * shield: what is done about floods from addresses that nobody can limit one by one.
 *
 * The first program only counts: SYNs to each entry, and of other segments one in SHIELD_SAMPLE
 * goes to the stage "guard", which sees whether it belongs to a connection. Above the rates in the
 * map "shield" the entry is under pressure, for as long as there are half as many and some seconds
 * more; SYNs go to the stage "cookie" then, and all segments to the guard. No user space is needed
 * for it.
 */

#include "conn_limit.h"
#include "maps.h"
#include "parse.h"
#include "tick.h"
#include "verdict.h"

enum { SHIELD_BATCH = 16, SHIELD_SAMPLE = 64 };

#define SHIELD_WINDOW_NS (1ULL << 27)
#define SHIELD_HOLD_NS	 (1ULL << 32)

/*
 * Which combinations of FIN, SYN, RST, PSH, ACK and URG (bits 0 to 5) TCP has, a bit for each: a
 * SYN opens and nothing else, a RST closes and nothing else, all others acknowledge (RFC 9293
 * 3.10.7).
 */
#define SHIELD_TCP_FLAGS 0x0303000017171414ULL

static __always_inline bool shield_flags_are_odd(const struct packet *packet)
{
	return packet->proto == IPPROTO_TCP && !(SHIELD_TCP_FLAGS >> (packet->tcp_flags & 63) & 1);
}

static __always_inline struct abi_shield *shield_row(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&shield, &zero);
}

/* Makes a time later; that it may be a little earlier than it should does not matter. */
static __always_inline void shield_extend(__u64 *until_ns, __u64 now_ns)
{
	if (*until_ns < now_ns + SHIELD_HOLD_NS - SHIELD_WINDOW_NS)
		*until_ns = now_ns + SHIELD_HOLD_NS;
}

/* n more SYNs or strays of an entry. A function of its own: called for one in a batch. */
__noinline __u32 shield_count(__u32 entry_id, __u32 is_stray, __u32 n, __u64 now_ns)
{
	struct abi_pressure *at = bpf_map_lookup_elem(&pressure, &entry_id);
	struct abi_shield *row = shield_row();

	if (!at || !row)
		return 0;
	__u64 began = at->window_ns;

	if (now_ns - began >= SHIELD_WINDOW_NS &&
	    __sync_val_compare_and_swap(&at->window_ns, began, now_ns) == began) {
		at->syns = 0;
		at->strays = 0;
	}
	__u32 seen = __sync_fetch_and_add(is_stray ? &at->strays : &at->syns, n) + n;
	__u32 most = is_stray ? row->strays : row->syns;
	__u64 *until_ns = is_stray ? &at->guard_until_ns : &at->cookies_until_ns;
	bool is_on = *until_ns > now_ns;

	if (!most || seen <= (is_on ? most / 2 : most))
		return is_on;
	if (!is_on)
		__sync_fetch_and_add(is_stray ? &at->n_guards : &at->n_cookies, 1);
	shield_extend(until_ns, now_ns);
	shield_extend(&row->until_ns, now_ns);
	return 1;
}

/* Whether the SYN is one too many to go to the network stack as it is. */
static __always_inline bool shield_is_pressed(__u32 entry_id, const struct abi_entry *to,
					      struct abi_counter *counts, __u64 now_ns)
{
	struct abi_pressure *at;

	if (!(++counts->syns % SHIELD_BATCH))
		shield_count(entry_id, 0, SHIELD_BATCH, now_ns);
	if (to->flags & ABI_ENTRY_COOKIES)
		return true;
	if (!(to->flags & ABI_ENTRY_COOKIES_AUTO))
		return false;
	at = bpf_map_lookup_elem(&pressure, &entry_id);
	return at && at->cookies_until_ns > now_ns;
}

/* A packet that its policy lets through, to an entry of this machine. */
static __always_inline int shield_local(const struct packet *packet, const struct abi_entry *to,
					__u32 entry_id, const struct abi_policy *rules, __u32 slot,
					struct abi_counter *counts, int verdict, __u64 now_ns,
					const struct abi_control *settings, bool may_go_on)
{
	struct abi_shield *row = shield_row();

	if (!row || packet->proto != IPPROTO_TCP || verdict == verdict_pass(ABI_PASS_TRUSTED))
		return verdict;
	if (packet->is_syn) {
		if (shield_is_pressed(entry_id, to, counts, now_ns) && may_go_on &&
		    row->flags & ABI_SHIELD_COOKIES)
			return verdict_stage(ABI_STAGE_COOKIE);
		if (rules && rules->flags & ABI_POLICY_CONNECTIONS &&
		    row->loaded & ABI_SHIELD_CONNECTIONS &&
		    conn_is_over(packet, rules, slot, true, settings))
			return verdict_drop(ABI_DROP_CONNECTIONS);
		return verdict;
	}
	if (may_go_on &&
	    (row->until_ns > now_ns || (row->strays && !(counts->received % SHIELD_SAMPLE))))
		return verdict_stage(ABI_STAGE_GUARD);
	return verdict;
}

#endif
