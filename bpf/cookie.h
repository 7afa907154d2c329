/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef COOKIE_H
#define COOKIE_H

/*
 * cookie: the stage that answers SYNs with SYN cookies, for entries under pressure.
 *
 * The cookie is the network stack's own (bpf_tcp_raw_gen_syncookie), so its listener takes the
 * segment that completes the handshake, and no state is kept here. It does so only if it has seen a
 * SYN lately, with net.ipv4.tcp_syncookies=2: one a second of each family is let through. What TCP
 * agrees on in a SYN is offered as the stack does it with cookies (RFC 7323 3.2): an MSS always;
 * window scale and selective acknowledgements in the low bits of the timestamp, if the client sends
 * timestamps and the stack will read them there, which needs net.ipv4.tcp_timestamps=2.
 */

#include "guard.h"
#include "known.h"
#include "shield.h"
#include "stage.h"

enum {
	COOKIE_OPTIONS_MAX = 40,
	COOKIE_TCP_MAX = 60,
	COOKIE_TCP_SHORT = 24, /* with an MSS */
	COOKIE_TCP_LONG = 40,  /* with timestamps and the rest */
	COOKIE_MSS4 = 1460,
	COOKIE_MSS6 = 1440,
	COOKIE_WINDOW = 64240, /* what Linux begins with */
	COOKIE_TTL = 64,
	COOKIE_NO_SCALE = 15,
	COOKIE_SCALE_MAX = 14,
	COOKIE_SACK = 1 << 4,
	COOKIE_TIME_BITS = 6,
};

#define COOKIE_LET_NS (1ULL << 30)

/* What the client's SYN asks for. */
struct cookie_options {
	bool has_time, has_sack;
	__u8 scale; /* COOKIE_NO_SCALE: none */
	__be32 time;
};

struct cookie_walk {
	struct xdp_md *ctx;
	__u32 at, end; /* offsets of the frame */
	struct cookie_options options;
};

/* One option; 1 ends the walk. The verifier proves it once (bpf_loop), not for every way there. */
static long cookie_option(__u32 nth, struct cookie_walk *walk)
{
	const __u8 *at = (const void *)(long)walk->ctx->data;
	const __u8 *end = (const void *)(long)walk->ctx->data_end;

	(void)nth;
	if (walk->at >= walk->end || walk->at > PARSE_HEADERS_MAX)
		return 1;
	at += walk->at;
	if (at + 2 > end || at[0] == 0)
		return 1;
	if (at[0] == 1) {
		walk->at++;
		return 0;
	}
	if (at[1] < 2)
		return 1;
	if (at[0] == 3 && at[1] == 3 && at + 3 <= end)
		walk->options.scale = at[2];
	if (at[0] == 4 && at[1] == 2)
		walk->options.has_sack = true;
	if (at[0] == 8 && at[1] == 10 && at + 10 <= end) {
		walk->options.has_time = true;
		__builtin_memcpy(&walk->options.time, at + 2, sizeof(walk->options.time));
	}
	walk->at += at[1];
	return 0;
}

static __always_inline void cookie_read_options(struct xdp_md *ctx, __u32 at,
						struct cookie_options *ret)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	struct cookie_walk walk = {
		.ctx = ctx,
		.at = at + sizeof(struct tcphdr),
		.options = {.scale = COOKIE_NO_SCALE},
	};
	const struct tcphdr *tcp = data + at;

	*ret = walk.options;
	if (at > PARSE_HEADERS_MAX || (const void *)(tcp + 1) > end)
		return;
	walk.end = at + tcp->doff * 4;
	bpf_loop(COOKIE_OPTIONS_MAX, cookie_option, &walk, 0);
	*ret = walk.options;
}

/* The stack's clock in milliseconds, its low bits replaced, and never in the future. */
static __always_inline __u32 cookie_time(const struct cookie_options *options)
{
	__u64 now = bpf_ktime_get_ns() / 1000000;
	__u64 time = now >> COOKIE_TIME_BITS << COOKIE_TIME_BITS;

	__u8 scale = options->scale;

	if (scale != COOKIE_NO_SCALE && scale > COOKIE_SCALE_MAX)
		scale = COOKIE_SCALE_MAX;
	time |= scale | (options->has_sack ? COOKIE_SACK : 0);
	return time > now ? time - (1 << COOKIE_TIME_BITS) : time;
}

static __always_inline __u16 cookie_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

static __always_inline __u64 cookie_sum(const void *at, int words)
{
	const __be32 *word = at;
	__u64 sum = 0;

	asm volatile("" ::: "memory"); /* fields were written with other types */
#pragma unroll
	for (int i = 0; i < words; i++)
		sum += word[i];
	return sum;
}

/* The answer's TCP header in the place of the SYN's. Returns its length. */
static __always_inline __u32 cookie_write_tcp(struct tcphdr *tcp, __u32 value, __u16 mss,
					      const struct cookie_options *options, __u8 scale)
{
	__be32 *option = (void *)(tcp + 1);
	__be16 port = tcp->source;
	__u32 bytes = options->has_time ? COOKIE_TCP_LONG : COOKIE_TCP_SHORT;

	tcp->source = tcp->dest;
	tcp->dest = port;
	tcp->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	tcp->seq = bpf_htonl(value);
	((__be16 *)tcp)[6] = bpf_htons(bytes / 4 << 12 | 0x12); /* SYN, ACK */
	tcp->window = bpf_htons(COOKIE_WINDOW);
	tcp->check = 0;
	tcp->urg_ptr = 0;
	option[0] = bpf_htonl(0x02040000 | mss);
	if (!options->has_time)
		return bytes;
	/* Selective acknowledgements permitted, or two empty options; then the timestamp. */
	option[1] = bpf_htonl(options->has_sack ? 0x0402080a : 0x0101080a);
	option[2] = bpf_htonl(cookie_time(options));
	option[3] = options->time;
	option[4] = bpf_htonl(options->scale == COOKIE_NO_SCALE ? 0x01010101 : 0x01030300 | scale);
	return bytes;
}

static __always_inline void cookie_check_tcp(struct tcphdr *tcp, __u32 bytes, __u64 addresses)
{
	__u64 sum = addresses + bpf_htonl(IPPROTO_TCP) + bpf_htonl(bytes);

	sum += cookie_sum(tcp, COOKIE_TCP_SHORT / 4);
	if (bytes == COOKIE_TCP_LONG)
		sum += cookie_sum((void *)tcp + COOKIE_TCP_SHORT,
				  (COOKIE_TCP_LONG - COOKIE_TCP_SHORT) / 4);
	tcp->check = cookie_fold(sum);
}

/* IPv4. The whole of tcp's 60 bytes is there. Returns the length of the frame, or 0. */
static __always_inline __u32 cookie_answer4(void *data, void *end, __u32 l3,
					    const struct cookie_options *options,
					    const struct abi_shield *row)
{
	struct iphdr *ip = data + (l3 & 31);
	struct tcphdr *tcp = (void *)(ip + 1);
	__be32 addr;

	if ((void *)tcp + COOKIE_TCP_MAX > end)
		return 0;
	__u32 bytes = tcp->doff * 4;

	if (bytes < sizeof(*tcp) || bytes > COOKIE_TCP_MAX)
		return 0;
	__s64 value = bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, bytes);

	if (value < 0)
		return 0;
	bytes = cookie_write_tcp(tcp, value, row->mss4 ?: COOKIE_MSS4, options, row->wscale);
	addr = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + bytes);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000); /* do not fragment */
	ip->ttl = COOKIE_TTL;
	ip->check = 0;
	ip->check = cookie_fold(cookie_sum(ip, 5));
	cookie_check_tcp(tcp, bytes, cookie_sum(&ip->saddr, 2));
	return (l3 & 31) + sizeof(*ip) + bytes;
}

static __always_inline __u32 cookie_answer6(void *data, void *end, __u32 l3,
					    const struct cookie_options *options,
					    const struct abi_shield *row)
{
	struct ipv6hdr *ip = data + (l3 & 31);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct in6_addr addr;

	if ((void *)tcp + COOKIE_TCP_MAX > end)
		return 0;
	__u32 bytes = tcp->doff * 4;

	if (bytes < sizeof(*tcp) || bytes > COOKIE_TCP_MAX)
		return 0;
	__s64 value = bpf_tcp_raw_gen_syncookie_ipv6(ip, tcp, bytes);

	if (value < 0)
		return 0;
	bytes = cookie_write_tcp(tcp, value, row->mss6 ?: COOKIE_MSS6, options, row->wscale);
	__builtin_memcpy(&addr, &ip->saddr, sizeof(addr));
	__builtin_memcpy(&ip->saddr, &ip->daddr, sizeof(addr));
	__builtin_memcpy(&ip->daddr, &addr, sizeof(addr));
	*(__be32 *)ip = bpf_htonl(6u << 28);
	ip->payload_len = bpf_htons(bytes);
	ip->hop_limit = COOKIE_TTL;
	cookie_check_tcp(tcp, bytes, cookie_sum(&ip->saddr, 8));
	return (l3 & 31) + sizeof(*ip) + bytes;
}

/* Back to where the frame came from; what came out of a tunnel goes its own way. */
static __always_inline int cookie_send(struct xdp_md *ctx, const struct packet *packet,
				       bool is_inner)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u8 mac[ETH_ALEN];

	if ((void *)(eth + 1) > end)
		return verdict_drop(ABI_DROP_MALFORMED);
	if (!is_inner) {
		__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
		__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
		__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
		return verdict_tx(ABI_SEND_SYN_COOKIE);
	}
	struct bpf_fib_lookup way = {
		.family = packet->is_v4 ? 2 : 10, /* AF_INET, AF_INET6 */
		.ifindex = ctx->ingress_ifindex,
		.l4_protocol = IPPROTO_TCP,
	};

	if (packet->is_v4) {
		way.ipv4_src = packet->dest.word[3];
		way.ipv4_dst = packet->source.word[3];
	} else {
		__builtin_memcpy(way.ipv6_src, &packet->dest, sizeof(packet->dest));
		__builtin_memcpy(way.ipv6_dst, &packet->source, sizeof(packet->source));
	}
	if (bpf_fib_lookup(ctx, &way, sizeof(way), 0))
		return verdict_drop(ABI_DROP_NO_ROUTE);
	__builtin_memcpy(eth->h_dest, way.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, way.smac, ETH_ALEN);
	bpf_redirect(way.ifindex, 0);
	return verdict_redirect(ABI_SEND_SYN_COOKIE);
}

/* Whether this SYN is the one of its second that the stack must see. */
static __always_inline bool cookie_lets(struct abi_pressure *at, bool is_v4, __u64 now_ns)
{
	__u32 which = !is_v4;

	asm volatile("" : "+r"(which)); /* or the compiler knows better what a bool can be */
	__u64 *let_ns = &at->let_ns[which & 1], seen = *(volatile __u64 *)let_ns;

	return seen <= now_ns &&
	       __sync_val_compare_and_swap(let_ns, seen, now_ns + COOKIE_LET_NS) == seen;
}

static __always_inline long cookie_length(const struct xdp_md *ctx)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;

	long length = end - data;

	asm volatile("" : "+r"(length)); /* the verifier wants all 64 bits of a pointer */
	return length;
}

static __always_inline int cookie_answer(struct xdp_md *ctx, const struct stage *stage)
{
	const struct flight *flight = stage->flight;
	const struct packet *packet = &flight->packet;
	__u32 entry_id = flight->entry % ABI_ENTRIES, l3 = packet->l3;
	__u32 at = l3 + (packet->is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u32 slot = (flight->generation & 1) * ABI_POLICIES + flight->policy % ABI_POLICIES;
	struct abi_pressure *pressed = bpf_map_lookup_elem(&pressure, &entry_id);
	struct abi_policy *rules = bpf_map_lookup_elem(&policy, &slot);
	__u32 entry_slot = (flight->generation & 1) * ABI_ENTRIES + entry_id;
	struct abi_entry *to = bpf_map_lookup_elem(&entry, &entry_slot);
	struct abi_shield *row = shield_row();
	struct cookie_options options;
	long missing;

	if (!pressed || !row || !to)
		return flight->verdict;
	bool is_let = known_is(packet, flight->now_ns, stage->control) ||
		      cookie_lets(pressed, packet->is_v4, flight->now_ns);

	/* A SYN that gets a cookie leaves no trace: nobody is refused for what was sent in his
	 * name. */
	if (flight->policy && rules && rules->flags & ABI_POLICY_CONNECTIONS &&
	    row->loaded & ABI_SHIELD_CONNECTIONS &&
	    conn_is_over(packet, rules, slot, is_let, stage->control))
		return verdict_drop(ABI_DROP_CONNECTIONS);
	if (is_let)
		return flight->verdict;
	/* Segments of the entry are looked at from now on: who answers becomes known. */
	if (to->flags & ABI_ENTRY_COOKIES) {
		shield_extend(&pressed->cookies_until_ns, flight->now_ns);
		shield_extend(&row->until_ns, flight->now_ns);
	}
	/* With options between the headers, or in pieces: no client's stack does that to a SYN. */
	if (packet->at != at || packet->is_fragment)
		return verdict_drop(ABI_DROP_COOKIE_BAD);
	missing = (long)(at + COOKIE_TCP_MAX) - cookie_length(ctx);
	if (missing > 0 && bpf_xdp_adjust_tail(ctx, missing))
		return verdict_drop(ABI_DROP_NO_ROOM);
	cookie_read_options(ctx, at, &options);
	options.has_time &= row->flags & ABI_SHIELD_TIMES ? 1 : 0;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 bytes = packet->is_v4 ? cookie_answer4(data, end, l3, &options, row)
				    : cookie_answer6(data, end, l3, &options, row);

	if (!bytes)
		return verdict_drop(ABI_DROP_COOKIE_BAD);
	if (bpf_xdp_adjust_tail(ctx, (long)bytes - cookie_length(ctx)))
		return verdict_drop(ABI_DROP_NO_ROOM);
	return cookie_send(ctx, packet, flight->flags & FLIGHT_INNER);
}

SEC("xdp.frags")
int cookie(struct xdp_md *ctx)
{
	struct stage stage;

	if (!stage_begin(&stage))
		return XDP_PASS;
	return stage_end(ctx, &stage, cookie_answer(ctx, &stage));
}

#endif
