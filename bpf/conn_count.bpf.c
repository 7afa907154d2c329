// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * conn_count: counts the TCP connections of each source into the map "conn", where the XDP program
 * asks for them.
 *
 * Runs when a socket changes its state. Where a connection was counted stands with its socket, and
 * goes with it: it is taken back there and nowhere else, whatever the configuration says by then.
 * While two versions of this program run side by side, the first of them counts.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "conn_name.h"
#include "maps.h"
#include "steer.h"
#include "tick.h"

enum { CONN_AF_INET = 2, CONN_ESTABLISHED = 1, CONN_SYN_RECV = 3, CONN_CLOSE = 7 };

/* What is read of the kernel's structures; libbpf finds the places on the running kernel. */
struct net {
	__u64 net_cookie;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct in6_addr___kernel {
	union {
		__be32 u6_addr32[4];
	} in6_u;
} __attribute__((preserve_access_index));

struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__u16 skc_num;
	unsigned short skc_family;
	possible_net_t skc_net;
	struct in6_addr___kernel skc_v6_daddr, skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct abi_conn_of);
} conn_of SEC(".maps");

/* The connection as a packet from the other side. */
static __always_inline void read_ends(const struct sock *sk, struct packet *ret)
{
	const struct sock_common *common = &sk->__sk_common;

	ret->proto = IPPROTO_TCP;
	ret->dest_port = bpf_htons(common->skc_num);
	if (common->skc_family == CONN_AF_INET) {
		ret->source = (struct abi_addr){{0, 0, bpf_htonl(0xffff), common->skc_daddr}};
		ret->dest = (struct abi_addr){{0, 0, bpf_htonl(0xffff), common->skc_rcv_saddr}};
	} else {
		for (int i = 0; i < 4; i++) {
			ret->source.word[i] = common->skc_v6_daddr.in6_u.u6_addr32[i];
			ret->dest.word[i] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[i];
		}
	}
	ret->is_v4 = !ret->source.word[0] && !ret->source.word[1] &&
		     ret->source.word[2] == bpf_htonl(0xffff);
}

static __always_inline bool add(__u64 name, __u64 now_ns)
{
	__u32 at = conn_line(name);
	struct abi_conn_line *line = bpf_map_lookup_elem(&conn, &at);
	int way = line ? conn_find(line, name, now_ns) : -1;

	if (way < 0)
		return false;
	way &= ABI_CONN_WAYS - 1;
	for (int i = 0; i < CONN_SWAPS; i++) {
		__u64 seen = *(volatile __u64 *)&line->count[way];

		/* Somebody else's attempt took the slot just now. */
		if (conn_tag_of(seen) != conn_tag(name))
			return false;
		if (__sync_val_compare_and_swap(&line->count[way], seen, seen + 1) == seen) {
			conn_end_try(&line->tries[way], now_ns);
			return true;
		}
	}
	return false;
}

static __always_inline void take_back(__u64 name, __u32 line_number)
{
	__u32 at = line_number - 1;
	struct abi_conn_line *line = bpf_map_lookup_elem(&conn, &at);

	if (!line)
		return;
	for (int i = 0; i < ABI_CONN_WAYS; i++) {
		for (int j = 0; j < CONN_SWAPS; j++) {
			__u64 seen = *(volatile __u64 *)&line->count[i];

			if (conn_tag_of(seen) != conn_tag(name) || !conn_count(seen))
				break;
			if (__sync_val_compare_and_swap(&line->count[i], seen, seen - 1) == seen)
				return;
		}
	}
}

static __always_inline void opened(struct sock *sk)
{
	__u32 zero = 0, entry_id = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct abi_shield *row = bpf_map_lookup_elem(&shield, &zero);
	struct abi_conn_of of = {}, *place;
	struct packet ends = {};

	if (!settings || !row || sk->__sk_common.skc_net.net->net_cookie != row->netns)
		return;
	read_ends(sk, &ends);
	__u32 half = settings->generation & 1;
	struct abi_entry *to = steer_find(&ends, half, &entry_id);

	if (!to || !to->policy || to->target != ABI_TARGET_LOCAL)
		return;
	__u32 slot = half * ABI_POLICIES + to->policy % ABI_POLICIES;
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);

	if (!rules)
		return;
	place = bpf_sk_storage_get(&conn_of, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!place || place->line[0] || place->line[1])
		return;
	__u64 now_ns = tick_now_ns(settings);

	for (int level = 0; level < 2; level++) {
		__u64 prefix = conn_prefix(&ends.source, ends.is_v4, rules, level, settings->seed);

		of.name[level] = conn_name(prefix, rules->identity, level, settings->seed);
		if (add(of.name[level], now_ns))
			of.line[level] = conn_line(of.name[level]) + 1;
	}
	*place = of;
}

static __always_inline void closed(struct sock *sk)
{
	struct abi_conn_of *place = bpf_sk_storage_get(&conn_of, sk, NULL, 0);

	if (!place)
		return;
	for (int level = 0; level < 2; level++) {
		if (place->line[level])
			take_back(place->name[level], place->line[level]);
		place->line[level] = 0;
	}
}

/* ctx: struct sock *, the state before and after. */
SEC("tp_btf/inet_sock_set_state")
int sock_state(unsigned long long *ctx)
{
	struct sock *sk = (void *)ctx[0];
	int before = (int)ctx[1], after = (int)ctx[2];

	if (after == CONN_ESTABLISHED && before == CONN_SYN_RECV)
		opened(sk);
	else if (after == CONN_CLOSE)
		closed(sk);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
